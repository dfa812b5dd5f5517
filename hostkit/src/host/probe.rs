//! Whether a runtime comes round to tasks: one question a second, however many hosts it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::tasks::spawn_on;

/// What the side thread knows of one runtime.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) runtime: Handle,
    answered: Arc<AtomicBool>,
    /// Since it was asked, or since it has answered.
    silent: Duration,
}

impl Probe {
    pub(super) fn new(runtime: Handle) -> Self {
        Self { runtime, answered: Arc::new(AtomicBool::new(true)), silent: Duration::ZERO }
    }

    /// Counts the time that has passed if the answer is overdue, and says how much that is.
    pub(super) fn count(&mut self, passed: Duration) -> Duration {
        let is_answered = self.answered.load(Ordering::Acquire);
        self.silent = if is_answered { Duration::ZERO } else { self.silent + passed };
        self.silent
    }

    /// Asks anew, unless the former answer is overdue.
    pub(super) fn ask(&self) {
        if self.answered.swap(false, Ordering::AcqRel) {
            let answered = Arc::clone(&self.answered);
            // A runtime that is shutting down polls it no more, and is as silent as one that is stuck.
            drop(spawn_on(&self.runtime, async move { answered.store(true, Ordering::Release) }));
        }
    }
}
