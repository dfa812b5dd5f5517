#[derive(Clone)]
struct Order;

#[hostkit::queued(
    capacity = 1_000,
    concurrency = 4,
    full = "reject",
    timeout = "30s",
    attempts = 3,
    backoff = "1s..1m",
    on_failure = "stop-host",
    drain = false,
    leftover = jobs::keep,
    stop_timeout = "5s",
    name = "orders",
    after = [first]
)]
async fn process(order: Order) {
    drop(order);
}

mod jobs {
    pub(super) async fn keep(orders: Vec<super::Order>) {
        drop(orders);
    }
}

#[hostkit::queued(full = "drop-oldest", attempts = 1, on_failure = "continue", drain = true)]
async fn first(order: Box<dyn FnOnce() + Send>) {
    order();
}

#[hostkit::queued(full = "drop-newest")]
async fn second((left, right): (i64, i64)) {
    let _ = left + right;
}

#[hostkit::queued(full = "wait")]
async fn third(_: Option<Vec<[u8; 16]>>) {}

pub(crate) fn main() {
    hostkit::Host::empty().with::<process>().with::<first>().with::<second>().with::<third>();
}
