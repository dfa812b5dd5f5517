//! effectum: a queue in a file and one worker, as in its documentation.
//!
//! It asks for the pragma `journal`, which does not exist, and for `synchronous = normal`, so its file has a rollback journal, and
//! every commit is synced. In a file that is in WAL mode already it would sync none.

#[path = "../case.rs"]
mod case;

use std::path::Path;
use std::time::Duration;

use case::{CONCURRENCY, Peer, Works};
use effectum::{Error, Job, JobRunner, Queue, RunningJob, Worker};

struct Effectum {
    queue: Queue,
    worker: Option<Worker>,
}

async fn job(job: RunningJob, _context: ()) -> Result<(), Error> {
    case::work(job.json_payload()?);
    Ok(())
}

impl Peer for Effectum {
    async fn open(directory: &Path, works: Works) -> Self {
        let queue = Queue::new(&directory.join("jobs.db")).await.expect("it can be opened");
        let mut worker = None;
        if works == Works::Yes {
            let runner = JobRunner::builder("job", job).build();
            let building = Worker::builder(&queue, ()).max_concurrency(CONCURRENCY as u16).jobs([runner]).build();
            worker = Some(building.await.expect("it can be made"));
        }
        Self { queue, worker }
    }

    async fn enqueue(&self, job: u64) {
        let job = Job::builder("job").json_payload(&job).expect("a number is JSON");
        job.add_to(&self.queue).await.expect("it is stored");
    }

    async fn left(&self) -> u64 {
        let active = self.queue.num_active_jobs().await.expect("it can be read");
        active.pending + active.running
    }

    async fn close(self) {
        drop(self.worker);
        self.queue.close(Duration::from_secs(10)).await.expect("it ends well");
        // Whoever drops what is shared last must be within the runtime, and its thread for the file would not be.
        std::mem::forget(self.queue);
    }
}

fn main() {
    case::main::<Effectum>();
}
