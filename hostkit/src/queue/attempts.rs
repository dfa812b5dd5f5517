//! The worker of a queue whose items are tried more than once.
//!
//! It is apart from the plain one, whose items cost less than what is done here for each.

use std::pin::pin;
use std::sync::{Arc, PoisonError};

use tokio::task::coop;
use tokio::time::sleep_until;
use tracing::Instrument;

use super::counts::Ending;
use super::leftover::discard;
use super::retry::{Due, Tried};
use super::work::{Crew, Item};
use crate::component::{self, Limits, RunFailure};
use crate::function::{CopyOf, Payload, Work};
use crate::time::{now, show_rounded};

impl<W: Work> Crew<W> {
    /// Works items off until the queue is closed and empty, and nothing waits to be tried again.
    pub(super) async fn work_with_attempts(self: Arc<Self>, worker: usize, copy: CopyOf<Payload<W>>) {
        let tally = &self.tallies[worker];
        while let Some(item) = self.next().await {
            if self.is_leaving() {
                self.leave(item.payload);
                continue;
            }
            tally.begin();
            let ending = self.attempt(worker, item, copy).await;
            tally.end_with(ending);
            coop::consume_budget().await;
        }
    }

    /// The next item to try: one that is due again, or a new one.
    async fn next(&self) -> Option<Tried<Payload<W>>> {
        loop {
            #[cfg(feature = "testing")]
            self.items.until_released().await;
            // Listens before it looks, so that no change falls between.
            let mut changed = pin!(self.retries.changed());
            changed.as_mut().enable();
            let due = match self.retries.due(now()) {
                Due::Now(item) => {
                    self.retries.pass_on();
                    return Some(item);
                }
                Due::At(due) => Some(due),
                Due::Never => None,
            };
            if self.retries.are_over() && self.items.is_closed() {
                let last = self.items.next().await;
                return last.map(|payload| Tried { payload, attempt: 1 });
            }
            let has_room = self.retries.len() < self.options.capacity;
            // Nothing is lost by any arm: the channel hands out an item only when it is waited for to the end.
            let received = tokio::select! {
                biased;
                () = sleep_until(due.unwrap_or_else(now)), if due.is_some() => None,
                () = changed => None,
                payload = self.new_item(), if has_room => Some(payload),
            };
            if let Some(payload) = received {
                self.retries.pass_on();
                return Some(Tried { payload, attempt: 1 });
            }
        }
    }

    /// An item from the channel. None comes from one that is closed and empty: what is left to do is to try again.
    async fn new_item(&self) -> Payload<W> {
        match self.items.next().await {
            Some(payload) => payload,
            None => std::future::pending().await,
        }
    }

    async fn attempt(&self, worker: usize, item: Tried<Payload<W>>, copy: CopyOf<Payload<W>>) -> Ending {
        let Tried { payload, attempt } = item;
        let is_last = attempt >= self.options.attempts;
        if !is_last || self.left.are_taken() {
            match component::catch(|| copy(&payload)) {
                Ok(copied) => *self.copy_of(worker) = Some(copied),
                Err(caught) => {
                    self.failed(RunFailure::Panicked(caught));
                    return Ending::Failed;
                }
            }
        }
        let (service, run) = (self.conduct.name, self.number());
        let span = tracing::info_span!(target: "hostkit::queue", "job", service, run, attempt);
        let limits = Limits { of: service, timeout: self.options.timeout, drop_on: None };
        let context = self.context(Some(run), attempt);
        let result = self.run(context, Item::<W> { payload }, limits).instrument(span).await;
        let copied = self.copy_of(worker).take();
        match (result, copied) {
            (Ok(()), copied) => {
                discard(copied, service);
                Ending::Done
            }
            (Err(failure), Some(payload)) if !is_last => {
                self.try_again(run, Tried { payload, attempt: attempt + 1 }, &failure)
            }
            (Err(failure), copied) => {
                discard(copied, service);
                self.failed(failure);
                Ending::Failed
            }
        }
    }

    /// Keeps an item that failed until it is tried again, or leaves it if the queue has no time for that any more.
    fn try_again(&self, run: u64, item: Tried<Payload<W>>, failure: &RunFailure) -> Ending {
        let (service, attempts) = (self.conduct.name, self.options.attempts);
        let attempt = item.attempt - 1;
        let wait = self.options.backoff.delay(attempt - 1);
        match self.retries.keep(item, now() + wait) {
            Ok(()) => {
                self.conduct.probe.retried(service, wait);
                let wait = show_rounded(wait);
                tracing::warn!(target: "hostkit::queue", service, run, attempt, attempts, error = %failure, %wait, "item failed; it is tried again");
                Ending::Retried
            }
            Err(item) => {
                tracing::warn!(target: "hostkit::queue", service, run, attempt, attempts, error = %failure, "item failed while stopping; it is left");
                self.leave(item.payload);
                Ending::Left
            }
        }
    }

    /// The copies of items under way whose workers were dropped.
    pub(super) fn leave_copies(&self) {
        for worker in 0..self.tallies.len() {
            if let Some(copied) = self.copy_of(worker).take() {
                self.left.keep(copied, self.conduct.name);
            }
        }
    }

    fn copy_of(&self, worker: usize) -> std::sync::MutexGuard<'_, Option<Payload<W>>> {
        self.copies[worker].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
