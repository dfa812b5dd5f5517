#[hostkit::periodic(every = "1h", timeout = "soon")]
async fn cleanup() {}

fn main() {}
