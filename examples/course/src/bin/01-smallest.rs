//! The smallest program: a function, an attribute, a `main`.
//!
//! It runs until Ctrl-C. Try `list`, `check` and `config show` behind `--`, too.

/// Says that it is there.
#[hostkit::periodic(every = "1s", run_at_start = true)]
async fn heartbeat() {
    tracing::info!("still here");
}

hostkit::main!();
