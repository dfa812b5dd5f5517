//! A timer: every hour it deletes rows older than 30 days and logs how many.
//!
//! What it teaches: each run gets a scope of its own, made and closed by hostkit; here it holds a database in a
//! transaction, which is committed if the run succeeds. The schedule is a default:
//! `--set periodic.cleanup.every=10s` or a section `[periodic.cleanup]` of `hostkit.toml` overrides it.

use hostkit::{Ext, Outcome};
use serde::Deserialize;
use sqlx::{Sqlite, SqlitePool, Transaction};
use tokio::sync::Mutex;

/// What is kept.
#[hostkit::options("cleanup")]
#[derive(Deserialize)]
#[serde(default)]
struct CleanupOptions {
    /// How many days a row is kept.
    keep_days: u32,
}

impl Default for CleanupOptions {
    fn default() -> Self {
        Self { keep_days: 30 }
    }
}

/// Makes the table, with a row for each of the last sixty days if it is empty.
#[hostkit::on_start]
async fn prepare(pool: Ext<SqlitePool>) -> sqlx::Result<()> {
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS visits (id INTEGER PRIMARY KEY, seen_at INTEGER NOT NULL);
         WITH RECURSIVE day (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM day WHERE n < 60)
         INSERT INTO visits (seen_at)
             SELECT unixepoch() - n * 86400 FROM day WHERE NOT EXISTS (SELECT 1 FROM visits);",
    )
    .execute(&*pool)
    .await?;
    Ok(())
}

/// Deletes rows that are too old.
#[hostkit::periodic(every = "1h", run_at_start = true)]
async fn cleanup(database: &Database, options: &CleanupOptions) -> sqlx::Result<()> {
    let deleted = database.delete_older_than(options.keep_days).await?;
    tracing::info!(deleted, "old rows deleted");
    Ok(())
}

/// The database, for one run.
struct Database {
    transaction: Mutex<Transaction<'static, Sqlite>>,
}

#[hostkit::scoped]
impl Database {
    async fn new(pool: Ext<SqlitePool>) -> sqlx::Result<Self> {
        Ok(Self { transaction: Mutex::new(pool.begin().await?) })
    }

    async fn dispose(self, outcome: Outcome) -> sqlx::Result<()> {
        let transaction = self.transaction.into_inner();
        match outcome {
            Outcome::Succeeded => transaction.commit().await,
            Outcome::Failed | Outcome::Cancelled => transaction.rollback().await,
        }
    }
}

impl Database {
    async fn delete_older_than(&self, days: u32) -> sqlx::Result<u64> {
        let deleted = sqlx::query("DELETE FROM visits WHERE seen_at < unixepoch() - ? * 86400")
            .bind(days)
            .execute(&mut **self.transaction.lock().await)
            .await?;
        Ok(deleted.rows_affected())
    }
}

hostkit::main!();
