#[hostkit::background_service(on_failure = restart)]
async fn intake() {}

fn main() {}
