#[hostkit::queued(leftover = keep)]
async fn process(_order: i64) {}

fn main() {}
