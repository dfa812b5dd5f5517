//! A queue of order ids behind a trait, and a consumer that handles each id in a scope of its own.
//!
//! What it teaches: code that enqueues knows the trait `OrderQueue` and neither hostkit nor the function behind it; the
//! payload is a type of yours; components of one scope share what is scoped, and the next id gets everything anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use hostkit::{BoxFuture, EnqueueError, Ext, Queue, Receipt};
use sqlx::SqlitePool;

/// An order's id, which is no customer's.
#[derive(Debug, Clone, Copy)]
struct OrderId(i64);

/// Where orders go to be handled.
trait OrderQueue: Send + Sync {
    /// Waits while the queue is full.
    fn enqueue(&self, id: OrderId) -> BoxFuture<'_, Result<Receipt, EnqueueError<OrderId>>>;
}

/// The queue in this process.
#[hostkit::singleton(as = dyn OrderQueue)]
struct InProcessQueue {
    orders: Queue<handle_order>,
}

impl OrderQueue for InProcessQueue {
    fn enqueue(&self, id: OrderId) -> BoxFuture<'_, Result<Receipt, EnqueueError<OrderId>>> {
        Box::pin(self.orders.enqueue(id))
    }
}

/// Makes the tables.
#[hostkit::on_start]
async fn prepare(pool: Ext<SqlitePool>) -> sqlx::Result<()> {
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS handled (order_id INTEGER NOT NULL, visit INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS audit (order_id INTEGER NOT NULL, visit INTEGER NOT NULL);",
    )
    .execute(&*pool)
    .await?;
    Ok(())
}

/// Takes in forty orders.
#[hostkit::background_service]
async fn take_orders(queue: Arc<dyn OrderQueue>) -> anyhow::Result<()> {
    for id in 1..=40 {
        queue.enqueue(OrderId(id)).await?;
    }
    tracing::info!("forty orders taken in");
    Ok(())
}

/// Handles one order.
#[hostkit::queued(capacity = 10, concurrency = 2)]
async fn handle_order(id: OrderId, orders: &OrderHandler, audit: &Audit) -> sqlx::Result<()> {
    orders.handle(id).await?;
    audit.record(id).await
}

/// The scope that a component lives in, by number: whoever is in the same scope sees the same.
struct Visit(i64);

#[hostkit::scoped]
impl Visit {
    fn new() -> Self {
        static COUNT: AtomicI64 = AtomicI64::new(1);
        Self(COUNT.fetch_add(1, Ordering::Relaxed))
    }
}

#[hostkit::scoped]
struct OrderHandler {
    pool: Ext<SqlitePool>,
    visit: Arc<Visit>,
}

impl OrderHandler {
    async fn handle(&self, id: OrderId) -> sqlx::Result<()> {
        sqlx::query("INSERT INTO handled (order_id, visit) VALUES (?, ?)")
            .bind(id.0)
            .bind(self.visit.0)
            .execute(&*self.pool)
            .await?;
        tracing::info!(id = id.0, visit = self.visit.0, "order handled");
        Ok(())
    }
}

#[hostkit::scoped]
struct Audit {
    pool: Ext<SqlitePool>,
    visit: Arc<Visit>,
}

impl Audit {
    async fn record(&self, id: OrderId) -> sqlx::Result<()> {
        sqlx::query("INSERT INTO audit (order_id, visit) VALUES (?, ?)")
            .bind(id.0)
            .bind(self.visit.0)
            .execute(&*self.pool)
            .await?;
        Ok(())
    }
}

hostkit::main!();

#[cfg(test)]
mod tests {
    use hostkit::Host;
    use hostkit::testing::TestHost;
    use sqlx::sqlite::SqlitePoolOptions;

    use super::{InProcessQueue, OrderId, handle_order, prepare, take_orders};

    async fn host() -> TestHost {
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
        let mut builder = Host::empty();
        builder.with::<prepare>().with::<take_orders>().with::<handle_order>().with::<InProcessQueue>().provide(pool);
        builder.patience("2s").test().await
    }

    #[tokio::test]
    async fn forty_orders_are_taken_in_and_handled() {
        let host = host().await;
        host.drain::<handle_order>().await;
        host.assert_runs::<handle_order>(40);
        host.assert_no_failures();
        let ids: Vec<_> = host.enqueued::<handle_order>().into_iter().map(|OrderId(id)| id).collect();
        assert_eq!(ids, (1..=40).collect::<Vec<_>>());
        host.stop().await.unwrap();
    }

    #[tokio::test]
    async fn one_order_is_handled_by_itself() {
        let host = host().await;
        host.drain::<handle_order>().await;
        host.run_item::<handle_order>(OrderId(41)).await.unwrap();
        host.stop().await.unwrap();
    }
}
