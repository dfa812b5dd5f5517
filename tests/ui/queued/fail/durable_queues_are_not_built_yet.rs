#[hostkit::queued(durable)]
async fn process(_order: i64) {}

fn main() {}
