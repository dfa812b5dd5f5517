use std::sync::Arc;

struct Clock;

#[hostkit::singleton]
struct Orders {
    clock: Arc<Clock>,
}

fn main() {}
