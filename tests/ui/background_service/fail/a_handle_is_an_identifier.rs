#[hostkit::background_service(handle = "Intake")]
async fn intake() {}

fn main() {}
