#[hostkit::on_start]
const MIGRATE: u8 = 1;

fn main() {}
