#[hostkit::background_service(blocking = true)]
async fn intake() {}

fn main() {}
