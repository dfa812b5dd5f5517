#[hostkit::periodic(every = "1h", jitter = "10%")]
async fn cleanup() {}

fn main() {}
