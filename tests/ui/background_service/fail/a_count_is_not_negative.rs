#[hostkit::background_service(max_restarts = -1)]
async fn intake() {}

fn main() {}
