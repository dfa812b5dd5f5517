#[hostkit::background_service(on_failure = "restart", backoff = "1m..1s")]
async fn intake() {}

fn main() {}
