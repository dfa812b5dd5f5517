//! effectum: a queue in a file and one worker, as in its documentation.
//!
//! It asks for the pragma `journal`, which does not exist, and for `synchronous = normal`, so its file has a rollback journal, and
//! every commit is synced. In a file that is in WAL mode already it would sync none.

#[path = "../case.rs"]
mod case;

use std::path::Path;

use case::{CONCURRENCY, Peer, Works};
use effectum::{Error, Job, JobRunner, Queue, RunningJob, Worker};

struct Effectum {
    queue: Queue,
    _worker: Option<Worker>,
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
        Self { queue, _worker: worker }
    }

    async fn enqueue(&self, job: u64) {
        let job = Job::builder("job").json_payload(&job).expect("a number is JSON");
        job.add_to(&self.queue).await.expect("it is stored");
    }

    async fn left(&self) -> u64 {
        let active = self.queue.num_active_jobs().await.expect("it can be read");
        active.pending + active.running
    }

    /// Not at all: closing it has panicked now and then, in its thread for the file. What it has answered is synced.
    async fn close(self) {
        std::mem::forget(self);
    }
}

fn main() {
    case::main::<Effectum>();
}
