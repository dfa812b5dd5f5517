//! What a test does with the queues of its host.

use std::panic::Location;
use std::pin::pin;
use std::time::Duration;

use super::{EventKind, RunEnd, TestHost};
use crate::function::{Queued, ReceiptOf};
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
            let counts = || self.host().counts_of::<F>().unwrap_or_default();
            let (before, seen) = (counts(), self.journal.events(Some(name)).len());
            let was_held = queue.is_held();
            queue.release();
            let deadline = now() + LONGEST;
            let after = loop {
                // Listens before it looks, so that no change falls between.
                let mut run_ended = pin!(self.journal.run_ended());
                run_ended.as_mut().enable();
                let counts = counts();
                if counts.waiting == 0 && counts.running == 0 {
                    break counts;
                }
                let QueueCounts { waiting, running, .. } = counts;
                assert!(
                    tokio::time::timeout_at(deadline, run_ended).await.is_ok(),
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
