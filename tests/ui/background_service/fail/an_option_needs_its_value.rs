#[hostkit::background_service(on_failure)]
async fn intake() {}

fn main() {}
