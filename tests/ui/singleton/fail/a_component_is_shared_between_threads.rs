use std::cell::Cell;

#[hostkit::singleton]
struct Orders {
    #[inject(default)]
    count: Cell<usize>,
}

fn main() {}
