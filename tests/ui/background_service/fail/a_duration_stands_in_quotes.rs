#[hostkit::background_service(stop_timeout = 30)]
async fn intake() {}

fn main() {}
