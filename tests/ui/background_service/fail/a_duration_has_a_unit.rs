#[hostkit::background_service(within = "10")]
async fn intake() {}

fn main() {}
