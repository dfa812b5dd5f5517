#[hostkit::background_service(after = ["migrate"])]
async fn intake() {}

#[hostkit::on_start]
async fn migrate() {}

fn main() {}
