#[hostkit::on_start]
fn migrate() {}

fn main() {}
