//! The store of a host's durable jobs: opened first of all, closed last.

use std::sync::Arc;

#[cfg(feature = "cli")]
use super::Host;
use super::error::StartCause;
use super::pulse::Kept;
use super::running::Running;
#[cfg(feature = "cli")]
use super::trigger::Function;
#[cfg(feature = "cli")]
use crate::program::Failure;
use crate::queue::dispatch;
use crate::store::{Durability, StoreClock, open_with_clock};

impl Running {
    /// Opens the store, if any function of the host is durable, also where another process runs it.
    pub(super) async fn open_store(&self) -> Result<(), StartCause> {
        if !self.jobs.are_used() {
            return Ok(());
        }
        let store =
            open_with_clock(&self.store.url, StoreClock::of_host(self.clock.clone())).await.map_err(|error| {
                let causes = crate::error::WithCauses(&error);
                tracing::error!(target: "hostkit::host", error = %causes, "the host does not start");
                StartCause::Store(error)
            })?;
        let survives = match store.durability() {
            Durability::Process => "nothing: it is gone with the process",
            Durability::Machine => "the end of the process",
            Durability::Disk => "a power cut",
            Durability::Replicated => "the loss of a machine",
        };
        tracing::info!(target: "hostkit::store", url = %self.store.url, survives, "store opened");
        self.jobs.open(store);
        let _ = self.watched.jobs.set(Arc::clone(&self.jobs));
        let work = dispatch(Arc::clone(&self.jobs), self.tasks.clone());
        self.watched.keep(Kept::start("dispatcher of durable jobs", self.watched.own_mark(), work));
        Ok(())
    }
}

#[cfg(feature = "cli")]
impl Host {
    /// Stores a job, without starting anything.
    ///
    /// # Errors
    /// Fails when the store cannot be opened, the payload cannot be read, or the job is refused.
    pub(crate) async fn enqueue(
        self,
        function: Function,
        json: String,
        options: crate::Enqueue,
    ) -> Result<crate::store::JobId, Failure> {
        let Function::Service(place) = function else {
            return Err(Failure::usage("a hook has no queue"));
        };
        let store = crate::store::open(&self.store.url).await.map_err(|error| Failure {
            report: format!("the store cannot be opened: {}", crate::error::WithCauses(&error)),
            code: if error.is_configuration() { 78 } else { 75 },
        })?;
        self.jobs.open(store);
        let enqueued = match self.services[place].runner.enqueue_json(json, options) {
            Some(enqueueing) => enqueueing.await,
            None => Err("it has no durable queue".to_owned()),
        };
        self.jobs.end().await;
        let name = self.services[place].name;
        enqueued.map_err(|error| Failure::other(format!("`{name}`: not enqueued: {error}")))
    }
}
