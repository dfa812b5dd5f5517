#[hostkit::background_service(after = [migrate])]
async fn intake() {}

async fn migrate() {}

fn main() {}
