#[hostkit::queued(durable, priority = 200)]
async fn process(_order: i64) {}

fn main() {}
