#[hostkit::singleton(tiemout = "5s")]
struct Orders {}

fn main() {}
