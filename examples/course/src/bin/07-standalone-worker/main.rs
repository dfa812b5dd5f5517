//! A worker program of its own: configuration with a connection string, a database, an event consumer, run.
//!
//! ```sh
//! cargo run --bin 07-standalone-worker
//! cargo run --bin 07-standalone-worker -- config show
//! HOSTKIT__CONSUMER__BATCH=5 cargo run --bin 07-standalone-worker
//! ```
//!
//! Other programs write what happened into the table `events`; this one keeps the stock that follows from it. What it
//! teaches: options are checked before anything starts, all faults at once; each batch of events and the place reached
//! are one transaction, so every event counts once, even if the power fails in between.
//!
//! Telemetry and health checks come with a later stage of hostkit.

use std::str::FromStr;
use std::time::Duration;

use hostkit::{CancellationToken, Ext, HostBuilder, Outcome, Scopes};
use serde::Deserialize;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{Sqlite, SqlitePool, Transaction};
use tokio::sync::Mutex;

/// The database.
#[hostkit::options("database", validate = Self::problems)]
#[derive(Deserialize)]
struct DatabaseOptions {
    /// The connection string, such as `sqlite:/var/lib/worker.db`.
    url: String,
}

impl DatabaseOptions {
    fn problems(&self) -> Vec<&'static str> {
        if self.url.starts_with("sqlite:") { Vec::new() } else { vec!["`url` begins with \"sqlite:\""] }
    }
}

/// How events are consumed.
#[hostkit::options("consumer", validate = Self::problems)]
#[derive(Deserialize)]
struct ConsumerOptions {
    /// How many events one transaction takes.
    batch: u32,
    /// How long to wait when there are no more.
    poll: Duration,
}

impl ConsumerOptions {
    fn problems(&self) -> Vec<&'static str> {
        if self.batch == 0 { vec!["`batch` is at least 1"] } else { Vec::new() }
    }
}

/// Opens the database, which is made if there is none.
#[hostkit::singleton]
async fn pool(options: &DatabaseOptions) -> anyhow::Result<SqlitePool> {
    let connect = SqliteConnectOptions::from_str(&options.url)?;
    let file = std::env::current_exe()?.with_file_name(connect.get_filename());
    tracing::info!(file = %file.display(), "opening the database");
    let connect = connect.filename(file).create_if_missing(true).journal_mode(SqliteJournalMode::Wal);
    Ok(SqlitePool::connect_with(connect).await?)
}

/// Makes the tables.
#[hostkit::on_start]
async fn migrate(pool: Ext<SqlitePool>) -> sqlx::Result<()> {
    sqlx::raw_sql(include_str!("schema.sql")).execute(&*pool).await?;
    Ok(())
}

/// Applies events to the stock as they come.
#[hostkit::background_service(on_failure = "restart", backoff = "1s..1m")]
async fn consume_events(
    batches: Scopes<Batch>,
    options: &ConsumerOptions,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    while !stop.is_cancelled() {
        let batch = batches.open().await?;
        let applied = batch.apply(options.batch).await;
        batch.close(Outcome::of(&applied)).await?;
        if applied? == 0 {
            stop.run_until_cancelled(tokio::time::sleep(options.poll)).await;
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Event {
    Received { article: String, quantity: i64 },
    Sold { article: String, quantity: i64 },
}

/// Some events and what they change: one transaction.
struct Batch {
    transaction: Mutex<Transaction<'static, Sqlite>>,
}

#[hostkit::scoped]
impl Batch {
    async fn new(pool: Ext<SqlitePool>) -> sqlx::Result<Self> {
        Ok(Self { transaction: Mutex::new(pool.begin_with("BEGIN IMMEDIATE").await?) })
    }

    async fn dispose(self, outcome: Outcome) -> sqlx::Result<()> {
        let transaction = self.transaction.into_inner();
        match outcome {
            Outcome::Succeeded => transaction.commit().await,
            Outcome::Failed | Outcome::Cancelled => transaction.rollback().await,
        }
    }
}

impl Batch {
    /// Applies the next events, at most so many, and says how many there were.
    async fn apply(&self, at_most: u32) -> sqlx::Result<usize> {
        let transaction = &mut **self.transaction.lock().await;
        let events: Vec<(i64, String)> = sqlx::query_as(
            "SELECT id, body FROM events WHERE id > (SELECT last_event FROM progress) ORDER BY id LIMIT ?",
        )
        .bind(at_most)
        .fetch_all(&mut *transaction)
        .await?;
        for (id, body) in &events {
            let (article, change) = match serde_json::from_str(body) {
                Ok(Event::Received { article, quantity }) => (article, quantity),
                Ok(Event::Sold { article, quantity }) => (article, -quantity),
                // It will not be better tomorrow: set it aside and go on.
                Err(error) => {
                    tracing::warn!(id, %error, "event set aside");
                    sqlx::query("INSERT INTO set_aside (event, error) VALUES (?, ?)")
                        .bind(id)
                        .bind(error.to_string())
                        .execute(&mut *transaction)
                        .await?;
                    continue;
                }
            };
            sqlx::query(
                "INSERT INTO stock (article, quantity) VALUES (?, ?) \
                 ON CONFLICT (article) DO UPDATE SET quantity = quantity + excluded.quantity",
            )
            .bind(article)
            .bind(change)
            .execute(&mut *transaction)
            .await?;
        }
        if let Some((last, _)) = events.last() {
            sqlx::query("UPDATE progress SET last_event = ?").bind(last).execute(&mut *transaction).await?;
            tracing::info!(count = events.len(), last, "events applied");
        }
        Ok(events.len())
    }
}

#[hostkit::program]
fn main(host: &mut HostBuilder) {
    // Found from anywhere; without this line, `hostkit.toml` in the directory where the program is started.
    host.config_file(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/07-standalone-worker/hostkit.toml"));
}

#[cfg(test)]
mod tests {
    use hostkit::Host;
    use hostkit::testing::Fault;
    use sqlx::sqlite::SqlitePoolOptions;

    use super::{consume_events, migrate};

    #[tokio::test]
    async fn events_that_come_while_it_is_down_are_applied_once() {
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
        let mut builder = Host::empty();
        builder.with::<migrate>().with::<consume_events>().provide(pool.clone());
        builder.set("consumer.batch", 2).set("consumer.poll", "1s");
        // The database answers from a thread of its own.
        builder.patience("100ms").inject::<consume_events>(Fault::error("no connection"));
        let host = builder.test().await;
        let insert = r#"INSERT INTO events (body) VALUES
            ('{"kind":"received","article":"nail","quantity":5}'), ('{"kind":"sold","article":"nail","quantity":2}'),
            ('no event'), ('{"kind":"received","article":"nail","quantity":1}')"#;
        host.outside(sqlx::query(insert).execute(&pool)).await.unwrap();
        host.advance("5s").await;
        let stock = "SELECT quantity, (SELECT count(*) FROM set_aside) FROM stock WHERE article = 'nail'";
        let stock: (i64, i64) = host.outside(sqlx::query_as(stock).fetch_one(&pool)).await.unwrap();
        assert_eq!(stock, (4, 1));
        host.assert_runs::<consume_events>(2);
        host.stop().await.unwrap();
    }
}
