mod intake {}

#[hostkit::background_service]
async fn intake() {}

fn main() {}
