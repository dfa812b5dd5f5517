//! The database: where it is, its tables, and a transaction per run.

use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use hostkit::{Ext, Outcome};
use serde::Deserialize;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};
use tokio::sync::{Mutex, MutexGuard};

/// Where the data is kept.
#[hostkit::options("database")]
#[derive(Deserialize)]
pub(crate) struct DatabaseOptions {
    /// Such as `sqlite:/var/lib/orders.db`. A relative path begins where the program's file is.
    url: String,
}

/// Opens the database, which is made if there is none.
#[hostkit::singleton]
async fn pool(options: &DatabaseOptions) -> anyhow::Result<SqlitePool> {
    let connect = SqliteConnectOptions::from_str(&options.url)?;
    let file = std::env::current_exe()?.with_file_name(connect.get_filename());
    tracing::info!(file = %file.display(), "opening the database");
    let connect = connect
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(30));
    SqlitePool::connect_with(connect).await.context("the database cannot be opened")
}

/// Makes the tables, and gives orders back that were claimed when the program last ended.
#[hostkit::on_start]
pub(crate) async fn prepare_database(pool: Ext<SqlitePool>) -> sqlx::Result<()> {
    sqlx::raw_sql(include_str!("schema.sql")).execute(&*pool).await?;
    sqlx::query("UPDATE orders SET state = 'pending' WHERE state = 'claimed'").execute(&*pool).await?;
    Ok(())
}

/// One transaction per run: committed if the run succeeds, else rolled back.
pub(crate) struct UnitOfWork {
    transaction: Mutex<Transaction<'static, Sqlite>>,
}

#[hostkit::scoped]
impl UnitOfWork {
    async fn new(pool: Ext<SqlitePool>) -> sqlx::Result<Self> {
        // It will write, so it waits for its turn now rather than fail in the middle.
        let transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Self { transaction: Mutex::new(transaction) })
    }

    async fn dispose(self, outcome: Outcome) -> sqlx::Result<()> {
        let transaction = self.transaction.into_inner();
        match outcome {
            Outcome::Succeeded => transaction.commit().await,
            Outcome::Failed | Outcome::Cancelled => transaction.rollback().await,
        }
    }
}

impl UnitOfWork {
    /// The transaction, for one statement after the other.
    pub(crate) async fn transaction(&self) -> MutexGuard<'_, Transaction<'static, Sqlite>> {
        self.transaction.lock().await
    }
}
