//! A queue of closures, for work that needs no function of its own.
//!
//! What it teaches: the built-in `TaskQueue` holds at most 100 closures, so whoever enqueues waits when it is full. One
//! worker calls them in order; each gets `Scopes`, to open a scope with what it needs, and a token that tells it to stop.
//! When the host stops, the closure under way is told, and those that wait are still worked off.

use std::time::Duration;

use hostkit::{CancellationToken, Ext, ScopeError, Scopes, TaskQueue};
use serde::Deserialize;
use sqlx::SqlitePool;

/// What is put into the queue.
#[hostkit::options("tasks")]
#[derive(Deserialize)]
#[serde(default)]
struct TaskOptions {
    /// How many tasks.
    count: u32,
    /// How long each of the three steps of a task takes.
    step: Duration,
}

impl Default for TaskOptions {
    fn default() -> Self {
        Self { count: 150, step: Duration::from_millis(10) }
    }
}

/// Makes the table.
#[hostkit::on_start]
async fn prepare(pool: Ext<SqlitePool>) -> sqlx::Result<()> {
    sqlx::query("CREATE TABLE IF NOT EXISTS journal (entry INTEGER PRIMARY KEY, task INTEGER, text TEXT)")
        .execute(&*pool)
        .await?;
    Ok(())
}

/// Enqueues the tasks, and waits whenever the queue is full.
#[hostkit::background_service]
async fn submit(tasks: TaskQueue, options: &TaskOptions, stop: CancellationToken) -> anyhow::Result<()> {
    let pause = options.step;
    let mut accepted = 0;
    for number in 1..=options.count {
        let enqueued = tasks.enqueue(move |scopes, stop| run_task(number, pause, scopes, stop));
        match stop.run_until_cancelled(enqueued).await {
            Some(result) => result?,
            None => break,
        };
        accepted = number;
    }
    tracing::info!(accepted, waiting = tasks.len(), "tasks enqueued");
    Ok(())
}

/// Three steps, then a line in the journal.
async fn run_task(number: u32, pause: Duration, scopes: Scopes, stop: CancellationToken) -> Result<(), ScopeError> {
    let mut text = "done";
    for _ in 0..3 {
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            text = "told to stop";
            break;
        }
    }
    tracing::info!(number, text, "task ended");
    scopes.run(async move |scope| scope.get::<Journal>().await?.write(number, text).await).await
}

/// What happened, for one task.
#[hostkit::scoped]
struct Journal {
    pool: Ext<SqlitePool>,
}

impl Journal {
    async fn write(&self, task: u32, text: &str) -> anyhow::Result<()> {
        sqlx::query("INSERT INTO journal (task, text) VALUES (?, ?)")
            .bind(task)
            .bind(text)
            .execute(&*self.pool)
            .await?;
        Ok(())
    }
}

hostkit::main!();

#[cfg(test)]
mod tests {
    use hostkit::Host;
    use sqlx::sqlite::SqlitePoolOptions;

    use super::{Journal, prepare, submit};

    #[tokio::test]
    async fn the_tasks_are_done_one_after_the_other() {
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
        let mut builder = Host::empty();
        builder.with::<prepare>().with::<submit>().with::<Journal>().provide(pool.clone());
        // The database answers from a thread of its own.
        builder.set("tasks.count", 3).set("tasks.step", "1m").patience("100ms");
        let host = builder.test().await;
        host.advance("9m").await;
        host.assert_no_failures();
        let done = "SELECT group_concat(task || ' ' || text) FROM journal";
        let lines: String = host.outside(sqlx::query_scalar(done).fetch_one(&pool)).await.unwrap();
        assert_eq!(lines, "1 done,2 done,3 done");
        host.stop().await.unwrap();
    }
}
