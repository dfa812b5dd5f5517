//! Durable queues: jobs in memory on a paused clock, and in a SQLite file where it is about what survives.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hostkit::store::{State, Store, StoreUrl};
use hostkit::{CancellationToken, Enqueue, Ext, Host, HostBuilder, JobContext, JobId, Queue, RunningHost, Verdict};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use tracing::Level;

use crate::support::{Log, SECOND, Traced, directory, started, until};

/// Jobs wait here until a test lets them go on.
type Gate = Arc<Semaphore>;

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Order {
    number: u32,
    customer: String,
}

fn order(number: u32) -> Order {
    Order { number, customer: format!("customer {}", number % 3) }
}

#[hostkit::queued(durable)]
async fn plain(order: Order, log: Ext<Log>) {
    log.say(order.number);
}

/// A host on a store in memory.
fn in_memory(log: &Log) -> HostBuilder {
    let mut host = Host::empty();
    host.set("store.url", "memory://").provide(log.clone());
    host
}

/// A host on a file.
fn on_file(path: &Path, log: &Log) -> HostBuilder {
    let mut host = Host::empty();
    host.set("store.url", format!("sqlite://{}", path.display())).provide(log.clone());
    host
}

async fn look(path: &Path) -> Arc<dyn Store> {
    let url = StoreUrl::parse(&format!("sqlite://{}", path.display())).unwrap();
    hostkit::store::open(&url).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_enqueued_is_worked_off_and_the_receipt_names_the_job() {
    let log = Log::default();
    let running = started(in_memory(&log).with::<plain>()).await;
    let queue = running.queue::<plain>().unwrap();
    let first: JobId = queue.enqueue(order(1)).await.unwrap();
    let second = queue.enqueue(order(2)).await.unwrap();
    assert!(first < second, "names sort by time");
    until("both are done", || log.lines().len() == 2).await;
    assert_eq!(log.lines(), ["1", "2"]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_was_enqueued_and_not_begun_is_there_after_a_restart() {
    let (log, path) = (Log::default(), directory("durable-restart").join("jobs.db"));
    let running = started(on_file(&path, &log).with::<plain>().except(["plain"]).with::<idle>()).await;
    let queue = running.queue::<plain>().expect("whoever does not work may enqueue all the same");
    for number in 0..10 {
        queue.enqueue(order(number)).await.unwrap();
    }
    running.stop().await.unwrap();
    assert_eq!(log.lines(), [""; 0]);

    let running = started(on_file(&path, &log).with::<plain>()).await;
    until("all are done", || log.lines().len() == 10).await;
    running.stop().await.unwrap();
    assert_eq!(log.lines(), (0..10).map(|number| number.to_string()).collect::<Vec<_>>());
    let store = look(&path).await;
    let counts = store.counts().await.unwrap();
    assert_eq!((counts[0].of(State::Done), counts[0].all()), (10, 10));
}

#[hostkit::background_service]
async fn idle(stop: CancellationToken) {
    stop.cancelled().await;
}
