// 2 errors: the name is taken, so it is no type.
mod intake {}

#[hostkit::background_service]
async fn intake() {}

fn main() {}
