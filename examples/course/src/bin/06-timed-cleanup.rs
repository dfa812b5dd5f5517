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

#[cfg(test)]
mod tests {
    use hostkit::Host;
    use hostkit::testing::{Fault, TestHost};
    use sqlx::SqlitePool;
    use sqlx::sqlite::SqlitePoolOptions;

    use super::{cleanup, prepare};

    /// The host on a database of its own, which is in memory and in one connection.
    async fn host() -> (TestHost, SqlitePool) {
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
        let mut builder = Host::empty();
        builder.with::<prepare>().with::<cleanup>().provide(pool.clone());
        // The database answers from a thread of its own.
        (builder.patience("2s").test().await, pool)
    }

    async fn visits(host: &TestHost, pool: &SqlitePool) -> i64 {
        host.outside(sqlx::query_scalar("SELECT count(*) FROM visits").fetch_one(pool)).await.unwrap()
    }

    #[tokio::test]
    async fn it_runs_at_the_start_and_every_hour() {
        let (host, pool) = host().await;
        host.advance("1day").await;
        host.assert_runs::<cleanup>(25);
        host.assert_no_failures();
        // A row is thirty days old to the second, so it may have been a second older.
        assert!((29..=30).contains(&visits(&host, &pool).await));
        host.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_run_that_fails_deletes_nothing_and_the_next_one_makes_up_for_it() {
        let (host, pool) = host().await;
        host.settle().await;
        let insert = "INSERT INTO visits (seen_at) VALUES (0)";
        host.outside(sqlx::query(insert).execute(&pool)).await.unwrap();
        let before = visits(&host, &pool).await;
        host.inject::<cleanup>(Fault::error("the disk is full"));
        host.advance("1h").await;
        assert_eq!(visits(&host, &pool).await, before);
        host.advance("1h").await;
        assert_eq!(visits(&host, &pool).await, before - 1);
        host.stop().await.unwrap();
    }
}
