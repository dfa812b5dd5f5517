//! rustqueue as its documentation has it: redb with write coalescing by default, and `run_worker`.
//!
//! One such worker runs one job at a time and rests half a second when it finds none, so there are 64 of them.

#[path = "../case.rs"]
mod case;

use std::path::Path;

use case::{CONCURRENCY, Peer, Works};
use rustqueue::RustQueue;
use rustqueue::storage::BufferedRedbConfig;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const QUEUE: &str = "job";

struct Theirs {
    queue: RustQueue,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
}

async fn worker(queue: RustQueue, mut stop: watch::Receiver<bool>) {
    let job = async |job: rustqueue::Job| {
        case::work(job.data.as_u64().expect("it is a number"));
        Ok::<(), String>(())
    };
    let stopped = async move {
        let _ = stop.wait_for(|stopped| *stopped).await;
    };
    queue.run_worker_with_shutdown(QUEUE, job, stopped).await.expect("it ends well");
}

impl Peer for Theirs {
    async fn open(directory: &Path, works: Works) -> Self {
        let builder = RustQueue::redb(directory.join("jobs.redb")).expect("it can be opened");
        let queue = builder.with_write_coalescing(BufferedRedbConfig::default()).build().expect("it can be made");
        let (stop, stopped) = watch::channel(false);
        let count = if works == Works::Yes { CONCURRENCY } else { 0 };
        let workers = (0..count).map(|_| tokio::spawn(worker(queue.clone(), stopped.clone()))).collect();
        Self { queue, stop, workers }
    }

    async fn enqueue(&self, job: u64) {
        self.queue.push(QUEUE, "job", serde_json::json!(job), None).await.expect("it is stored");
    }

    async fn left(&self) -> u64 {
        let counts = self.queue.get_queue_stats(QUEUE).await.expect("it can be read");
        counts.waiting + counts.active + counts.delayed
    }

    async fn close(self) {
        self.stop.send_replace(true);
        for worker in self.workers {
            worker.await.expect("nothing panics");
        }
    }
}

fn main() {
    case::main::<Theirs>();
}
