#[hostkit::queued(durable, rate = "100")]
async fn process(_order: i64) {}

fn main() {}
