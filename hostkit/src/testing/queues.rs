//! What a test does with the queues of its host.

use std::panic::Location;
use std::pin::pin;
use std::time::Duration;

use super::{EventKind, RunEnd, TestHost};
#[cfg(feature = "durable")]
use crate::function::Handle;
use crate::function::{Queued, ReceiptOf};
#[cfg(feature = "durable")]
use crate::store::JobView;
use crate::time::{now, show_duration};
use crate::{EnqueueError, Queue, QueueCounts, TriggerError};

/// How much of the host's time a queue may take to be worked off.
const LONGEST: Duration = Duration::from_hours(24);

/// What came of working off a queue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Drained {
    /// Items that ended well.
    pub done: u64,
    /// Items that failed for good.
    pub failed: u64,
    /// Attempts that failed and were followed by another.
    pub retried: u64,
    /// The error of every attempt that failed, in order.
    pub errors: Vec<String>,
}

/// What a test does with queues.
impl TestHost {
    /// The handle of a queued function.
    ///
    /// # Panics
    /// When the host does not have the function.
    #[track_caller]
    pub fn queue<F: Queued>(&self) -> Queue<F> {
        let name = self.name_of::<F>();
        match self.queue_of::<F>() {
            Some(queue) => queue,
            None => panic!("`{name}` has no queue in this host"),
        }
    }

    /// Puts a payload into the queue of a function: [`Queue::enqueue`].
    ///
    /// # Errors
    /// As [`Queue::enqueue`].
    ///
    /// # Panics
    /// When the host does not have the function.
    #[track_caller]
    pub fn enqueue<F: Queued>(
        &self,
        payload: F::Payload,
    ) -> impl Future<Output = Result<ReceiptOf<F>, EnqueueError<F::Payload>>> + use<F> {
        let queue = self.queue::<F>();
        async move { queue.enqueue(payload).await }
    }

    /// Works on one item now, in a scope of its own, that never was in the function's queue: tried once, and not counted in
    /// [`QueueCounts`].
    ///
    /// # Errors
    /// Fails when the host does not have the function, and when the run fails.
    pub async fn run_item<F: Queued>(&self, payload: F::Payload) -> Result<(), TriggerError> {
        self.host().run_item::<F>(payload).await
    }

    /// Every payload that the queue of a function has accepted, in order, whether it waits or was worked off.
    ///
    /// Payloads that cannot be cloned are [taken](Self::take) instead.
    ///
    /// # Panics
    /// When the host does not have the function.
    #[track_caller]
    pub fn enqueued<F: Queued<Payload: Clone>>(&self) -> Vec<F::Payload> {
        self.queue::<F>().seen().expect("the payload can be cloned, and this host is looked upon")
    }

    /// Keeps the queue of a function from being worked off until it is [released](Self::release) or
    /// [drained](Self::drain). It goes on accepting; items under way go on.
    ///
    /// # Panics
    /// When the host does not have the function.
    #[track_caller]
    pub fn hold<F: Queued>(&self) {
        self.queue::<F>().hold();
    }

    /// Ends a [`hold`](Self::hold).
    ///
    /// # Panics
    /// When the host does not have the function.
    #[track_caller]
    pub fn release<F: Queued>(&self) {
        self.queue::<F>().release();
    }

    /// Takes what waits out of the queue of a function, in order, so that nothing works on it. Items that wait to be tried
    /// again stay. Mostly for queues that are [held](Self::hold).
    ///
    /// # Panics
    /// When the host does not have the function.
    #[track_caller]
    pub fn take<F: Queued>(&self) -> Vec<F::Payload> {
        self.queue::<F>().take()
    }

