#[hostkit::queued(durable, delivery = "at-most-once", attempts = 3)]
async fn process(_order: i64) {}

fn main() {}
