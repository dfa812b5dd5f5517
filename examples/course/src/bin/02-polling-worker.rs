//! A worker that polls: it takes pending orders, processes each, logs what fails and goes on.
//!
//! What it teaches: a background service lives as long as the host, so it opens a fresh scope for every pass and closes
//! it; the token tells it to stop between two orders.

use std::time::Duration;

use hostkit::{CancellationToken, Ext, Outcome, Scopes};
use serde::Deserialize;
use sqlx::SqlitePool;

/// How the worker polls.
#[hostkit::options("worker")]
#[derive(Deserialize)]
#[serde(default)]
struct WorkerOptions {
    /// How many orders one pass takes.
    batch: u32,
    /// How long to wait between two passes.
    pause: Duration,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self { batch: 5, pause: Duration::from_secs(1) }
    }
}

/// Makes the table, with a few orders in it if it is empty; one of them cannot be processed.
#[hostkit::on_start]
async fn prepare(pool: Ext<SqlitePool>) -> sqlx::Result<()> {
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS orders (
             id INTEGER PRIMARY KEY, quantity INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'pending'
         );
         INSERT INTO orders (quantity)
             SELECT column1 FROM (VALUES (1), (3), (0), (2), (8), (1), (1), (4)) WHERE NOT EXISTS (SELECT 1 FROM orders);",
    )
    .execute(&*pool)
    .await?;
    Ok(())
}

/// Processes pending orders until the host stops.
#[hostkit::background_service(on_failure = "restart")]
async fn order_worker(
    orders: Scopes<OrderService>,
    options: &WorkerOptions,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    while !stop.is_cancelled() {
        let service = orders.open().await?;
        for order in service.pending(options.batch).await? {
            if stop.is_cancelled() {
                break;
            }
            match service.process(&order).await {
                Ok(()) => tracing::info!(order.id, "order processed"),
                Err(error) => tracing::warn!(order.id, %error, "order failed"),
            }
        }
        service.close(Outcome::Succeeded).await?;
        stop.run_until_cancelled(tokio::time::sleep(options.pause)).await;
    }
    Ok(())
}

struct Order {
    id: i64,
    quantity: i64,
}

/// The orders, for one pass of the worker.
#[hostkit::scoped]
struct OrderService {
    pool: Ext<SqlitePool>,
}

impl OrderService {
    async fn pending(&self, at_most: u32) -> sqlx::Result<Vec<Order>> {
        let rows = sqlx::query_as("SELECT id, quantity FROM orders WHERE state = 'pending' ORDER BY id LIMIT ?")
            .bind(at_most)
            .fetch_all(&*self.pool)
            .await?;
        Ok(rows.into_iter().map(|(id, quantity)| Order { id, quantity }).collect())
    }

    async fn process(&self, order: &Order) -> anyhow::Result<()> {
        let state = if order.quantity > 0 { "processed" } else { "failed" };
        sqlx::query("UPDATE orders SET state = ? WHERE id = ?").bind(state).bind(order.id).execute(&*self.pool).await?;
        anyhow::ensure!(order.quantity > 0, "nothing was ordered");
        Ok(())
    }
}

hostkit::main!();

#[cfg(test)]
mod tests {
    use hostkit::Host;
    use hostkit::testing::Fault;
    use sqlx::sqlite::SqlitePoolOptions;

    use super::{order_worker, prepare};

    #[tokio::test]
    async fn it_goes_on_after_an_order_that_fails_and_after_a_failure_of_its_own() {
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
        let mut builder = Host::empty();
        // The database answers from a thread of its own.
        builder.with::<prepare>().with::<order_worker>().provide(pool.clone()).patience("200ms");
        let host = builder.inject::<order_worker>(Fault::error("no connection")).test().await;
        host.advance("5s").await;
        let states = sqlx::query_as("SELECT state, count(*) FROM orders GROUP BY state ORDER BY state");
        let states: Vec<(String, i64)> = host.outside(states.fetch_all(&pool)).await.unwrap();
        assert_eq!(states, [("failed".to_owned(), 1), ("processed".to_owned(), 7)]);
        host.assert_runs::<order_worker>(2);
        host.stop().await.unwrap();
    }
}
