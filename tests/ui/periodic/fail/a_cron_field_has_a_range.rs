#[hostkit::periodic(cron = "0 24 * * *")]
async fn cleanup() {}

fn main() {}
