#[hostkit::periodic(cron = "0 3 MON * *")]
async fn cleanup() {}

fn main() {}
