//! The store of a host's durable jobs: opened first of all, closed last.

use std::sync::Arc;

use super::error::StartCause;
use super::pulse::Kept;
use super::running::Running;
use crate::queue::dispatch;
use crate::store::{Durability, StoreClock, open_with_clock};

impl Running {
    /// Opens the store, if any function of the host is durable, also where another process runs it.
    pub(super) async fn open_store(&self) -> Result<(), StartCause> {
        if !self.jobs.are_used() {
            return Ok(());
        }
        let store = open_with_clock(&self.store.url, StoreClock::of_host(self.clock.clone())).await.map_err(|error| {
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
