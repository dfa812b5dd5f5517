//! A program whose store is looked into from outside. Whatever does more than that finds that nothing of it can be built.

use hostkit::CancellationToken;

struct Unbuildable;

#[hostkit::singleton]
impl Unbuildable {
    async fn new() -> Result<Self, std::io::Error> {
        Err(std::io::Error::other("a command on jobs has built a component"))
    }
}

#[hostkit::options("app")]
#[derive(Debug, serde::Deserialize)]
struct AppOptions {
    /// Without it the host cannot start, and its jobs can be looked at all the same.
    name: String,
}

#[hostkit::background_service]
async fn serve(_unbuildable: &Unbuildable, options: &AppOptions, stop: CancellationToken) {
    tracing::info!("serving as {}", options.name);
    stop.cancelled().await;
}

hostkit::main!();
