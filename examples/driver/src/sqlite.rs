//! A connection of the test's own.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{Connection, FromRow, SqliteConnection};
use tokio::runtime::Runtime;

/// A database that a program uses, too.
#[derive(Debug)]
pub struct Sqlite {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl Sqlite {
    /// Opens a database, and makes it if there is none.
    ///
    /// # Panics
    /// Panics when that is not possible.
    pub fn open(file: &Path) -> Self {
        let options =
            SqliteConnectOptions::new().filename(file).create_if_missing(true).busy_timeout(Duration::from_mins(1));
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        let connection =
            runtime.block_on(SqliteConnection::connect_with(&options)).expect("the database can be opened");
        Self { runtime, connection }
    }

    /// Executes some statements.
    ///
    /// # Panics
    /// Panics when one of them is refused.
    pub fn execute(&mut self, sql: &'static str) {
        self.runtime.block_on(sqlx::raw_sql(sql).execute(&mut self.connection)).expect(sql);
    }

    /// The rows of a query, each as a tuple.
    ///
    /// # Panics
    /// Panics when it is refused.
    pub fn rows<T>(&mut self, sql: &'static str) -> Vec<T>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        self.runtime.block_on(sqlx::query_as(sql).fetch_all(&mut self.connection)).expect(sql)
    }

    /// The one number that a query is about.
    ///
    /// # Panics
    /// Panics when it is refused.
    pub fn number(&mut self, sql: &'static str) -> i64 {
        self.rows::<(i64,)>(sql)[0].0
    }
}
