#[hostkit::periodic]
async fn cleanup() {}

fn main() {}
