#[hostkit::singleton]
fn greeting() {}

fn main() {}
