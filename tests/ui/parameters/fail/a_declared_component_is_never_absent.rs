use std::sync::Arc;

use ui_support::Clock;

#[hostkit::periodic(every = "1h")]
async fn report(clock: Option<Arc<Clock>>) {
    let _ = clock;
}

fn main() {}
