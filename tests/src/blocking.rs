//! The services of two programs, one per flavour of the runtime, that block a thread wherever the configuration says.

use std::sync::mpsc;
use std::time::Duration;

use hostkit::{CancellationToken, Queue};

#[hostkit::options("app")]
#[derive(Debug, serde::Deserialize)]
struct Options {
    /// What blocks.
    #[serde(default)]
    mode: String,
}

impl Options {
    /// Blocks this thread if that is what the configuration says.
    fn may_block(&self, place: &str) {
        if self.mode == place {
            tracing::info!("blocking in {place}");
            block();
        }
    }
}

fn block() {
    let (_keep, blocked) = mpsc::channel::<()>();
    blocked.recv_timeout(Duration::from_mins(10)).unwrap_or_default();
}

struct Resource {
    blocks: bool,
}

#[hostkit::singleton(timeout = "1h")]
impl Resource {
    async fn new(options: &Options) -> Self {
        options.may_block("constructor");
        Self { blocks: options.mode == "disposer" }
    }

    async fn dispose(self) {
        if self.blocks {
            block();
        }
    }
}

#[hostkit::on_start]
async fn prepare(options: &Options) {
    options.may_block("start-hook");
}

#[hostkit::on_stopping]
async fn withdraw(options: &Options) {
    options.may_block("stopping-hook");
}

#[hostkit::on_stopped]
async fn say_goodbye(options: &Options) {
    options.may_block("stopped-hook");
}

/// Blocks at once, or when it is told to stop, or takes its time.
#[hostkit::background_service]
async fn serve(options: &Options, resource: &Resource, items: Queue<work>, stop: CancellationToken) {
    let _ = resource;
    options.may_block("service");
    if options.mode == "item" {
        items.enqueue(1).await.ok();
    }
    if options.mode == "spawned" {
        tracing::info!("blocking in spawned");
        #[allow(clippy::disallowed_methods, reason = "a user's code spawns as it likes")]
        tokio::task::spawn_blocking(block).await.ok();
    }
    stop.cancelled().await;
    options.may_block("told-service");
    if options.mode == "slow" {
        tracing::info!("taking long to stop");
        tokio::time::sleep(Duration::from_mins(10)).await;
    }
}

/// On a blocking thread, where it is told to stop and does not listen.
#[hostkit::background_service(blocking = true)]
fn compute(options: &Options, stop: CancellationToken) {
    options.may_block("told-thread");
    drop(stop);
}

/// On a blocking thread, and nobody waits for it.
#[hostkit::background_service(blocking = true)]
fn crunch(options: &Options) {
    options.may_block("thread");
}

#[hostkit::periodic(every = "10ms")]
async fn sweep(options: &Options) {
    options.may_block("run");
}

#[hostkit::queued]
async fn work(number: u32, options: &Options) {
    let _ = number;
    options.may_block("item");
}
