#[hostkit::background_service(enabled = "no")]
async fn intake() {}

fn main() {}
