#[hostkit::periodic(cron = "5/10 * * * *")]
async fn cleanup() {}

fn main() {}
