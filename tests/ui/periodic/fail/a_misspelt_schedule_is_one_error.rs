#[hostkit::periodic(evrey = "1h")]
async fn cleanup() {}

fn main() {}
