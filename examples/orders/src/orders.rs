//! What happens to an order.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use sqlx::SqlitePool;

use crate::database::UnitOfWork;

/// The currencies that the shop takes.
const CURRENCIES: [&str; 5] = ["EUR", "GBP", "SEK", "CHF", "USD"];

/// Marks the oldest pending orders as claimed and returns their ids.
pub(crate) async fn claim(pool: &SqlitePool, at_most: u32) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar(
        "UPDATE orders SET state = 'claimed' \
         WHERE id IN (SELECT id FROM orders WHERE state = 'pending' ORDER BY id LIMIT ?) RETURNING id",
    )
    .bind(at_most)
    .fetch_all(pool)
    .await
}

/// The time of day, which never goes back while the program runs: invoices are dated in the order of their numbers.
pub(crate) struct Clock {
    began: Instant,
    began_at: Timestamp,
}

#[hostkit::singleton]
impl Clock {
    fn new() -> Self {
        Self { began: Instant::now(), began_at: Timestamp::now() }
    }

    fn now(&self) -> Timestamp {
        self.began_at + self.began.elapsed()
    }
}

/// The orders, as one run sees them: all that it changes is in one transaction.
#[hostkit::scoped]
pub(crate) struct Orders {
    work: Arc<UnitOfWork>,
    clock: Arc<Clock>,
}

impl Orders {
    /// Invoices a claimed order. What the shop does not sell is refused, which is a result; a failure is rolled back.
    pub(crate) async fn process(&self, id: i64) -> anyhow::Result<()> {
        let Some(order) = self.claimed(id).await? else {
            tracing::debug!(id, "nobody claimed this order, or it is done");
            return Ok(());
        };
        if let Some(reason) = order.refusal() {
            return self.finish(id, "refused", Some(reason)).await;
        }
        self.count_sales(id).await?;
        self.invoice(&order).await?;
        self.finish(id, "processed", None).await
    }

    async fn claimed(&self, id: i64) -> anyhow::Result<Option<Order>> {
        let row: Option<(String, i64, i64)> = sqlx::query_as(
            "SELECT currency, amount, coalesce(sum(quantity * unit_price), 0) \
             FROM orders LEFT JOIN order_items ON order_id = id WHERE id = ? AND state = 'claimed' GROUP BY id",
        )
        .bind(id)
        .fetch_optional(&mut **self.work.transaction().await)
        .await?;
        Ok(row.map(|(currency, amount, due)| Order { id, currency, amount, due }))
    }

    async fn count_sales(&self, id: i64) -> anyhow::Result<()> {
        sqlx::query(
            "INSERT INTO sales (article, quantity) \
             SELECT article, sum(quantity) FROM order_items WHERE order_id = ? GROUP BY article \
             ON CONFLICT (article) DO UPDATE SET quantity = quantity + excluded.quantity",
        )
        .bind(id)
        .execute(&mut **self.work.transaction().await)
        .await?;
        Ok(())
    }

    async fn invoice(&self, order: &Order) -> anyhow::Result<()> {
        sqlx::query("INSERT INTO invoices (order_id, amount, issued_at) VALUES (?, ?, ?)")
            .bind(order.id)
            .bind(order.amount)
            .bind(self.clock.now().as_second())
            .execute(&mut **self.work.transaction().await)
            .await?;
        Ok(())
    }

    async fn finish(&self, id: i64, state: &str, refusal: Option<&str>) -> anyhow::Result<()> {
        sqlx::query("UPDATE orders SET state = ?, refusal = ? WHERE id = ?")
            .bind(state)
            .bind(refusal)
            .bind(id)
            .execute(&mut **self.work.transaction().await)
            .await?;
        Ok(())
    }
}

struct Order {
    id: i64,
    currency: String,
    /// What the customer was told.
    amount: i64,
    /// What the items cost.
    due: i64,
}

impl Order {
    fn refusal(&self) -> Option<&'static str> {
        if !CURRENCIES.contains(&self.currency.as_str()) {
            Some("the currency is not taken")
        } else if self.amount != self.due {
            Some("the amount is not the sum of the items")
        } else {
            None
        }
    }
}
