#[hostkit::queued(durable, unique = "while-active", unique_for = "1m")]
async fn process(_order: i64) {}

fn main() {}
