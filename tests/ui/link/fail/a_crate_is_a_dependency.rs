hostkit::link!(ui_suport);

fn main() {}
