#[hostkit::singleton(default)]
struct Orders {}

fn main() {}
