//! A shop's orders, from a file through a queue to invoices.
//!
//! ```sh
//! cargo run -p orders                                       # works through all orders and stops
//! cargo run -p orders -- --set intake.when_done=wait        # stays until Ctrl-C
//! cargo run -p orders -- list                               # what there is
//! ```
//!
//! Before anything starts, hooks make the tables and import `data/orders.csv`. Then `order_intake` claims orders and
//! enqueues them, four workers of `process_order` handle each in a transaction of its own, and `cleanup` deletes what
//! nobody needs any more. When the host stops, the queue is drained and `report` says what was done.

mod database;
mod import;
mod orders;

use std::time::Duration;

use hostkit::{CancellationToken, Ext, HostBuilder, Queue};
use serde::Deserialize;
use sqlx::SqlitePool;

use crate::database::UnitOfWork;
use crate::orders::Orders;

/// How orders are taken in.
#[hostkit::options("intake")]
#[derive(Deserialize)]
#[serde(default)]
struct IntakeOptions {
    /// What to do when no order is left: "wait" for more, or "stop".
    when_done: WhenDone,
    /// How many orders are claimed at a time.
    batch: u32,
    /// How long to wait before looking again.
    poll: Duration,
}

impl Default for IntakeOptions {
    fn default() -> Self {
        Self { when_done: WhenDone::Wait, batch: 50, poll: Duration::from_millis(500) }
    }
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum WhenDone {
    Wait,
    Stop,
}

/// Claims orders that nobody works on yet and enqueues them.
#[hostkit::background_service(on_failure = "restart", backoff = "1s..1m", on_complete = "stop-host")]
async fn order_intake(
    orders: Queue<process_order>,
    pool: Ext<SqlitePool>,
    options: &IntakeOptions,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    while !stop.is_cancelled() {
        let claimed = orders::claim(&pool, options.batch).await?;
        for id in &claimed {
            // Waits when the queue is full.
            orders.enqueue(*id).await?;
        }
        if claimed.is_empty() {
            if options.when_done == WhenDone::Stop {
                tracing::info!("no order is left");
                return Ok(());
            }
            stop.run_until_cancelled(tokio::time::sleep(options.poll)).await;
        }
    }
    Ok(())
}

/// Invoices one order, or refuses it.
#[hostkit::queued(capacity = 100, concurrency = 4)]
async fn process_order(order_id: i64, orders: &Orders) -> anyhow::Result<()> {
    orders.process(order_id).await
}

/// What is kept, and for how long.
#[hostkit::options("cleanup")]
#[derive(Deserialize)]
#[serde(default)]
struct CleanupOptions {
    /// How many days rejected rows are kept for somebody to look at.
    keep_days: u32,
}

impl Default for CleanupOptions {
    fn default() -> Self {
        Self { keep_days: 30 }
    }
}

/// Deletes rows nobody needs any more.
#[hostkit::periodic(every = "1h")]
async fn cleanup(work: &UnitOfWork, options: &CleanupOptions) -> anyhow::Result<()> {
    let deleted = sqlx::query("DELETE FROM rejects WHERE rejected_at < unixepoch() - ? * 86400")
        .bind(options.keep_days)
        .execute(&mut **work.transaction().await)
        .await?
        .rows_affected();
    tracing::info!(deleted, "old rejects deleted");
    Ok(())
}

/// Says what was done, and closes the database.
#[hostkit::on_stopped]
async fn report(pool: Ext<SqlitePool>) -> anyhow::Result<()> {
    let count = |state| sqlx::query_scalar::<_, i64>("SELECT count(*) FROM orders WHERE state = ?").bind(state);
    let processed = count("processed").fetch_one(&*pool).await?;
    let refused = count("refused").fetch_one(&*pool).await?;
    let left = count("pending").fetch_one(&*pool).await? + count("claimed").fetch_one(&*pool).await?;
    let rejected: i64 = sqlx::query_scalar("SELECT count(*) FROM rejects").fetch_one(&*pool).await?;
    tracing::info!(processed, refused, left, rejected, "orders in the database");
    pool.close().await;
    Ok(())
}

#[hostkit::program]
fn main(host: &mut HostBuilder) {
    // `hostkit::main!()` alone reads `hostkit.toml` of the directory it is started in. This one is found from anywhere.
    host.config_file(concat!(env!("CARGO_MANIFEST_DIR"), "/hostkit.toml"));
}
