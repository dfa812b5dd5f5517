//! A web endpoint that enqueues and answers 202; the report exists a moment later.
//!
//! ```sh
//! curl -i -X POST localhost:8080/api/reports/generate -H 'content-type: application/json' -d '{"month":"2026-10"}'
//! curl -i localhost:8080/api/reports/2026-10
//! ```
//!
//! What it teaches: axum is a background service, ready when it listens and stopped by its token, so that requests under
//! way are answered. Only then is the queue drained: what was answered with 202 is done. Below the layer
//! `hostkit::axum::scopes` handlers ask for what services ask for: `Queue<generate_report>`, and `Inject<Reports>`, of
//! which every request and every item of the queue has its own.

use anyhow::Context;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hostkit::axum::Inject;
use hostkit::{CancellationToken, Ext, Queue, Ready, Scopes};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;

/// Where the server listens.
#[hostkit::options("web")]
#[derive(Deserialize)]
#[serde(default)]
struct WebOptions {
    /// Address and port; port 0 takes a free one, which is logged.
    listen: String,
}

impl Default for WebOptions {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8080".to_owned() }
    }
}

/// Makes the tables, with sales of two months.
#[hostkit::on_start]
async fn prepare(pool: Ext<SqlitePool>) -> sqlx::Result<()> {
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS reports (month TEXT PRIMARY KEY, total INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS sales (month TEXT NOT NULL, amount INTEGER NOT NULL);
         INSERT INTO sales
             SELECT * FROM (VALUES ('2026-09', 1200), ('2026-10', 3400), ('2026-10', 55))
             WHERE NOT EXISTS (SELECT 1 FROM sales);",
    )
    .execute(&*pool)
    .await?;
    Ok(())
}

/// Serves the endpoints.
#[hostkit::background_service]
async fn web(scopes: Scopes, options: &WebOptions, ready: Ready, stop: CancellationToken) -> anyhow::Result<()> {
    let app = Router::new()
        .route("/api/reports/generate", post(generate))
        .route("/api/reports/{month}", get(report))
        .layer(hostkit::axum::scopes(scopes));
    let listener = tokio::net::TcpListener::bind(&options.listen)
        .await
        .with_context(|| format!("listen on {}", options.listen))?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    ready.notify();
    axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await?;
    Ok(())
}

#[derive(Deserialize)]
struct Request {
    month: String,
}

/// `POST /api/reports/generate`
async fn generate(reports: Queue<generate_report>, Json(Request { month }): Json<Request>) -> Response {
    let location = format!("/api/reports/{month}");
    match reports.try_enqueue(month) {
        Ok(_) => (StatusCode::ACCEPTED, [(LOCATION, location)]).into_response(),
        // Too much to do, or about to stop: the caller may try again.
        Err(_full_or_closed) => (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")]).into_response(),
    }
}

#[derive(Serialize)]
struct Report {
    month: String,
    total: i64,
}

/// `GET /api/reports/{month}`: 404 until the report exists.
async fn report(Inject(reports): Inject<Reports>, Path(month): Path<String>) -> Result<Response, Failure> {
    Ok(match reports.total(&month).await? {
        Some(total) => Json(Report { month, total }).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    })
}

/// The reports that there are.
#[hostkit::scoped]
struct Reports {
    pool: Ext<SqlitePool>,
}

impl Reports {
    async fn total(&self, month: &str) -> sqlx::Result<Option<i64>> {
        let query = sqlx::query_scalar("SELECT total FROM reports WHERE month = ?");
        query.bind(month).fetch_optional(&*self.pool).await
    }

    /// Adds up a month's sales.
    async fn generate(&self, month: &str) -> sqlx::Result<()> {
        let query = sqlx::query(
            "INSERT INTO reports (month, total) SELECT ?1, coalesce(sum(amount), 0) FROM sales WHERE month = ?1 \
             ON CONFLICT (month) DO UPDATE SET total = excluded.total",
        );
        query.bind(month).execute(&*self.pool).await?;
        Ok(())
    }
}

/// Generates the report of a month.
#[hostkit::queued(capacity = 100, concurrency = 2)]
async fn generate_report(month: String, reports: &Reports) -> sqlx::Result<()> {
    reports.generate(&month).await?;
    tracing::info!(month, "report generated");
    Ok(())
}

/// An error of ours: logged here, and no more than 500 to the caller.
struct Failure(sqlx::Error);

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        tracing::error!(error = %self.0, "request failed");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

hostkit::main!();

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::Json;
    use axum::extract::Path;
    use axum::http::StatusCode;
    use axum::response::Response;
    use hostkit::axum::Inject;
    use hostkit::testing::TestHost;
    use hostkit::{Ext, Host};
    use sqlx::SqlitePool;
    use sqlx::sqlite::SqlitePoolOptions;

    use super::{Reports, Request, generate, generate_report, prepare, report};

    const MONTH: &str = "2026-10";

    async fn pool() -> SqlitePool {
        SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap()
    }

    async fn ask(host: &TestHost) -> Response {
        generate(host.queue::<generate_report>(), Json(Request { month: MONTH.to_owned() })).await
    }

    #[tokio::test]
    async fn a_report_is_promised_and_then_there() {
        let pool = pool().await;
        let mut builder = Host::empty();
        builder.with::<prepare>().with::<generate_report>().provide(pool.clone());
        // The database answers from a thread of its own.
        let host = builder.patience("2s").test().await;
        let reports = Arc::new(Reports { pool: Ext::new(pool) });
        let see = || host.outside(report(Inject(Arc::clone(&reports)), Path(MONTH.to_owned())));
        host.hold::<generate_report>();

        assert_eq!(ask(&host).await.status(), StatusCode::ACCEPTED);
        host.assert_enqueued::<generate_report>(&[MONTH.to_owned()]);
        assert_eq!(see().await.map_err(|failure| failure.0).unwrap().status(), StatusCode::NOT_FOUND);

        assert_eq!(host.drain::<generate_report>().await.done, 1);
        assert_eq!(see().await.map_err(|failure| failure.0).unwrap().status(), StatusCode::OK);
        host.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_queue_that_is_full_is_said_to_be_busy() {
        let mut builder = Host::empty();
        builder.with::<generate_report>().provide(pool().await).set("queued.generate_report.capacity", 1);
        let host = builder.test().await;
        host.hold::<generate_report>();
        for expected in [StatusCode::ACCEPTED, StatusCode::SERVICE_UNAVAILABLE] {
            assert_eq!(ask(&host).await.status(), expected);
        }
        host.stop().await.unwrap();
    }
}
