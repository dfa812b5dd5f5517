// 2 errors: one is of the struct itself.
use ui_support::Clock;

#[hostkit::singleton]
struct Orders {
    clock: &Clock,
}

fn main() {}
