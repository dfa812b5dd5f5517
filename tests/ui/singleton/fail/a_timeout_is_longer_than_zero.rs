#[hostkit::singleton(timeout = "0s")]
struct Orders {}

fn main() {}
