#[hostkit::periodic(every = "1h", on_failure = "restart")]
async fn cleanup() {}

fn main() {}
