//! rustqueue: redb with write coalescing, and a worker by hand.
//!
//! Its own worker runs one job at a time, and looks for the next after half a second of rest. Coalesced writes are answered when
//! they are stored, and a batch is as large as there are callers here, so that none waits for the interval.

#[path = "../case.rs"]
mod case;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use case::{CONCURRENCY, Peer, Works};
use futures::future::join_all;
use rustqueue::RustQueue;
use rustqueue::storage::BufferedRedbConfig;
use tokio::task::JoinHandle;
use tokio::time::sleep;

const QUEUE: &str = "job";

struct Theirs {
    queue: RustQueue,
    stop: Arc<AtomicBool>,
    worker: Option<JoinHandle<()>>,
}

async fn worker(queue: RustQueue, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let jobs = queue.pull(QUEUE, CONCURRENCY as u32).await.expect("it can be read");
        if jobs.is_empty() {
            sleep(Duration::from_millis(1)).await;
            continue;
        }
        let runs = jobs.into_iter().map(async |job| {
            case::work(job.data.as_u64().expect("it is a number"));
            queue.ack(job.id, None).await.expect("it is stored");
        });
        join_all(runs).await;
    }
}

impl Peer for Theirs {
    async fn open(directory: &Path, works: Works) -> Self {
        let coalescing = BufferedRedbConfig { interval_ms: 1, max_batch: CONCURRENCY };
        let builder = RustQueue::redb(directory.join("jobs.redb")).expect("it can be opened");
        let queue = builder.with_write_coalescing(coalescing).build().expect("it can be made");
        queue.start_housekeeping().expect("there is a runtime");
        let stop = Arc::new(AtomicBool::new(false));
        let worker = (works == Works::Yes).then(|| tokio::spawn(worker(queue.clone(), Arc::clone(&stop))));
        Self { queue, stop, worker }
    }

    async fn enqueue(&self, job: u64) {
        self.queue.push(QUEUE, "job", serde_json::json!(job), None).await.expect("it is stored");
    }

    async fn left(&self) -> u64 {
        let counts = self.queue.get_queue_stats(QUEUE).await.expect("it can be read");
        counts.waiting + counts.active + counts.delayed
    }

    async fn close(self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(worker) = self.worker {
            worker.await.expect("nothing panics");
        }
    }
}

fn main() {
    case::main::<Theirs>();
}
