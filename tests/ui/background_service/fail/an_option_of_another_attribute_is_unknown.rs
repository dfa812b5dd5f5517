#[hostkit::background_service(capacity = 10)]
async fn intake() {}

fn main() {}
