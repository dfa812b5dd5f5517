#[hostkit::singleton]
#[hostkit::scoped]
struct Orders {}

fn main() {}
