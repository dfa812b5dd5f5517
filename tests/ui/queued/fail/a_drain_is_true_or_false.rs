#[hostkit::queued(drain = "5s")]
async fn process(_order: i64) {}

fn main() {}
