use hostkit::Tick as Moment;

#[hostkit::background_service]
async fn intake(tick: Moment) {
    let _ = tick;
}

fn main() {}
