#[hostkit::queued(durable, rate = "0/1s")]
async fn process(_order: i64) {}

fn main() {}
