#[hostkit::background_service(backoff("1s..1m"))]
async fn intake() {}

fn main() {}
