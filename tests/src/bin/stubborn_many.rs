//! A program on two threads, both of which are blocked.

use std::sync::mpsc;
use std::time::Duration;

use hostkit::CancellationToken;

#[hostkit::background_service(instances = 2)]
async fn compute() {
    tokio::task::yield_now().await;
    tracing::info!("computing");
    let (_keep, blocked) = mpsc::channel::<()>();
    blocked.recv_timeout(Duration::from_mins(10)).unwrap_or_default();
}

#[hostkit::background_service]
async fn serve(stop: CancellationToken) {
    stop.cancelled().await;
}

#[hostkit::program(flavor = "multi_thread", worker_threads = 2, link(self = none))]
fn main(_host: &mut hostkit::HostBuilder) {}
