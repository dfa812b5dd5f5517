#[hostkit::background_service(instances = 2, instances = 3)]
async fn intake() {}

fn main() {}
