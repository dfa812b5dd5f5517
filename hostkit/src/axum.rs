//! A scope for every request of an [axum](https://docs.rs/axum) program (feature `axum`).
//!
//! [`scopes`] makes a layer. Below it, handlers ask for what services ask for:
//!
//! | extractor | meaning |
//! |---|---|
//! | [`Inject<T>`] | the component `T`; scoped ones once per request, whoever in the request asks |
//! | [`Ext<T>`](crate::Ext) | a foreign type |
//! | [`Queue<f>`](crate::Queue) | enqueues for the queued function `f` |
//! | [`Scope`](crate::Scope) | the request's own scope, to get components from as they are needed |
//! | [`HostLifetime`](crate::HostLifetime) | tells when the host begins to stop, for answers that would go on for ever |
//!
//! That `T` is a component is checked by the compiler. What a handler needs beyond that, such as a trait or options, is
//! best a field of a component: then the build of the host says what is missing, and not the first request.
//!
//! # Examples
//! The server is a background service, which gives it what it serves with and stops it in order:
//! ```no_run
//! use axum::{Json, Router, http::StatusCode, routing::post};
//! use hostkit::axum::Inject;
//! use hostkit::{CancellationToken, Queue, Ready, Scopes};
//!
//! #[hostkit::background_service]
//! async fn web(scopes: Scopes, ready: Ready, stop: CancellationToken) -> std::io::Result<()> {
//!     let app = Router::new().route("/orders", post(accept)).layer(hostkit::axum::scopes(scopes));
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//!     ready.notify();
//!     axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await
//! }
//!
//! async fn accept(Inject(orders): Inject<Orders>, process: Queue<process_order>, Json(id): Json<i64>) -> StatusCode {
//!     orders.accept(id).await;
//!     match process.try_enqueue(id) {
//!         Ok(_) => StatusCode::ACCEPTED,
//!         Err(_full_or_closed) => StatusCode::SERVICE_UNAVAILABLE,
//!     }
//! }
//!
//! #[hostkit::scoped]
//! struct Orders {}
//!
//! impl Orders {
//!     async fn accept(&self, _id: i64) {}
//! }
//!
//! #[hostkit::queued]
//! async fn process_order(_id: i64, _orders: &Orders) {}
//!
//! hostkit::main!();
//! ```
//! An axum program of its own starts a host beside it, and stops serving before it stops the host:
//! ```no_run
//! # use axum::{Router, routing::get};
//! # async fn index() {}
//! # async fn signal() {}
//! # async fn main_() -> Result<(), Box<dyn std::error::Error>> {
//! let running = hostkit::Host::builder().build().await?.start().await?;
//! let app = Router::new().route("/", get(index)).layer(hostkit::axum::scopes(running.scopes()));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! axum::serve(listener, app).with_graceful_shutdown(signal()).await?;
//! running.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # The life of a request's scope
//! It opens when something is first asked for; a request that asks for nothing has none, and costs three small allocations
//! more than without the layer. It closes when the handler, and
//! every layer below this one, has answered, and before the answer is sent:
//!
//! | what happened | outcome |
//! |---|---|
//! | an answer with a status below 500 | succeeded |
//! | an answer with a status of 500 or more, or a panic | failed |
//! | an answer with an [`Outcome`](crate::Outcome) among its extensions | that one, whatever the status |
//! | the client went away, or a layer above gave up, before there was an answer | cancelled |
//!
//! A disposer that fails after success, such as a commit, turns the answer into a 500; what went wrong is logged as an
//! ERROR and not told to the client. Disposers that are under way when the client goes away are not stopped.
//!
//! A body that is sent piece by piece is sent after the scope was closed. It must not hold a component that has a
//! disposer, which could then not be ended by value.
//!
//! To roll back what a request with a fault of the client has done:
//! ```
//! use axum::{Extension, http::StatusCode, response::IntoResponse};
//! use hostkit::Outcome;
//!
//! async fn reserve() -> impl IntoResponse {
//!     (StatusCode::CONFLICT, Extension(Outcome::Failed), "sold out")
//! }
//! ```
//!
//! # Stopping
//! While the host stops, requests under way have all they need until the services have ended. A request that asks for
//! something later is answered with 503. A handler has no token of its own: it is dropped when its client goes away.
//!
//! # Mistakes
//! Below no layer, and for what the host does not have, extractors answer with 500 and log an ERROR that says what to do.
//! What is no component does not compile:
//! ```compile_fail,E0277
//! struct Plain;
//! async fn handler(_plain: hostkit::axum::Inject<Plain>) {}
//! ```

mod extract;
mod layer;
mod rejection;
mod request;

pub use extract::Inject;
pub use layer::{ScopeFuture, ScopeLayer, ScopeService, scopes};
pub use rejection::InjectRejection;
