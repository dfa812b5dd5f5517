#[hostkit::background_service(scope = "per-order")]
async fn intake() {}

fn main() {}
