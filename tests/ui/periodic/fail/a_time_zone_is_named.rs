#[hostkit::periodic(cron = "@daily", tz = "")]
async fn cleanup() {}

fn main() {}
