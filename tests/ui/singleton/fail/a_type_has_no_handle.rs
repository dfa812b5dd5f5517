#[hostkit::singleton(handle = Other)]
struct Orders {}

fn main() {}
