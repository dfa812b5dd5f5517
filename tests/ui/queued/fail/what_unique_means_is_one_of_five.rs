#[hostkit::queued(durable, unique = "while-waiting")]
async fn process(_order: i64) {}

fn main() {}
