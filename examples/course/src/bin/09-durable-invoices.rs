//! Durable jobs: one invoice for every order, whatever happens to the program meanwhile. Stop it, kill it, start it again.
//!
//! ```sh
//! cargo run --bin 09-durable-invoices
//! cargo run --bin 09-durable-invoices -- jobs counts        # also while it runs
//! cargo run --bin 09-durable-invoices -- dead list
//! cargo run --bin 09-durable-invoices -- dead redrive --all
//! ```
//!
//! What it teaches: with `durable` an invoice is in a file before `enqueue_with` returns, and stays there until it is sent. The
//! key makes enqueuing safe to repeat, the fence does the same for sending. What was interrupted runs again and has not failed; what
//! failed three times is a dead letter, which waits for somebody to mend the reason. The file is `hostkit.db` in the current
//! directory, unless `[store] url` names another.

use std::time::Duration;

use anyhow::{Context, bail};
use hostkit::{CancellationToken, Enqueue, Ext, JobContext, Queue, Verdict};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// Makes the tables, with forty orders if there are none. One is paid, and one is of a customer who has no address.
#[hostkit::on_start]
async fn prepare(pool: Ext<SqlitePool>) -> sqlx::Result<()> {
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS customers (name TEXT PRIMARY KEY, address TEXT);
         CREATE TABLE IF NOT EXISTS orders (
             id INTEGER PRIMARY KEY, customer TEXT NOT NULL, due INTEGER NOT NULL, billed BOOLEAN NOT NULL DEFAULT FALSE
         );
         CREATE TABLE IF NOT EXISTS letters (
             order_id INTEGER PRIMARY KEY, address TEXT NOT NULL, due INTEGER NOT NULL, fence INTEGER NOT NULL
         );
         INSERT INTO customers VALUES ('Ada', '1 Hill Road'), ('Ben', '2 Mill Lane'), ('Cleo', '3 Pier'), ('Dora', NULL)
             ON CONFLICT DO NOTHING;
         WITH RECURSIVE one (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM one WHERE n < 40)
         INSERT INTO orders (id, customer, due)
             SELECT n, CASE WHEN n = 13 THEN 'Dora' WHEN n % 3 = 0 THEN 'Ada' WHEN n % 3 = 1 THEN 'Ben' ELSE 'Cleo' END,
                    CASE WHEN n = 7 THEN 0 ELSE n * 100 END
             FROM one WHERE NOT EXISTS (SELECT 1 FROM orders);",
    )
    .execute(&*pool)
    .await?;
    Ok(())
}

/// What is stored of an invoice until it is sent. A later version of the program reads it, too.
#[derive(Debug, Serialize, Deserialize)]
struct Invoice {
    order: i64,
    customer: String,
    due: i64,
}

/// Enqueues an invoice for every order that has none.
///
/// The program may die after an invoice is stored and before its order is marked. Then the order comes again, and by its key the
/// second invoice is a duplicate of the first.
#[hostkit::background_service(on_failure = "restart")]
async fn bill(pool: Ext<SqlitePool>, invoices: Queue<send_invoice>, stop: CancellationToken) -> anyhow::Result<()> {
    while !stop.is_cancelled() {
        let orders = "SELECT id, customer, due FROM orders WHERE NOT billed ORDER BY id LIMIT 10";
        for (order, customer, due) in sqlx::query_as(orders).fetch_all(&*pool).await? {
            let invoice = Invoice { order, customer, due };
            let answer = invoices.enqueue_with(invoice, Enqueue::new().key(format!("order {order}"))).await;
            if let Err(error) = answer
                && error.duplicate_of().is_none()
            {
                return Err(error.into());
            }
            sqlx::query("UPDATE orders SET billed = TRUE WHERE id = ?").bind(order).execute(&*pool).await?;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(Duration::from_millis(200)) => {}
        }
    }
    Ok(())
}

/// Sends an invoice, one at a time to each customer.
#[hostkit::queued(durable, concurrency = 4, per_key = 1, key = customer, attempts = 3, backoff = "200ms..5s")]
async fn send_invoice(invoice: Invoice, post: &Post, job: JobContext) -> anyhow::Result<Verdict> {
    if invoice.due == 0 {
        return Ok(job.discard("there is nothing to pay"));
    }
    let Some(posted) = post.send(&invoice, job.fence()).await? else {
        return Ok(job.snooze(Duration::from_millis(300)));
    };
    tracing::info!(order = invoice.order, posted, attempt = job.attempt(), "invoice sent");
    Ok(job.done())
}

