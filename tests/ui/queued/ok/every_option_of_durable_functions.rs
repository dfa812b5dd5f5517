use hostkit::{CancellationToken, Enqueue, Host, JobContext, JobId, Queue, Verdict};

/// It cannot be cloned: it is read again from the store.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct Order {
    customer: u64,
}

#[hostkit::queued(
    durable,
    capacity = 1_000,
    concurrency = 4,
    timeout = "none",
    attempts = 1,
    backoff = "1s..1m",
    on_failure = "stop-host",
    stop_timeout = "5s",
    priority = -128,
    keep_done = "0s",
    keep_dead = "90days",
    unique = "throttle",
    unique_for = "1m",
    key = keys::customer,
    per_key = 1,
    rate = "100/1s",
    delivery = "at-most-once",
    name = "orders",
    after = [first]
)]
async fn process(order: Order) {
    drop(order);
}

mod keys {
    pub(super) fn customer(order: &super::Order) -> String {
        order.customer.to_string()
    }
}

#[hostkit::queued(
    durable,
    timeout = "30s",
    on_failure = "continue",
    priority = 127,
    unique = "none",
    delivery = "at-least-once"
)]
async fn first((left, right): (i64, String), job: JobContext) -> Verdict {
    let _ = (left, right);
    job.done()
}

#[hostkit::queued(durable, unique = "while-pending", key = generic::<String>)]
async fn second(order: String, stop: CancellationToken) -> Result<(), &'static str> {
    let _ = (order, stop);
    Ok(())
}

fn generic<T: AsRef<str>>(order: &T) -> &str {
    order.as_ref()
}

#[hostkit::queued(durable, unique = "while-active", key = inferred)]
async fn third(_: Option<Vec<[u8; 16]>>) {}

fn inferred<T: std::fmt::Debug>(order: T) -> Box<str> {
    format!("{order:?}").into()
}

impl Order {
    fn customer(&self) -> std::borrow::Cow<'_, str> {
        self.customer.to_string().into()
    }
}

#[hostkit::queued(durable, unique = "debounce", unique_for = "1m", key = Order::customer)]
async fn fourth(order: Order) {
    drop(order);
}

/// The names of these are those of variables in the expansion.
#[hostkit::queued(durable, per_key = 2, key = payload)]
async fn fifth(order: Order) {
    drop(order);
}

fn payload(order: &Order) -> String {
    order.customer.to_string()
}

#[hostkit::queued(leftover = left)]
async fn sixth(order: Order) {
    drop(order);
}

async fn left(orders: Vec<Order>) {
    drop(orders);
}

#[hostkit::background_service]
async fn intake(orders: Queue<process>, stop: CancellationToken) -> Result<(), hostkit::EnqueueError<Order>> {
    let first: JobId = orders.enqueue(Order { customer: 1 }).await?;
    let later = Enqueue::new().delay("5m").key("order-2").priority(1);
    let second = orders.enqueue_with(Order { customer: 2 }, later).await?;
    let soon = Enqueue::new().delay(std::time::Duration::from_secs(1)).at(std::time::SystemTime::now());
    orders.enqueue_with(Order { customer: 3 }, soon).await?;
    let all = orders.enqueue_all((4..10).map(|customer| Order { customer })).await?;
    assert!(first != second || all.stored + all.duplicates == 6);
    stop.cancelled().await;
    Ok(())
}

pub(crate) fn main() {
    Host::empty().with::<process>().with::<first>().with::<second>().with::<third>().with::<fourth>();
    Host::empty().with::<fifth>().with::<sixth>().with::<intake>();
}
