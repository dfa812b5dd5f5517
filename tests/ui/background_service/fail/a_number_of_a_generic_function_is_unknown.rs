#[hostkit::background_service]
async fn intake<const N: usize>() {}

fn main() {}
