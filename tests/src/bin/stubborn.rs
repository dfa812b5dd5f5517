//! A program on one thread, which a function blocks where its configuration says.

use std::sync::mpsc;
use std::time::Duration;

use hostkit::CancellationToken;

#[hostkit::options("app")]
#[derive(Debug, serde::Deserialize)]
struct AppOptions {
    /// Who blocks the thread.
    #[serde(default)]
    blocks: String,
    /// For how many milliseconds.
    #[serde(default = "long")]
    milliseconds: u64,
}

fn long() -> u64 {
    600_000
}

impl AppOptions {
    /// Blocks the thread if it is this one's turn.
    fn turn_of(&self, whose: &str) {
        if self.blocks == whose {
            tracing::info!("{whose} blocks");
            let (_keep, blocked) = mpsc::channel::<()>();
            blocked.recv_timeout(Duration::from_millis(self.milliseconds)).unwrap_or_default();
            tracing::info!("{whose} gave way");
        }
    }
}

#[hostkit::on_start]
async fn migrate(options: &AppOptions) {
    options.turn_of("migrate");
}

#[hostkit::background_service]
async fn serve(options: &AppOptions, stop: CancellationToken) {
    tokio::task::yield_now().await;
    options.turn_of("serve");
    stop.cancelled().await;
    options.turn_of("serve at its end");
}

#[hostkit::background_service]
async fn late(options: &AppOptions, ready: hostkit::Ready) {
    if options.blocks != "late" {
        ready.notify();
    }
    std::future::pending::<()>().await;
}

#[hostkit::periodic(every = "10ms")]
async fn tick(options: &AppOptions) {
    options.turn_of("tick");
}

#[hostkit::queued]
async fn process(milliseconds: u64, options: &AppOptions) {
    let _ = milliseconds;
    options.turn_of("process");
}

#[hostkit::on_started]
async fn enqueue(items: hostkit::Queue<process>) -> Result<(), hostkit::EnqueueError<u64>> {
    items.enqueue(1).await.map(drop)
}

#[hostkit::program(flavor = "current_thread", link(self = none))]
fn main(_host: &mut hostkit::HostBuilder) {}
