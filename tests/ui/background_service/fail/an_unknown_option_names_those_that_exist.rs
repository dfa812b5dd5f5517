#[hostkit::background_service(colour = "red")]
async fn intake() {}

fn main() {}
