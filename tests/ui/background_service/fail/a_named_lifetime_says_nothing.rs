use ui_support::Clock;

#[hostkit::background_service]
async fn intake<'a>(clock: &'a Clock) {
    let _ = clock;
}

fn main() {}
