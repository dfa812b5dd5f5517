//! A schedule by the clock: a report on every working day, in the morning of the place where people read it.
//!
//! What it teaches: a crontab's expression with a time zone, whose clocks change twice a year; `Tick`, which says for which
//! instant a run stands and how many were missed; `list`, which says the schedule in words with its next times; `trigger`,
//! which runs it here and now and says by its exit code how it ended:
//! ```sh
//! cargo run --bin 08-nightly-report -- list
//! cargo run --bin 08-nightly-report -- trigger report
//! ```

use std::time::{SystemTime, UNIX_EPOCH};

use hostkit::{Ext, Tick};
use sqlx::SqlitePool;

/// Makes the tables, with a few orders if there are none.
#[hostkit::on_start]
async fn prepare(pool: Ext<SqlitePool>) -> sqlx::Result<()> {
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, placed_at INTEGER NOT NULL, total INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS reports (up_to INTEGER PRIMARY KEY, orders INTEGER NOT NULL, total INTEGER NOT NULL);
         WITH RECURSIVE one (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM one WHERE n < 24)
         INSERT INTO orders (placed_at, total)
             SELECT unixepoch() - n * 3600, n * 100 FROM one WHERE NOT EXISTS (SELECT 1 FROM orders);",
    )
    .execute(&*pool)
    .await?;
    Ok(())
}

/// Sums up the orders since the report before.
///
/// It counts up to the instant at which it was due and not up to now, so a late run reports the same as one on time, and
/// one that stands for several missed ones leaves nothing out.
#[hostkit::periodic(cron = "30 6 * * mon-fri", tz = "Europe/Zurich")]
async fn report(pool: Ext<SqlitePool>, tick: Tick) -> anyhow::Result<()> {
    let up_to = seconds(tick.scheduled_time())?;
    let (orders, total): (i64, i64) = sqlx::query_as(
        "INSERT INTO reports (up_to, orders, total)
             SELECT ?1, count(*), coalesce(sum(total), 0) FROM orders
             WHERE placed_at < ?1 AND placed_at >= (SELECT coalesce(max(up_to), 0) FROM reports)
         RETURNING orders, total",
    )
    .bind(up_to)
    .fetch_one(&*pool)
    .await?;
    tracing::info!(orders, total, missed = tick.missed(), "reported");
    Ok(())
}

fn seconds(time: SystemTime) -> anyhow::Result<i64> {
    Ok(i64::try_from(time.duration_since(UNIX_EPOCH)?.as_secs())?)
}

hostkit::main!();
