#[hostkit::queued(durable, leftover = keep)]
async fn process(_order: i64) {}

async fn keep(_orders: Vec<i64>) {}

fn main() {}
