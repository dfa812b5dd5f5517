#[hostkit::periodic(every = "1h", cron = "0 3 * * *")]
async fn cleanup() {}

fn main() {}
