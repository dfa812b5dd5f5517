//! Durable jobs that a test interrupts in every way. Its file is `jobs.db` in the directory where it is started.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

use hostkit::{CancellationToken, HostBuilder, JobContext, JobTransaction, Verdict};

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Letter {
    number: u32,
    /// How long writing it takes, in milliseconds.
    takes: u64,
}

/// Writes a line about every attempt to a file beside the store, which nothing undoes.
#[hostkit::queued(durable, concurrency = 4, attempts = 3, backoff = "10ms..50ms")]
async fn write(letter: Letter, job: JobContext) -> std::io::Result<()> {
    let Letter { number, takes } = letter;
    note("begin", number, job)?;
    tokio::time::sleep(Duration::from_millis(takes)).await;
    note("end", number, job)
}

fn note(what: &str, number: u32, job: JobContext) -> std::io::Result<()> {
    let mut ledger = OpenOptions::new().create(true).append(true).open("ledger")?;
    let (attempt, fence, crashes) = (job.attempt(), job.fence(), job.crashes());
    ledger.write_all(format!("{what} {number} attempt {attempt} fence {fence} crashes {crashes}\n").as_bytes())
}

/// Kills the process.
#[hostkit::queued(durable)]
async fn poison(number: u32, job: JobContext) -> std::io::Result<()> {
    note("poison", number, job)?;
    std::process::abort();
}

/// Books an amount, exactly once.
#[hostkit::queued(durable, concurrency = 4)]
async fn book(amount: u32, tx: JobTransaction) -> Verdict {
    tokio::time::sleep(Duration::from_millis(u64::from(amount % 7))).await;
    tx.on_commit(move |connection| connection.execute("INSERT INTO bookings (amount) VALUES (?1)", [amount]).map(drop));
    JobContext::new("book", 1).done()
}

/// Tells whoever started it that it is there.
#[hostkit::background_service]
async fn serve(stop: CancellationToken) {
    tracing::info!("serving");
    stop.cancelled().await;
}

#[hostkit::program(link(self = none))]
fn main(host: &mut HostBuilder) {
    host.set("store.url", "sqlite://jobs.db");
}
