#[hostkit::queued(durabel, priority = 3)]
async fn process(_order: i64) {}

fn main() {}
