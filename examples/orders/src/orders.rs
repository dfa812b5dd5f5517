//! What happens to an order.

use std::sync::Arc;

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

/// The time, which a test may replace.
#[hostkit::singleton]
#[derive(Default)]
pub(crate) struct Clock;

impl Clock {
    fn now(&self) -> i64 {
        jiff::Timestamp::now().as_second()
    }
}

/// The orders, as one run sees them: all that it changes is in one transaction.
#[hostkit::scoped]
pub(crate) struct Orders {
    work: Arc<UnitOfWork>,
    clock: Arc<Clock>,
}

impl Orders {
    /// Writes the invoice of a claimed order and counts what was sold. What the shop does not sell is refused, which is
    /// a result and no failure; a failure rolls back everything.
    pub(crate) async fn process(&self, id: i64) -> anyhow::Result<()> {
        let mut transaction = self.work.transaction().await;
        let claimed: Option<(String, i64)> =
            sqlx::query_as("SELECT currency, amount FROM orders WHERE id = ? AND state = 'claimed'")
                .bind(id)
                .fetch_optional(&mut **transaction)
                .await?;
        let Some((currency, amount)) = claimed else {
            tracing::debug!(id, "nothing to do for this order");
            return Ok(());
        };
        let due: i64 =
            sqlx::query_scalar("SELECT coalesce(sum(quantity * unit_price), 0) FROM order_items WHERE order_id = ?")
                .bind(id)
                .fetch_one(&mut **transaction)
                .await?;
        let refusal = if !CURRENCIES.contains(&currency.as_str()) {
            Some("the currency is not taken")
        } else if due != amount {
            Some("the amount is not the sum of the items")
        } else {
            None
        };
        if refusal.is_none() {
            sqlx::query(
                "INSERT INTO sales (article, quantity) \
                 SELECT article, sum(quantity) FROM order_items WHERE order_id = ? GROUP BY article \
                 ON CONFLICT (article) DO UPDATE SET quantity = quantity + excluded.quantity",
            )
            .bind(id)
            .execute(&mut **transaction)
            .await?;
            sqlx::query("INSERT INTO invoices (order_id, amount, issued_at) VALUES (?, ?, ?)")
                .bind(id)
                .bind(amount)
                .bind(self.clock.now())
                .execute(&mut **transaction)
                .await?;
        }
        sqlx::query("UPDATE orders SET state = ?, refusal = ? WHERE id = ?")
            .bind(if refusal.is_some() { "refused" } else { "processed" })
            .bind(refusal)
            .bind(id)
            .execute(&mut **transaction)
            .await?;
        Ok(())
    }
}
