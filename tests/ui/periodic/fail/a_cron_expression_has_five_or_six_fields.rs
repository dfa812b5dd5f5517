#[hostkit::periodic(cron = "0 3 *")]
async fn cleanup() {}

fn main() {}
