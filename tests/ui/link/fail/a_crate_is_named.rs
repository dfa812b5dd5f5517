hostkit::link!();

fn main() {}
