#[hostkit::background_service(instances = 0)]
async fn intake() {}

fn main() {}
