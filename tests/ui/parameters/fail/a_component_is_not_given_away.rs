use ui_support::Clock;

#[hostkit::periodic(every = "1h")]
async fn report(clock: Clock) {
    let _ = clock;
}

fn main() {}
