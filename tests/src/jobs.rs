//! A job in a file that a careless program compiles a second time.

/// Counts what was sold.
#[hostkit::periodic(every = "1h")]
pub(crate) async fn nightly() {
    tracing::info!("counted");
}
