//! honker: its own connection, set to sync every commit; a worker by hand, which claims and acknowledges in batches.
//!
//! Its connection begins with `synchronous = NORMAL`, which syncs no commit. Its Rust library has no workers: the loop is what its
//! documentation of `update_events` suggests.

#[path = "../case.rs"]
mod case;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use case::{CONCURRENCY, Peer, Works};
use honker::{Database, EnqueueOpts, Queue, QueueOpts};
use tokio::task::spawn_blocking;

const WORKER: &str = "worker";

struct Honker {
    database: Database,
    queue: Queue,
    stop: Arc<AtomicBool>,
    worker: Option<JoinHandle<()>>,
}

fn worker(database: &Database, queue: &Queue, stop: &AtomicBool) {
    let updates = database.update_events();
    while !stop.load(Ordering::Relaxed) {
        let jobs = queue.claim_batch(WORKER, CONCURRENCY as i64).expect("it can be read");
        if jobs.is_empty() {
            // Told of every change, and it looks again in any case.
            updates.recv_timeout(Duration::from_millis(100)).expect("the watcher lives");
            continue;
        }
        for job in &jobs {
            case::work(job.payload_as().expect("it is a number"));
        }
        let ids: Vec<i64> = jobs.iter().map(|job| job.id).collect();
        assert_eq!(queue.ack_batch(&ids, WORKER).expect("it is stored"), ids.len() as i64);
    }
}

impl Peer for Honker {
    async fn open(directory: &Path, works: Works) -> Self {
        let database = Database::open(directory.join("jobs.db")).expect("it can be opened");
        database.with_conn(|connection| connection.execute_batch("PRAGMA synchronous = FULL")).expect("it can be set");
        let queue = database.queue("job", QueueOpts::default());
        let stop = Arc::new(AtomicBool::new(false));
        let worker = (works == Works::Yes).then(|| {
            let (database, queue, stop) = (database.clone(), queue.clone(), Arc::clone(&stop));
            thread::spawn(move || worker(&database, &queue, &stop))
        });
        Self { database, queue, stop, worker }
    }

    async fn enqueue(&self, job: u64) {
        let queue = self.queue.clone();
        let stored = spawn_blocking(move || queue.enqueue(&job, EnqueueOpts::default())).await;
        stored.expect("nothing panics").expect("it is stored");
    }

    async fn left(&self) -> u64 {
        let sql = "SELECT count(*) FROM _honker_live";
        self.database
            .with_conn(|connection| connection.query_row(sql, [], |row| row.get::<_, i64>(0)))
            .expect("it can be read") as u64
    }

    async fn close(self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(worker) = self.worker {
            worker.join().expect("nothing panics");
        }
    }
}

fn main() {
    case::main::<Honker>();
}
