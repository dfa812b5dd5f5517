#[hostkit::background_service]
async fn intake(clock) {}

fn main() {}
