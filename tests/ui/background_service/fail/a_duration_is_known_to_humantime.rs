#[hostkit::background_service(start_timeout = "10 parsecs")]
async fn intake() {}

fn main() {}
