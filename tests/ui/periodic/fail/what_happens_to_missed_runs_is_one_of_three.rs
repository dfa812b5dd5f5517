#[hostkit::periodic(every = "1h", missed = "twice")]
async fn cleanup() {}

fn main() {}
