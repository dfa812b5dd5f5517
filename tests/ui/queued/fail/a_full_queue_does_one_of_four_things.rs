#[hostkit::queued(full = "block")]
async fn process(_order: i64) {}

fn main() {}
