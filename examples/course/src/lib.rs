//! What the programs of the course share: where they keep their data.
//!
//! `hostkit::main!()` links the library of its own package without being asked, so a program beside this library gets
//! the provider below by asking for an `Ext<SqlitePool>`.

use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

/// Where the data is kept.
#[hostkit::options("database")]
#[derive(Debug, Deserialize)]
pub struct DatabaseOptions {
    /// Such as `sqlite:/var/lib/orders.db`; without it, a file beside the program, with the program's name.
    url: Option<String>,
}

/// Opens the database, which is made if there is none.
///
/// `default`: a program that provides a pool of its own gets that one.
#[hostkit::singleton(default)]
async fn pool(options: &DatabaseOptions) -> anyhow::Result<SqlitePool> {
    let connect = match &options.url {
        Some(url) => SqliteConnectOptions::from_str(url)?,
        None => SqliteConnectOptions::new().filename(std::env::current_exe()?.with_extension("db")),
    };
    let connect = connect
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(30));
    tracing::info!(file = %connect.get_filename().display(), "opening the database");
    Ok(SqlitePool::connect_with(connect).await?)
}
