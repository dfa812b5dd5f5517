#[hostkit::singleton(as = dyn Mailre)]
struct Post {}

fn main() {}
