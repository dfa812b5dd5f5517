#[hostkit::background_service("restart")]
async fn intake() {}

fn main() {}
