//! `trigger` and `enqueue`: one function instead of the whole program.

use super::names;
#[cfg(feature = "durable")]
use super::stdout;
use crate::host::{Host, HostBuilder, Target, same_name};
use crate::program::Failure;

/// What is wished of one job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "durable"), allow(dead_code, reason = "there are no durable queues"))]
pub(super) struct Wishes {
    pub(super) delay: Option<String>,
    pub(super) key: Option<String>,
    pub(super) priority: Option<i8>,
}

/// Runs one function here and now, with the components and hooks it relies on.
pub(super) async fn trigger(mut builder: HostBuilder, name: &str, json: Option<String>) -> Result<(), Failure> {
    let names = builder.registered().names();
    let host = builder.build().await?;
    match (host.target(name), json) {
        (Some(Target::Queue(function)), Some(json)) if host.takes_json(function) => {
            Ok(host.trigger(function, Some(json)).await?)
        }
        (Some(Target::Queue(function)), None) if host.takes_json(function) => {
            Err(Failure::usage(format!("`{name}` works on a payload: give one with --json '…'")))
        }
        (Some(Target::Queue(_)), _) => Err(Failure::usage(format!(
            "`{name}` works off a queue and has no item to work on here: trigger the service that enqueues"
        ))),
        (Some(Target::Function(_)), Some(_)) => {
            Err(Failure::usage(format!("`{name}` takes no payload: leave --json out")))
        }
        (Some(Target::Function(which)), None) => Ok(host.trigger(which, None).await?),
        (None, _) => Err(absent(name, &names)),
    }
}

/// Puts a job into the store, and prints its name.
#[cfg_attr(not(feature = "durable"), allow(unused_variables, reason = "there are no durable queues"))]
pub(super) async fn enqueue(mut builder: HostBuilder, name: &str, json: String, wishes: Wishes) -> Result<(), Failure> {
    let registered = builder.registered();
    let names = registered.names();
    let services = registered.services();
    let Some((_, entry)) = services.iter().find(|(known, _)| same_name(known, name)) else {
        return Err(names::unknown(name, &names));
    };
    if entry.kind.attribute() != "queued" {
        return Err(Failure::usage(format!("`{name}` is {} and has no queue", entry.kind.attribute())));
    }
    let host = builder.build().await?;
    match host.target(name) {
        None => Err(absent(name, &names)),
        #[cfg(feature = "durable")]
        Some(Target::Queue(function)) if host.takes_json(function) => {
            let id = host.enqueue(function, json, options(wishes)).await?;
            stdout::print(&format!("{id}\n"))
        }
        Some(_) => Err(not_durable(&host, name)),
    }
}

#[cfg(feature = "durable")]
fn options(Wishes { delay, key, priority }: Wishes) -> crate::Enqueue {
    let mut options = crate::Enqueue::new();
    if let Some(delay) = delay {
        options = options.delay(&*delay);
    }
    if let Some(key) = key {
        options = options.key(key);
    }
    match priority {
        Some(priority) => options.priority(priority),
        None => options,
    }
}

fn not_durable(_host: &Host, name: &str) -> Failure {
    Failure::usage(format!(
        "`{name}` keeps its items in the memory of the running program, where another process cannot put any; \
         `#[hostkit::queued(durable)]` keeps them in a store"
    ))
}

/// Nothing of this name is part of the host.
fn absent(name: &str, names: &[&'static str]) -> Failure {
    if names.iter().any(|known| same_name(known, name)) {
        return Failure::usage(format!(
            "`{name}` is not part of this host: `enabled = false`, --only or --except leaves it out"
        ));
    }
    names::unknown(name, names)
}
