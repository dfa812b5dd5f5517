//! A program that ends in whatever way its configuration says.

use std::sync::mpsc;
use std::time::Duration;

use hostkit::{CancellationToken, HostLifetime, JobContext, Queue, Secret};

#[hostkit::options("app", validate = AppOptions::problems)]
#[derive(Debug, serde::Deserialize)]
struct AppOptions {
    /// How it ends.
    #[serde(default)]
    mode: String,
    /// What it says.
    #[serde(default = "hello")]
    greeting: String,
    /// How often.
    #[serde(default)]
    times: u32,
    /// Known to few.
    #[serde(default)]
    api_token: Option<Secret<String>>,
    /// Known to few as well, whatever its name.
    #[serde(default)]
    pin: Option<Secret<u32>>,
    /// With a password in it.
    #[serde(default)]
    url: String,
}

fn hello() -> String {
    "hello".to_owned()
}

impl AppOptions {
    fn problems(&self) -> Vec<String> {
        if self.times > 10 { vec![format!("{} times are too many", self.times)] } else { Vec::new() }
    }
}

struct Resource;

#[hostkit::singleton(timeout = "1h")]
impl Resource {
    async fn new(options: &AppOptions) -> Result<Self, std::io::Error> {
        match options.mode.as_str() {
            "constructor-fails" => Err(std::io::Error::other("no such database")),
            "constructor-hangs" => {
                tracing::info!("hanging in a constructor");
                std::future::pending().await
            }
            "constructor-blocks" => {
                tracing::info!("blocking in a constructor");
                block();
                Ok(Self)
            }
            _ => Ok(Self),
        }
    }

    async fn dispose(self) {
        tracing::info!("resource disposed");
    }
}

fn block() {
    let (_keep, blocked) = mpsc::channel::<()>();
    blocked.recv_timeout(Duration::from_mins(10)).unwrap_or_default();
}

/// Prepares the ground.
#[hostkit::on_start]
async fn migrate(options: &AppOptions) -> Result<(), String> {
    if options.mode == "hook-fails" { Err("table is locked".to_owned()) } else { Ok(()) }
}

#[hostkit::on_stopping]
async fn withdraw(options: &AppOptions) {
    if options.mode == "stop-hook-blocks" {
        tracing::info!("blocking in a hook");
        block();
    }
}

/// Serves until it is told to stop, or does
/// not.
///
/// Nobody reads this.
#[hostkit::background_service]
async fn serve(
    options: &AppOptions,
    resource: &Resource,
    lifetime: HostLifetime,
    stop: CancellationToken,
) -> Result<(), String> {
    let _ = resource;
    let AppOptions { mode, greeting, times, api_token, pin, url } = options;
    let token = api_token.as_ref().map(|token| token.expose().as_str());
    let pin = pin.as_ref().map(Secret::expose);
    tracing::info!("{greeting} {times} {token:?} {pin:?} {url} in {}", lifetime.environment());
    tracing::info!("serving");
    match mode.as_str() {
        "fails" => return Err("socket closed".to_owned()),
        "panics" => panic!("out of cheese"),
        "done" => return Ok(()),
        "deaf" => std::future::pending().await,
        "blocks" => block(),
        "exits" => std::process::exit(42),
        _ => stop.cancelled().await,
    }
    if mode == "slow" {
        tracing::info!("taking long to stop");
        tokio::time::sleep(Duration::from_mins(10)).await;
    }
    tracing::info!("served");
    Ok(())
}

/// Blocks a thread that nobody waits for.
#[hostkit::background_service(blocking = true, enabled = false)]
fn compute() {
    tracing::info!("computing");
    block();
}

/// Deletes what nobody needs.
#[hostkit::periodic(every = "1h", after = [serve])]
async fn cleanup(options: &AppOptions, orders: Queue<process>) -> Result<(), String> {
    tracing::info!("cleaning");
    match options.mode.as_str() {
        "cleanup-fails" => Err("disk is full".to_owned()),
        "cleanup-hangs" => std::future::pending().await,
        _ => orders.enqueue(7).await.map(drop).map_err(|error| error.to_string()),
    }
}

#[hostkit::queued(capacity = 10, concurrency = 2)]
async fn process(order: u32, job: JobContext) {
    tracing::info!("processed {order} in {}", job.queue());
}

hostkit::main!(link(self = none));
