//! Every attribute of hostkit in a crate that forbids whatever it can, with the dependency under another name.
//!
//! `cargo clippy -p ui-strict -- -D warnings` is the test; `Cargo.toml` has the lints.
#![no_implicit_prelude]
#![deny(warnings)]

extern crate alloc;

use ::alloc::borrow::ToOwned as _;
use ::alloc::string::String;
use ::alloc::sync::Arc;
use ::alloc::vec::Vec;
use ::core::result::Result::{self, Err, Ok};

use ::host::{BoxFuture, CancellationToken, Ext, JobContext, Outcome, Queue, Scopes, Tick, Verdict};
use ::serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where the orders lie.
#[::host::options("database", validate = Self::faults, crate = "::host")]
#[derive(Debug)]
pub struct DatabaseOptions {
    /// Its address.
    url: String,
}

// By hand, because what serde derives allows some of the lints.
impl<'de> Deserialize<'de> for DatabaseOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|url| Self { url })
    }
}

impl DatabaseOptions {
    fn faults(&self) -> Vec<String> {
        if self.url.is_empty() { ::alloc::vec!["`url` is empty".to_owned()] } else { Vec::new() }
    }
}

const fn seen<T>(_: &T) {}

/// A trait that is asked for.
pub trait Store: ::core::marker::Send + ::core::marker::Sync {
    /// Saves one order.
    fn save(&self, order: i64) -> BoxFuture<'_, ()>;
}

/// From fields.
#[::host::singleton(as = dyn Store, default, crate = "::host")]
#[derive(Debug)]
pub struct Memory {
    options: Arc<DatabaseOptions>,
    #[inject(default)]
    count: usize,
}

impl Store for Memory {
    fn save(&self, order: i64) -> BoxFuture<'_, ()> {
        ::alloc::boxed::Box::pin(async move {
            seen(&(order, self.count, &self.options));
        })
    }
}

/// With a constructor and a disposal.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unit {
    /// What it belongs to.
    pub greeting: Ext<String>,
}

#[::host::scoped(crate = "::host", timeout = "5s")]
impl Unit {
    async fn new(#[key("eu")] greeting: Ext<String>, store: &dyn Store) -> Result<Self, ::core::fmt::Error> {
        store.save(0_i64).await;
        Ok(Self { greeting })
    }

    async fn dispose(self, outcome: Outcome) -> Result<(), ::core::fmt::Error> {
        ::core::future::ready(()).await;
        seen(&self.greeting);
        match outcome {
            Outcome::Succeeded => Ok(()),
            _ => Err(::core::fmt::Error),
        }
    }
}

/// Generic.
#[::host::transient(crate = "::host")]
#[derive(Debug)]
pub struct Holder<T> {
    /// What it holds.
    pub inner: Arc<T>,
}

/// A foreign type.
#[::host::singleton(crate = "::host", key = "eu")]
async fn greeting(options: &DatabaseOptions) -> Result<String, ::core::fmt::Error> {
    ::core::future::ready(()).await;
    Ok(options.url.as_str().to_owned())
}

/// Another one, without a key.
#[::host::singleton(crate = "::host")]
#[must_use]
pub fn farewell(#[key("eu")] hello: Ext<String>) -> Arc<String> {
    hello.into_arc()
}

/// Runs for a while.
///
/// # Errors
/// Fails never.
#[::host::background_service(crate = "::host", on_failure = "restart", backoff = "1s..1m", after = [migrate])]
pub async fn intake(
    orders: Queue<process>,
    units: Scopes<Unit>,
    stop: CancellationToken,
) -> Result<(), ::core::fmt::Error> {
    seen(&(orders, units));
    stop.cancelled().await;
    Ok(())
}

#[::host::background_service(crate = "::host", handle = Forever)]
async fn forever() -> ! {
    ::core::future::pending().await
}

/// Works off orders.
#[::host::queued(crate = "::host", capacity = 10, concurrency = 2)]
pub async fn process(order: i64, unit: &Unit, buffer: &mut Holder<Unit>) {
    seen(&(order, &unit.greeting, &buffer.inner.greeting));
    ::core::future::ready(()).await;
}

/// What is stored.
#[derive(Debug)]
#[non_exhaustive]
pub struct Invoice {
    /// Whose it is.
    pub customer: String,
}

impl Serialize for Invoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.customer.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Invoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|customer| Self { customer })
    }
}

/// Sends what is stored.
///
/// # Errors
/// Fails never.
#[::host::queued(
    crate = "::host",
    durable,
    capacity = 10,
    concurrency = 2,
    timeout = "none",
    attempts = 5,
    backoff = "1s..1m",
    on_failure = "stop-host",
    stop_timeout = "5s",
    priority = -1,
    keep_done = "1day",
    keep_dead = "30days",
    unique = "debounce",
    unique_for = "1m",
    key = keyed::<Invoice>,
    per_key = 1,
    rate = "100/1s",
    delivery = "at-least-once",
    after = [migrate]
)]
pub async fn send(invoice: Invoice, unit: &Unit, job: JobContext) -> Result<Verdict, ::core::fmt::Error> {
    seen(&(&invoice.customer, &unit.greeting));
    ::core::future::ready(()).await;
    Ok(job.discard("nobody wants it"))
}

/// Has a key.
trait Keyed {
    fn key(&self) -> &str;
}

impl Keyed for Invoice {
    fn key(&self) -> &str {
        &self.customer
    }
}

fn keyed<T: Keyed>(payload: &T) -> &str {
    payload.key()
}

/// Says what becomes of its job.
#[::host::queued(crate = "::host", durable, unique = "while-active", key = ::core::clone::Clone::clone)]
pub async fn remind(customer: String, job: JobContext) -> Verdict {
    seen(&customer);
    ::core::future::ready(()).await;
    job.done()
}

/// Blocks, and is stored.
#[::host::queued(crate = "::host", durable, blocking = true)]
pub fn print(invoice: Invoice, unit: &Unit) {
    seen(&(invoice, &unit.greeting));
}

/// Blocks.
#[::host::queued(crate = "::host", blocking = true)]
pub fn compute(mut order: i64, unit: &Unit) {
    order = order.saturating_add(if unit.greeting.is_empty() { 3_i64 } else { 7_i64 });
    seen(&order);
}

#[::host::periodic(crate = "::host", every = "1h", run_at_start = true)]
async fn cleanup(memory: &Memory, tick: Tick) {
    memory.save(1_i64).await;
    seen(&tick);
}

/// Comes first.
#[::host::on_start(crate = "::host", timeout = "5s")]
pub async fn migrate() {
    ::core::future::ready(()).await;
}
