//! A program with a `main` of its own, which hands over what hostkit says.

use std::process::ExitCode;

use hostkit::{CancellationToken, Host};

#[hostkit::background_service]
async fn serve(stop: CancellationToken) {
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
        Err(error) => error.into(),
    }
}
