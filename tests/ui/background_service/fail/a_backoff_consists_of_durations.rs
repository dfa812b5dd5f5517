#[hostkit::background_service(on_failure = "restart", backoff = "1s..later")]
async fn intake() {}

fn main() {}
