use hostkit::All;
use ui_support::Clock;

#[hostkit::periodic(every = "1h")]
async fn report(clocks: All<Clock>) {
    let _ = clocks;
}

fn main() {}
