#[hostkit::background_service]
async fn _intake() {}

fn main() {}
