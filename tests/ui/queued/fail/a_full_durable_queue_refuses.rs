#[hostkit::queued(durable, capacity = 10, full = "wait")]
async fn process(_order: i64) {}

fn main() {}
