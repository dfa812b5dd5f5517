//! hostkit

#[cfg(test)]
extern crate self as hostkit;

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
pub(crate) mod queue;
mod registry;
pub(crate) mod runner;
pub(crate) mod service;
pub(crate) mod tasks;
pub(crate) mod time;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use component::{All, Ext, InjectError, Lazy, Outcome, Pass, ReplacementFor, Scope, ScopeError, Scopes};
pub use config::Secret;
pub use futures_util::future::BoxFuture;
pub use host::{
    BuildError, Host, HostBuilder, HostLifetime, RunError, RunningHost, ServiceStatus, StartError, TriggerError,
};
pub use periodic::Tick;
pub use queue::{EnqueueError, JobContext, Queue, QueueCounts, TaskQueue};
pub use runner::ServiceState;
pub use service::{Instance, Ready};
pub use tokio_util::sync::CancellationToken;

#[doc = include_str!("docs/background_service.md")]
pub use hostkit_macros::background_service;
#[doc = include_str!("docs/periodic.md")]
pub use hostkit_macros::periodic;
#[doc = include_str!("docs/queued.md")]
pub use hostkit_macros::queued;
#[doc = include_str!("docs/on_start.md")]
pub use hostkit_macros::on_start;
#[doc = include_str!("docs/on_started.md")]
pub use hostkit_macros::on_started;
#[doc = include_str!("docs/on_stopping.md")]
pub use hostkit_macros::on_stopping;
#[doc = include_str!("docs/on_stopped.md")]
pub use hostkit_macros::on_stopped;
#[doc = include_str!("docs/singleton.md")]
pub use hostkit_macros::singleton;
#[doc = include_str!("docs/scoped.md")]
pub use hostkit_macros::scoped;
#[doc = include_str!("docs/transient.md")]
pub use hostkit_macros::transient;
#[doc = include_str!("docs/options.md")]
pub use hostkit_macros::options;
#[doc = include_str!("docs/health_check.md")]
pub use hostkit_macros::health_check;
#[doc = include_str!("docs/main.md")]
pub use hostkit_macros::main;
#[doc = include_str!("docs/program.md")]
pub use hostkit_macros::program;
#[doc = include_str!("docs/link.md")]
pub use hostkit_macros::link;
