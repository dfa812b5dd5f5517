#[hostkit::background_service(start_timeout = "0s")]
async fn intake() {}

fn main() {}
