//! What a service does behind its front door: long-running workers, timed jobs and queued jobs.
//!
//! Annotate async functions. Macros register them, a generated `main` checks the wiring of the whole program, starts
//! everything in order, passes each function what it asks for, keeps it alive, and stops it cleanly.
//!
//! ```no_run
//! use hostkit::{CancellationToken, Queue};
//!
//! /// Makes orders out of thin air.
//! #[hostkit::background_service]
//! async fn order_intake(orders: Queue<process_order>, stop: CancellationToken) -> Result<(), hostkit::EnqueueError<u64>> {
//!     for order_id in 0.. {
//!         if stop.is_cancelled() {
//!             break;
//!         }
//!         orders.enqueue(order_id).await?;
//!     }
//!     Ok(())
//! }
//!
//! #[hostkit::scoped]
//! struct Orders {}
//!
//! impl Orders {
//!     async fn process(&self, _order_id: u64) -> Result<(), std::io::Error> { Ok(()) }
//! }
//!
//! #[hostkit::queued(capacity = 100, concurrency = 4)]
//! async fn process_order(order_id: u64, orders: &Orders) -> Result<(), std::io::Error> {
//!     orders.process(order_id).await
//! }
//!
//! /// Deletes rows nobody needs any more.
//! #[hostkit::periodic(every = "1h")]
//! async fn cleanup(orders: &Orders) {
//!     let _ = orders;
//! }
//!
//! hostkit::main!();
//! ```
//!
//! # The few ideas
//! - A **service** is an annotated function: a [background service](macro@background_service), a
//!   [periodic](macro@periodic) or a [queued](macro@queued) function. A **hook** is a function that runs once at a stage
//!   of the host's life: [`on_start`](macro@on_start), [`on_started`](macro@on_started),
//!   [`on_stopping`](macro@on_stopping), [`on_stopped`](macro@on_stopped).
//! - A **component** is what they are given: a [singleton](macro@singleton), [scoped](macro@scoped) or
//!   [transient](macro@transient) type, or the [options](macro@options) of a section. Every run has its own **scope**.
//! - A **host** is a program that has been checked: [`Host`]. Most programs never name it, because
//!   [`main!`](macro@main) does.
//!
//! # What a function may ask for
//! | parameter | meaning | a missing one is found |
//! |---|---|---|
//! | `&T`, `Arc<T>` of a component | lent for this run, or shared | at compile time |
//! | `&dyn Trait`, `Arc<dyn Trait>` | whoever is registered `as = dyn Trait` | when the host is built |
//! | [`Ext<T>`] | a foreign type: made by an annotated function, or [provided](HostBuilder::provide) | when the host is built |
//! | `&mut T`, `Box<T>` | a transient made for this call and owned by it | at compile time |
//! | `Option<Arc<dyn Trait>>`, `Option<Ext<T>>`, [`All<dyn Trait>`](All) | absent is fine; every provider, ordered by type path | never |
//! | [`Lazy<T>`] | built on first use | as `T` |
//! | `#[key("…")]` on the parameter | the provider with that key and no other | when the host is built |
//! | [`CancellationToken`] | fires when this run should stop | |
//! | [`Queue<f>`](Queue) | enqueues for the queued function `f` | at compile time |
//! | [`TaskQueue`] | the built-in queue of closures | |
//! | [`Scopes<T>`](Scopes) | opens a fresh scope that holds component `T` | at compile time |
//! | [`Scopes`], [`Scope`] | the untyped form: opens a scope; the run's own scope | at the first `get` |
//! | [`Instance`], [`Ready`] | in background services: which instance this is; says when it is ready | at compile time |
//! | [`Tick`], [`JobContext`] | in periodic, in queued functions: about this run | at compile time |
//! | `JobTransaction` | in durable functions: commits changes with the acknowledgement (feature `sqlite`) | at compile time |
//! | [`HostLifetime`] | asks the host to stop; the environment's name | |
//!
//! Cycles and captive dependencies (a singleton, or a background service, that would hold something scoped for ever) are
//! compile errors, also through other components and other crates. What passes through `dyn`, `Ext`, `All` or a key is
//! checked when the host is built.
//!
//! # The program
//! The bare binary runs. `list` shows the services, `check` checks and starts nothing, `graph` draws, `trigger NAME` runs
//! one function now (a background service until it ends), `config show` says every value that is set and where it came
//! from, `config sample` prints a commented configuration. With the feature `durable`, `enqueue NAME` stores a job, and `jobs`, `dead`
//! and `store` look after [durable jobs](macro@queued#durable-queues) ([`storage`]). Exit codes: 0 stopped as asked; 1 a service
//! failed for good, something did not stop by its deadline, the body of `main` failed, or output could not be written;
//! 2 usage; 75 a constructor, an `on_start` hook or the store failed; 78 configuration or wiring; 130, 131 or 143 a second SIGINT,
//! SIGQUIT or SIGTERM. [`deployment`] says what systemd, containers and Kubernetes need to know.
//!
//! # Configuration
//! One tree, later wins: the options in the attributes, `hostkit.toml`, `hostkit.<environment>.toml`, environment
//! variables such as `HOSTKIT__PERIODIC__CLEANUP__EVERY` (`HOSTKIT_FILE__…` names a file that holds the value),
//! [`HostBuilder::set`], `--set`. The environment is named by `HOSTKIT_ENV` or `--env` and is `production` otherwise.
//! Files are looked for in the current directory; `--config` names another, which must exist.
//!
//! `[store]` (feature `durable`) says where durable jobs are kept: `url` \[`sqlite://hostkit.db`\] and `lease` \[60 s\]
//! ([`storage`]).
//! `[host]` has `stop_timeout` \[25 s\], of which a quarter, 5 s at most, is kept for `on_stopped` hooks and disposers;
//! `drain_delay` \[0 s\]; `stall_after` \[1 s, `"none"` for never\], how long a function may hold its thread without an await
//! before it is named in a warning (`tokio::task::block_in_place` is no await, `blocking = true` and `spawn_blocking` are what
//! does not count); and `strict` \[false\]. Unknown keys in hostkit's own sections are errors. In yours they are
//! warnings, and errors with `strict`; so are sections that nobody reads. A section of a service that is not there, such as
//! `[periodic.gone]`, is a warning always, because binaries share files. What `.set()` or `--set` says is shared with
//! nobody: an unknown section or service in it is an error. An environment variable that begins with `HOSTKIT` and is
//! none of these is a warning, and an environment without a file beside a file of nearly its name.
//!
//! # Testing
//! An annotated function stays a function, so a unit test can call it: [`Ext::new`], [`All::new`], [`Lazy::ready`],
//! [`Tick::immediate`] and the like make what it takes. What takes a `Queue<f>` or `Scopes<T>` runs in a small host:
//! [`Host::empty`] with the functions it is about and [`HostBuilder::replace`] for what it must not touch. With the feature
//! `testing` such a host runs on a paused clock, so that a month of a schedule passes in a second; a test lets time pass,
//! works queues off, makes runs fail and reads everything that happened: the module `testing` has a chapter, with an
//! example for each need.
//!
//! # Features
//! | feature | default | what it adds |
//! |---|---|---|
//! | `axum` | no | a scope for every request of an axum program, and extractors that inject (`hostkit::axum`; axum-core, tower-layer) |
//! | `cli` | yes | the command line of the generated program (clap) |
//! | `cron` | no | schedules as cron expressions in time zones, checked at compile time (jiff) |
//! | `systemd` | no | tells systemd how the program fares: readiness, what it waits for, the watchdog ([`deployment`]) |
//! | `testing` | no | the test kit: hosts on a paused clock (the module `testing`); meant for `[dev-dependencies]` |
//! | `durable` | no | [durable queues](macro@queued#durable-queues) and schedules, and the contract of their stores (`hostkit::store`), with `memory://` alone |
//! | `sqlite` | no | the same in a SQLite file, with nothing to install (SQLite is built along) |
//! | `log` | yes | the subscriber that the generated program installs unless one is set (tracing-subscriber) |
//!
//! Without default features hostkit still hosts services.
//!
//! # What it does not do yet
//! Stores in PostgreSQL and NATS JetStream, metrics and health over HTTP are to come. Options that belong to them are
//! known, and refused when the host is built, never ignored.

