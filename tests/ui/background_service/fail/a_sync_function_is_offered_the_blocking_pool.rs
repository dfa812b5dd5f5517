#[hostkit::background_service]
fn intake() {}

fn main() {}
