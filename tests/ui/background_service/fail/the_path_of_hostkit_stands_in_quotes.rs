#[hostkit::background_service(crate = hostkit)]
async fn intake() {}

fn main() {}
