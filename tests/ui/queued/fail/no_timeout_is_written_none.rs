#[hostkit::queued(durable, timeout = "never")]
async fn process(_order: i64) {}

fn main() {}
