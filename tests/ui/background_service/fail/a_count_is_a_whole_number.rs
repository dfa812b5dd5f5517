#[hostkit::background_service(max_restarts = "5")]
async fn intake() {}

fn main() {}
