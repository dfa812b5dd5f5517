use hostkit::Tick;

#[hostkit::background_service]
async fn intake(tick: Tick) {
    let _ = tick;
}

fn main() {}
