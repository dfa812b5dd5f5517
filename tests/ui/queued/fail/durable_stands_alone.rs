#[hostkit::queued(durable = true)]
async fn process(_order: i64) {}

fn main() {}
