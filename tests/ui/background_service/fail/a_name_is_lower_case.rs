#[hostkit::background_service(name = "Order Intake")]
async fn intake() {}

fn main() {}
