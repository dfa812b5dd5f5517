hostkit::link!(ui_support);

fn main() {}
