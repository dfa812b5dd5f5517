#[hostkit::queued(capacity = 99999999999999999999)]
async fn process(_order: i64) {}

fn main() {}
