#[hostkit::periodic(every = "1h", run_at_start)]
async fn cleanup() {}

fn main() {}
