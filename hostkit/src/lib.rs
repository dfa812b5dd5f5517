//! hostkit

#[cfg(test)]
extern crate self as hostkit;

pub(crate) mod component;
pub(crate) mod config;
pub(crate) mod error;
pub(crate) mod function;
pub(crate) mod host;
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

pub use component::{All, Component, Ext, InjectError, Lazy, Outcome, Pass, Scope, ScopeError, Scopes};
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

pub use hostkit_macros::{
    background_service, health_check, link, main, on_start, on_started, on_stopped, on_stopping, options, periodic,
    program, queued, scoped, singleton, transient,
};