    /// The jobs of a durable function and what became of them, in the order in which they were enqueued: done ones and dead letters
    /// as well, for as long as the function keeps them. Of a durable schedule they are its instants; of what is not durable there
    /// are none.
    ///
    /// # Panics
    /// When the host does not have the function.
    #[cfg(feature = "durable")]
    #[track_caller]
    pub fn jobs<F: Handle>(&self) -> impl Future<Output = Vec<JobView>> + '_ {
        self.name_of::<F>();
        self.outside(self.host().jobs_of::<F>())
    }

    /// How the queue of a function fares at this moment.
    async fn counts_now<F: Queued>(&self) -> QueueCounts {
        // Asked first: what it knows of an outcome the host knows as well.
        #[cfg(feature = "durable")]
        let stored = self.outside(self.host().stored_of::<F>()).await;
        let counts = self.host().counts_of::<F>().unwrap_or_default();
        #[cfg(feature = "durable")]
        if let Some((waiting, running)) = stored {
            return QueueCounts { waiting, running: running.max(counts.running), ..counts };
        }
        counts
    }

    /// Works off the queue of a function until nothing waits and nothing is under way, items included that come meanwhile
    /// or are tried again; time passes for their backoff. A queue that was held is held again afterwards.
    ///
    /// # Panics
    /// When the host does not have the function, and when the queue is not worked off within 24 h of the host's time.
    ///
    /// # Cancel safety
    /// Cancelling leaves the queue released.
    #[track_caller]
    pub fn drain<F: Queued>(&self) -> impl Future<Output = Drained> + '_ {
        let (queue, place) = (self.queue::<F>(), Location::caller());
        let name = self.name_of::<F>();
        async move {
            let before = self.host().counts_of::<F>().unwrap_or_default();
            let seen = self.journal.events(Some(name)).len();
            let mut stored = Stored::of(self);
            let was_held = queue.is_held();
            queue.release();
            let deadline = now() + LONGEST;
            let after = loop {
                // Listens before it looks, so that no change falls between.
                let mut run_ended = pin!(self.journal.run_ended());
                run_ended.as_mut().enable();
                stored.look();
                let counts = self.counts_now::<F>().await;
                if counts.waiting == 0 && counts.running == 0 {
                    break counts;
                }
                let QueueCounts { waiting, running, .. } = counts;
                let changed = async {
                    // What is lost is nothing: whoever is told looks at everything.
                    tokio::select! {
                        () = run_ended => {}
                        () = stored.changed() => {}
                    }
                };
                assert!(
                    tokio::time::timeout_at(deadline, changed).await.is_ok(),
                    "`{name}` is not worked off within {}: {waiting} waiting and {running} under way\n  \
                     in the test at {place}",
                    show_duration(LONGEST)
                );
            };
            if was_held {
                queue.hold();
            }
            let errors = self.journal.events(Some(name)).into_iter().skip(seen).filter_map(|event| match event.kind {
                EventKind::RunEnded { end: RunEnd::Failed(error), .. } => Some(error),
                _ => None,
            });
            Drained {
                done: after.done - before.done,
                failed: after.failed - before.failed,
                retried: after.retried - before.retried,
                errors: errors.collect(),
            }
        }
    }
}

/// What is told when something has become of stored jobs; nothing where none are stored.
struct Stored {
    #[cfg(feature = "durable")]
    changes: Option<tokio::sync::watch::Receiver<u64>>,
}

#[cfg(feature = "durable")]
impl Stored {
    fn of(host: &TestHost) -> Self {
        Self { changes: host.host().store_changes() }
    }

    /// Changes up to now are seen.
    fn look(&mut self) {
        if let Some(changes) = &mut self.changes {
            changes.borrow_and_update();
        }
    }

    async fn changed(&mut self) {
        if let Some(changes) = &mut self.changes
            && changes.changed().await.is_ok()
        {
            return;
        }
        // Nothing is stored, or the store is gone.
        std::future::pending::<()>().await;
    }
}

#[cfg(not(feature = "durable"))]
#[allow(clippy::unused_self, reason = "somebody stores something, with the feature")]
impl Stored {
    fn of(_host: &TestHost) -> Self {
        Self {}
    }

    fn look(&mut self) {}

    async fn changed(&mut self) {
        std::future::pending::<()>().await;
    }
}
