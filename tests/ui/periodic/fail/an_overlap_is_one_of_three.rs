#[hostkit::periodic(every = "1h", overlap = "cancel_previous")]
async fn cleanup() {}

fn main() {}
