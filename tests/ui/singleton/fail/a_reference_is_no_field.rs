use ui_support::Clock;

#[hostkit::singleton]
struct Orders {
    clock: &Clock,
}

fn main() {}
