#[hostkit::background_service(after = [migrate])]
async fn intake() {}

fn main() {}
