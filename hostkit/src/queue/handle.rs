//! What user code enqueues with.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::coop;

use super::items::Items;
use super::options::Full;
use super::tap::{Offered, Tap};
use super::{EnqueueError, Receipt};
use crate::component::{fitting, short_type_name};
use crate::function::Queued;

/// The queue of the function `F`. Cloning it clones a reference.
///
/// It is asked for as a parameter, and it may leave the host's own code: put it into an axum state, hand it to another
/// thread, keep it for as long as you like. Once the host has stopped it accepts nothing any more.
///
/// Payloads come out in the order in which they were accepted; with `concurrency = 1` they are also worked off in that
/// order.
pub struct Queue<F: Queued> {
    sender: Sender<F::Payload>,
    /// Not held: once the host is gone, so is the receiver, and the queue is closed.
    items: Weak<Items<F::Payload>>,
    full: Full,
    /// Payloads that were accepted or offered and had to make way.
    dropped: Arc<AtomicU64>,
    /// Who looks on.
    tap: Tap<F::Payload>,
}

fitting!([F: Queued] Queue<F>, missing::<F>);

fn missing<F: Queued>() -> String {
    let name = short_type_name(std::any::type_name::<F>());
    format!("`Queue<{name}>`, but `{name}` does not run in this host")
}

impl<F: Queued> Queue<F> {
    pub(super) fn new(
        sender: Sender<F::Payload>,
        items: Weak<Items<F::Payload>>,
        full: Full,
        dropped: Arc<AtomicU64>,
        tap: Tap<F::Payload>,
    ) -> Self {
        Self { sender, items, full, dropped, tap }
    }

    /// Puts a payload into the queue.
    ///
    /// When the queue is full, the function's option `full` decides:
    ///
    /// | `full` | what happens |
    /// |---|---|
    /// | `"wait"` | this waits for a free place |
    /// | `"reject"` | this fails and gives the payload back |
    /// | `"drop-oldest"` | the payload takes the place of the one that has waited longest, which is dropped |
    /// | `"drop-newest"` | the payload is dropped, and the [`Receipt`] says so |
    ///
    /// What is dropped is counted in [`QueueCounts::dropped`](crate::QueueCounts::dropped). Payloads may be enqueued
    /// before the host has started: they wait.
    ///
    /// # Errors
    /// Fails when the queue is closed, because the host stops or is gone, and with `"reject"` when it is full; the
    /// payload is in the error.
    ///
    /// # Cancel safety
    /// Dropping the future before it is done drops the payload and leaves nothing in the queue.
    #[inline]
    pub async fn enqueue(&self, payload: F::Payload) -> Result<Receipt, EnqueueError<F::Payload>> {
        // Trying does not ask for it, and whoever enqueues in a loop must not starve the others.
        coop::consume_budget().await;
        let offered = self.tap.offer(&payload);
        match self.sender.try_send(payload) {
            Ok(()) => Ok(self.accepted(offered)),
            Err(TrySendError::Closed(payload)) => Err(EnqueueError::closed(payload)),
            Err(TrySendError::Full(payload)) => match self.full {
                Full::Wait => match self.sender.send(payload).await {
                    Ok(()) => Ok(self.accepted(offered)),
                    Err(refused) => Err(EnqueueError::closed(refused.0)),
                },
                full => self.make_way(full, payload),
            },
        }
    }

    #[inline]
    fn accepted(&self, offered: Offered<F::Payload>) -> Receipt {
        self.tap.accepted(offered);
        Receipt::ACCEPTED
    }

    /// What is done about a payload that finds no place and does not wait.
    #[cold]
    fn make_way(&self, full: Full, payload: F::Payload) -> Result<Receipt, EnqueueError<F::Payload>> {
        match full {
            Full::DropOldest => self.drop_oldest(payload),
            Full::DropNewest => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                Ok(Receipt::DROPPED)
            }
            Full::Wait | Full::Reject => Err(EnqueueError::full(payload)),
        }
    }

    fn drop_oldest(&self, mut payload: F::Payload) -> Result<Receipt, EnqueueError<F::Payload>> {
        let offered = self.tap.offer(&payload);
        loop {
            // Whoever else enqueues may take the place that has become free.
            payload = match self.sender.try_send(payload) {
                Ok(()) => return Ok(self.accepted(offered)),
                Err(TrySendError::Closed(payload)) => return Err(EnqueueError::closed(payload)),
                Err(TrySendError::Full(payload)) => payload,
            };
            if self.items.upgrade().and_then(|items| items.take()).is_some() {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Puts a payload into the queue if a place is free, and drops nothing, whatever the option `full` says.
    ///
    /// # Errors
    /// Fails when the queue is full or closed; the payload is in the error.
    #[inline]
    pub fn try_enqueue(&self, payload: F::Payload) -> Result<Receipt, EnqueueError<F::Payload>> {
        let offered = self.tap.offer(&payload);
        match self.sender.try_send(payload) {
            Ok(()) => Ok(self.accepted(offered)),
            Err(TrySendError::Full(payload)) => Err(EnqueueError::full(payload)),
            Err(TrySendError::Closed(payload)) => Err(EnqueueError::closed(payload)),
        }
    }

    /// How many payloads wait. Those that are being worked on do not count.
    pub fn len(&self) -> usize {
        self.sender.max_capacity() - self.sender.capacity()
    }

    /// Whether no payload waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it accepts nothing any more.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// How many payloads may wait: the option `capacity`, 100 unless set.
    pub fn capacity(&self) -> usize {
        self.sender.max_capacity()
    }
}

/// For the test kit.
#[cfg(feature = "testing")]
impl<F: Queued> Queue<F> {
    /// Copies of what was accepted so far, in order; none if payloads cannot be copied.
    pub(crate) fn seen(&self) -> Option<Vec<F::Payload>> {
        self.tap.seen()
    }

    /// Keeps workers from taking anything until it is [released](Self::release) or closed.
    pub(crate) fn hold(&self) {
        self.items.upgrade().inspect(|items| items.hold());
    }

    pub(crate) fn release(&self) {
        self.items.upgrade().inspect(|items| items.release());
    }

    pub(crate) fn is_held(&self) -> bool {
        self.items.upgrade().is_some_and(|items| items.is_held())
    }

    /// Takes what waits out of the queue, held or not.
    pub(crate) fn take(&self) -> Vec<F::Payload> {
        let items = self.items.upgrade();
        items.into_iter().flat_map(|items| std::iter::from_fn(move || items.take_held())).collect()
    }
}

impl<F: Queued> Clone for Queue<F> {
    fn clone(&self) -> Self {
        Self::new(self.sender.clone(), Weak::clone(&self.items), self.full, Arc::clone(&self.dropped), self.tap.clone())
    }
}

impl<F: Queued> fmt::Debug for Queue<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("function", &F::ENTRY.name)
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish()
    }
}
