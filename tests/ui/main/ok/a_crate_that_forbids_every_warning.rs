#![forbid(warnings, nonstandard_style, unsafe_code)]

use hostkit::{HostLifetime, Queue};

#[hostkit::singleton]
struct Clock {}

#[hostkit::queued]
async fn process(item: u64, clock: &Clock, host: HostLifetime) {
    let _ = (item, clock);
    host.request_stop();
}

#[hostkit::background_service]
async fn feed(items: Queue<process>) {
    items.enqueue(1).await.ok();
}

hostkit::main!();
