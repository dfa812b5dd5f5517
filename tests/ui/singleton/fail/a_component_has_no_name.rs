#[hostkit::singleton(name = "orders")]
struct Orders {}

fn main() {}