#![cfg_attr(
    test,
    allow(unsafe_code, reason = "the section of `registry::collect`, which only here is no macro of another crate")
)]

#[cfg(test)]
extern crate self as hostkit;

#[cfg(feature = "axum")]
pub mod axum;
#[cfg(feature = "cli")]
pub(crate) mod cli;
pub(crate) mod component;
pub(crate) mod config;
pub(crate) mod error;
pub(crate) mod function;
pub(crate) mod host;
#[cfg(feature = "log")]
pub(crate) mod log;
pub(crate) mod periodic;
pub(crate) mod program;
pub(crate) mod queue;
mod registry;
pub(crate) mod runner;
pub(crate) mod service;
pub(crate) mod stall;
#[cfg(feature = "durable")]
pub mod store;
pub(crate) mod tasks;
#[cfg(feature = "testing")]
pub mod testing;
pub(crate) mod time;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

#[doc = include_str!("docs/deployment.md")]
pub mod deployment {}

#[doc = include_str!("docs/store.md")]
pub mod storage {}

pub use component::{All, Component, Ext, InjectError, Lazy, Outcome, Pass, ReplacementFor, Scope, ScopeError, Scopes};
pub use config::Secret;
pub use futures_util::future::BoxFuture;
pub use host::{
    BuildError, Health, Host, HostBuilder, HostLifetime, RunError, RunningHost, ServiceStatus, StartError, TriggerError,
};
pub use periodic::Tick;
#[cfg(feature = "sqlite")]
pub use queue::JobTransaction;
#[cfg(feature = "durable")]
pub use queue::{Delay, Enqueue, EnqueuedAll, Verdict};
pub use queue::{EnqueueError, JobContext, Queue, QueueCounts, Receipt, TaskQueue};
pub use runner::ServiceState;
pub use service::{Instance, Ready};
#[cfg(feature = "durable")]
pub use store::JobId;
pub use tokio_util::sync::CancellationToken;

