#[hostkit::periodic(cron = "@dialy")]
async fn cleanup() {}

fn main() {}
