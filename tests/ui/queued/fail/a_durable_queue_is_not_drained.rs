#[hostkit::queued(durable, drain = true)]
async fn process(_order: i64) {}

fn main() {}
