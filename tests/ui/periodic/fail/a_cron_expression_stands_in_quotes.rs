#[hostkit::periodic(cron = 3)]
async fn cleanup() {}

fn main() {}
