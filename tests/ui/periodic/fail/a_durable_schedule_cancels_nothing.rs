#[hostkit::periodic(every = "1h", durable, overlap = "cancel-previous")]
async fn cleanup() {}

fn main() {}
