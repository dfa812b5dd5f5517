#[hostkit::background_service(on_faliure = "restart")]
async fn intake() {}

fn main() {}
