hostkit::link!("ui-support");

fn main() {}
