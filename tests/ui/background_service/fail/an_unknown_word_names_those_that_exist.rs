#[hostkit::background_service(on_complete = "celebrate")]
async fn intake() {}

fn main() {}
