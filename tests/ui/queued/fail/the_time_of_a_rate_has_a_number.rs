#[hostkit::queued(durable, rate = "100/s")]
async fn process(_order: i64) {}

fn main() {}
