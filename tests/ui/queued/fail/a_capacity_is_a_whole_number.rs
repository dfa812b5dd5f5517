#[hostkit::queued(capacity = 1.5)]
async fn process(_order: i64) {}

fn main() {}
