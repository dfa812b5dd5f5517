#[hostkit::periodic(every = "1h", durable, run_at_start = true)]
async fn cleanup() {}

fn main() {}
