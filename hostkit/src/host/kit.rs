//! What the test kit asks of a running host beyond what users may (feature `testing`).

use std::any::{Any, TypeId};
use std::sync::Arc;

#[cfg(feature = "durable")]
use tokio::sync::watch;

use super::Host;
use super::running::{RunningHost, TriggerError};
use crate::function::{Handle, Queued};
use crate::queue::QueueCounts;
#[cfg(feature = "durable")]
use crate::store::{Filter, JobView, State};

impl Host {
    /// What a function is called in this host; none if the host leaves it out.
    pub(crate) fn name_of(&self, handle: TypeId) -> Option<&'static str> {
        let plans = self.services.iter().chain(self.hooks.iter().map(|hook| &hook.service));
        plans.into_iter().find(|plan| (plan.entry.handle)() == handle).map(|plan| plan.name)
    }
}

impl RunningHost {
    /// What a function is called in this host; none if the host does not have it.
    pub(crate) fn name_of<F: Handle>(&self) -> Option<&'static str> {
        let handle = TypeId::of::<F>();
        let hooks = self.running.hooks.iter().map(|hook| &hook.service);
        let mut plans = self.running.services.iter().map(|service| &service.plan).chain(hooks);
        plans.find(|plan| (plan.entry.handle)() == handle).map(|plan| plan.name)
    }

    /// What its functions are called.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let hooks = self.running.hooks.iter().map(|hook| &hook.service);
        self.running.services.iter().map(|service| &service.plan).chain(hooks).map(|plan| plan.name).collect()
    }

    /// How the queue of a function fares.
    pub(crate) fn counts_of<F: Queued>(&self) -> Option<QueueCounts> {
        self.running.find(TypeId::of::<F>())?.plan.runner.counts()
    }

    /// Whether its jobs are in a store, and how those of a function fare there that have no outcome: so many wait and so many run.
    #[cfg(feature = "durable")]
    pub(crate) async fn stored_of<F: Queued>(&self) -> Option<(u64, u64)> {
        let plan = &self.running.find(TypeId::of::<F>())?.plan;
        let store = self.running.jobs.opened().filter(|_| plan.runner.is_stored())?;
        let counts = store.counts().await.ok()?;
        let of = |state| counts.iter().find(|counts| *counts.kind == *plan.name).map_or(0, |counts| counts.of(state));
        Some((of(State::Waiting), of(State::Running)))
    }

    /// Told whenever something has become of a job.
    #[cfg(feature = "durable")]
    pub(crate) fn store_changes(&self) -> Option<watch::Receiver<u64>> {
        Some(self.running.jobs.opened()?.changes())
    }

    /// The jobs of a function, in the order in which they were enqueued.
    #[cfg(feature = "durable")]
    pub(crate) async fn jobs_of<F: Handle>(&self) -> Vec<JobView> {
        let Some(name) = self.name_of::<F>() else { return Vec::new() };
        self.running.jobs.list(Filter { kind: Some(name.into()), state: None }).await
    }

    /// Works on one item that never was in the function's queue.
    pub(crate) async fn run_item<F: Queued>(&self, payload: F::Payload) -> Result<(), TriggerError> {
        let unknown = || TriggerError::unknown(F::ENTRY.name);
        let service = self.running.find(TypeId::of::<F>()).ok_or_else(unknown)?;
        let payload: Box<dyn Any + Send> = Box::new(payload);
        let runner = Arc::clone(&service.plan.runner);
        let run = runner.run_item(service.conduct(&self.running), payload).ok_or_else(unknown)?;
        service.mark.around(run).await.map_err(|failure| TriggerError::failed(service.plan.name, failure))
    }
}
