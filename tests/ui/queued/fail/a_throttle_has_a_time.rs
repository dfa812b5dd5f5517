#[hostkit::queued(durable, unique = "throttle")]
async fn process(_order: i64) {}

fn main() {}
