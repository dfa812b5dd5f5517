//! A program with a `main` of its own, which hands over what hostkit says.

use std::process::ExitCode;

use hostkit::{CancellationToken, Host};

#[hostkit::background_service]
async fn serve(stop: CancellationToken) {
    if std::env::var_os("BLOCKS").is_some() {
        tracing::info!("blocking");
        std::thread::sleep(std::time::Duration::from_mins(10));
    }
    stop.cancelled().await;
    if std::env::var_os("DEAF").is_some() {
        std::future::pending::<()>().await;
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let host = match Host::empty().with::<serve>().build().await {
        Ok(host) => host,
        Err(error) => return error.into(),
    };
    match host.run().await {
        Ok(()) => ExitCode::SUCCESS,
        // A runtime whose threads are blocked cannot be dropped.
        Err(error) if error.is_forced() => std::process::exit(error.exit_code().into()),
        Err(error) => error.into(),
    }
}
