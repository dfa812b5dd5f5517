//! A program on one thread, set up by an asynchronous function that may fail.

use hostkit::{CancellationToken, Ext, HostBuilder};

#[hostkit::background_service]
async fn serve(name: Ext<String>, stop: CancellationToken) {
    tracing::info!("serving {} on {:?}", *name, std::thread::current().name());
    stop.cancelled().await;
}

#[hostkit::program(flavor = "current_thread", link(self = none))]
async fn main(host: &mut HostBuilder) -> Result<(), std::num::ParseIntError> {
    tokio::task::yield_now().await;
    let number: u32 = std::env::var("NUMBER").unwrap_or_else(|_| "1".to_owned()).parse()?;
    host.provide(format!("number {number}"));
    Ok(())
}
