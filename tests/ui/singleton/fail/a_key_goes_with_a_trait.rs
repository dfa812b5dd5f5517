#[hostkit::singleton(key = "eu")]
struct Orders {}

fn main() {}