fn customer(invoice: &Invoice) -> &str {
    &invoice.customer
}

/// How the post works.
#[hostkit::options("post")]
#[derive(Deserialize)]
#[serde(default)]
struct PostOptions {
    /// How long a letter takes.
    takes: Duration,
}

impl Default for PostOptions {
    fn default() -> Self {
        Self { takes: Duration::from_millis(250) }
    }
}

/// The post: somebody else's program, which has never heard of jobs.
struct Post {
    pool: Ext<SqlitePool>,
    counters: Semaphore,
    takes: Duration,
}

#[hostkit::singleton]
impl Post {
    fn new(pool: Ext<SqlitePool>, options: &PostOptions) -> Self {
        Self { pool, counters: Semaphore::new(2), takes: options.takes }
    }
}

impl Post {
    /// Posts a letter, and says whether it was not there yet; none if all counters are taken.
    ///
    /// An attempt that was interrupted may have posted it, and a former one may still be on its way when the next begins: the post
    /// has one letter for an order, and does not look at a lower fence than it has seen.
    async fn send(&self, invoice: &Invoice, fence: u64) -> anyhow::Result<Option<bool>> {
        let Ok(_counter) = self.counters.try_acquire() else { return Ok(None) };
        let address = sqlx::query_scalar::<_, Option<String>>("SELECT address FROM customers WHERE name = ?")
            .bind(&invoice.customer)
            .fetch_one(&*self.pool)
            .await
            .with_context(|| format!("{} is no customer", invoice.customer))?;
        let Some(address) = address else { bail!("{} has no address", invoice.customer) };
        sleep(self.takes).await;
        let posted = sqlx::query(
            "INSERT INTO letters (order_id, address, due, fence) VALUES (?, ?, ?, ?)
             ON CONFLICT (order_id) DO UPDATE SET address = excluded.address, fence = excluded.fence
             WHERE excluded.fence > letters.fence",
        )
        .bind(invoice.order)
        .bind(address)
        .bind(invoice.due)
        .bind(i64::try_from(fence)?)
        .execute(&*self.pool)
        .await?;
        Ok(Some(posted.rows_affected() > 0))
    }
}

hostkit::main!();

#[cfg(test)]
mod tests {
    use hostkit::testing::{Fault, TestHost};
    use hostkit::{Enqueue, Host};
    use sqlx::SqlitePool;
    use sqlx::sqlite::SqlitePoolOptions;

    use super::{Invoice, prepare, send_invoice};

    /// The host on a database of its own, which is in memory and in one connection, and jobs that are in memory as well.
    async fn host() -> (TestHost, SqlitePool) {
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
        let mut builder = Host::empty();
        builder.with::<prepare>().with::<send_invoice>().provide(pool.clone());
        builder.set("store.url", "memory://").set("post.takes", "2s");
        // The database answers from a thread of its own.
        (builder.patience("500ms").test().await, pool)
    }

    async fn letters(host: &TestHost, pool: &SqlitePool) -> i64 {
        host.outside(sqlx::query_scalar("SELECT count(*) FROM letters").fetch_one(pool)).await.unwrap()
    }

    fn invoice(order: i64) -> Invoice {
        Invoice { order, customer: "Ada".to_owned(), due: 100 }
    }

    #[tokio::test]
    async fn an_invoice_that_could_not_be_sent_is_sent_later_and_an_order_has_one() {
        let (host, pool) = host().await;
        host.inject::<send_invoice>(Fault::error("the post is on strike"));
        let queue = host.queue::<send_invoice>();
        let first = queue.enqueue_with(invoice(1), Enqueue::new().key("order 1")).await.unwrap();
        let again = queue.enqueue_with(invoice(1), Enqueue::new().key("order 1")).await.unwrap_err();
        assert_eq!(again.duplicate_of(), Some(first));
        host.settle().await;
        assert_eq!(letters(&host, &pool).await, 0);
        host.advance("5s").await;
        assert_eq!(letters(&host, &pool).await, 1);
        host.stop().await.unwrap();
    }

    #[tokio::test]
    async fn nobody_is_asked_for_nothing() {
        let (host, pool) = host().await;
        host.queue::<send_invoice>().enqueue(Invoice { due: 0, ..invoice(7) }).await.unwrap();
        host.advance("1min").await;
        host.assert_runs::<send_invoice>(1);
        assert_eq!(letters(&host, &pool).await, 0);
        host.stop().await.unwrap();
    }
}
