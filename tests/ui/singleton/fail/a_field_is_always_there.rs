use std::sync::Arc;

use ui_support::Clock;

#[hostkit::singleton]
struct Orders {
    #[cfg(unix)]
    clock: Arc<Clock>,
}

fn main() {}
