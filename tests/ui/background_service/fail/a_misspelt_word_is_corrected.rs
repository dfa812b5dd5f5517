#[hostkit::background_service(on_failure = "restrat")]
async fn intake() {}

fn main() {}
