#[hostkit::singleton]
trait Orders {}

fn main() {}
