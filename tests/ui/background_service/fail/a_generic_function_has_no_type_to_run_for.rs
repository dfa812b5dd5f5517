#[hostkit::background_service]
async fn intake<T>() {}

fn main() {}