#[doc = include_str!("docs/background_service.md")]
pub use hostkit_macros::background_service;
#[doc = include_str!("docs/health_check.md")]
pub use hostkit_macros::health_check;
#[doc = include_str!("docs/link.md")]
pub use hostkit_macros::link;
#[doc = include_str!("docs/main.md")]
pub use hostkit_macros::main;
#[doc = include_str!("docs/on_start.md")]
pub use hostkit_macros::on_start;
#[doc = include_str!("docs/on_started.md")]
pub use hostkit_macros::on_started;
#[doc = include_str!("docs/on_stopped.md")]
pub use hostkit_macros::on_stopped;
#[doc = include_str!("docs/on_stopping.md")]
pub use hostkit_macros::on_stopping;
#[doc = include_str!("docs/options.md")]
pub use hostkit_macros::options;
#[doc = include_str!("docs/periodic.md")]
#[cfg_attr(feature = "durable", doc = include_str!("docs/periodic_durable.md"))]
pub use hostkit_macros::periodic;
#[doc = include_str!("docs/program.md")]
pub use hostkit_macros::program;
#[doc = include_str!("docs/queued.md")]
#[cfg_attr(feature = "durable", doc = include_str!("docs/queued_durable.md"))]
#[cfg_attr(not(feature = "durable"), doc = include_str!("docs/queued_in_process.md"))]
pub use hostkit_macros::queued;
#[doc = include_str!("docs/scoped.md")]
pub use hostkit_macros::scoped;
#[doc = include_str!("docs/singleton.md")]
pub use hostkit_macros::singleton;
#[doc = include_str!("docs/transient.md")]
pub use hostkit_macros::transient;
