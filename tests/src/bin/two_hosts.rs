//! Two hosts in one process, on runtimes of their own.

#![allow(clippy::print_stdout, reason = "it is what the test reads")]

use std::process::ExitCode;
use std::sync::{Arc, Barrier};

use hostkit::{CancellationToken, Ext, Host};

#[hostkit::background_service]
async fn serve(stop: CancellationToken) {
    stop.cancelled().await;
}

#[hostkit::on_started]
async fn say_so(ready: Ext<Arc<Barrier>>) {
    if ready.wait().is_leader() {
        println!("both are ready");
    }
}

fn host(ready: &Arc<Barrier>) -> bool {
    let ready = Arc::clone(ready);
    let Ok(runtime) = tokio::runtime::Runtime::new() else { return false };
    runtime.block_on(async {
        let host = Host::empty().with::<serve>().with::<say_so>().provide(ready).build().await;
        match host {
            Ok(host) => host.run().await.is_ok(),
            Err(_) => false,
        }
    })
}

fn main() -> ExitCode {
    let ready = Arc::new(Barrier::new(2));
    let other = Arc::clone(&ready);
    let second = std::thread::spawn(move || host(&other));
    let first = host(&ready);
    if first && second.join().is_ok_and(|second| second) {
        println!("both have ended");
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}
