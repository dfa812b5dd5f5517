#[hostkit::periodic(cron = "0 0 31 2 *")]
async fn cleanup() {}

fn main() {}
