//! hostkit: a durable queue in a SQLite file, as it comes.

#[path = "../case.rs"]
mod case;

use std::path::Path;
use std::sync::Arc;

use case::{Peer, Works};
use hostkit::store::{State, Store, StoreUrl};
use hostkit::{CancellationToken, Host, Queue, RunningHost};

#[hostkit::queued(durable, concurrency = 64)]
async fn job(number: u64) {
    case::work(number);
}

/// Keeps a host that only enqueues.
#[hostkit::background_service]
async fn idle(stop: CancellationToken) {
    stop.cancelled().await;
}

struct Ours {
    queue: Queue<job>,
    running: RunningHost,
    store: Arc<dyn Store>,
}

impl Peer for Ours {
    async fn open(directory: &Path, works: Works) -> Self {
        let url = format!("sqlite://{}/jobs.db", directory.display());
        let mut host = Host::empty();
        host.with::<job>().with::<idle>().set("store.url", &url);
        if works == Works::No {
            host.except(["job"]);
        }
        let running = host.build().await.expect("the wiring is whole").start().await.expect("nothing can fail");
        let store = hostkit::store::open(&StoreUrl::parse(&url).expect("it is one")).await.expect("it is there");
        Self { queue: running.queue::<job>().expect("it is there"), running, store }
    }

    async fn enqueue(&self, job: u64) {
        self.queue.enqueue(job).await.expect("it is stored");
    }

    async fn left(&self) -> u64 {
        let counts = self.store.counts().await.expect("it can be read");
        counts.iter().map(|kind| kind.all() - kind.of(State::Done)).sum()
    }

    async fn close(self) {
        self.running.stop().await.expect("it ends well");
        self.store.close().await.expect("it ends well");
    }
}

fn main() {
    case::main::<Ours>();
}
