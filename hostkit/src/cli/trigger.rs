//! `trigger` and `enqueue`: one function instead of the whole program.

use super::names;
use crate::host::{HostBuilder, Target};
use crate::program::Failure;

/// Runs one function here and now, with the components and hooks it relies on.
pub(super) async fn trigger(mut builder: HostBuilder, name: &str) -> Result<(), Failure> {
    let names = builder.registered().names();
    let host = builder.build().await?;
    match host.target(name) {
        Some(Target::Queue) => Err(Failure::usage(format!(
            "`{name}` works off a queue and has no item to work on here: trigger the service that enqueues"
        ))),
        Some(Target::Function(which)) => Ok(host.trigger(which).await?),
        None if names.iter().any(|known| crate::host::same_name(known, name)) => Err(Failure::usage(format!(
            "`{name}` is not part of this host: `enabled = false`, --only or --except leaves it out"
        ))),
        None => Err(names::unknown(name, &names)),
    }
}

/// Says why nothing can be enqueued from outside.
pub(super) fn enqueue(builder: &HostBuilder, name: &str) -> Failure {
    let registered = builder.registered();
    let services = registered.services();
    match services.iter().find(|(known, _)| crate::host::same_name(known, name)) {
        None => names::unknown(name, &registered.names()),
        Some((_, entry)) if entry.kind.attribute() == "queued" => Failure::usage(format!(
            "`{name}` keeps its items in the memory of the running program, where another process cannot put any; \
             durable queues are not built yet"
        )),
        Some((_, entry)) => Failure::usage(format!("`{name}` is {} and has no queue", entry.kind.attribute())),
    }
}
