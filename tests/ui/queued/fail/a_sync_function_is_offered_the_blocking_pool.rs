#[hostkit::queued]
fn process(_order: i64) {}

fn main() {}
