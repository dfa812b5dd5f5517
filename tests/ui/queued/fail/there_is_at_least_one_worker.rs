#[hostkit::queued(concurrency = 0)]
async fn process(_order: i64) {}

fn main() {}
