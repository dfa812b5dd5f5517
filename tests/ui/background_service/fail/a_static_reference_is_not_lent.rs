use ui_support::Clock;

#[hostkit::background_service]
async fn intake(clock: &'static Clock) {
    let _ = clock;
}

fn main() {}
