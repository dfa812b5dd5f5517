#[hostkit::periodic(every = "60")]
async fn cleanup() {}

fn main() {}
