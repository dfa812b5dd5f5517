#[hostkit::queued(durable, delivery = "exactly-once")]
async fn process(_order: i64) {}

fn main() {}
