//! The sending end of a queue in the process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::coop;

use super::items::Items;
use super::line::Line;
use super::options::Full;
use super::tap::{Offered, Tap};
use super::{EnqueueError, Receipt};

/// A bounded channel to the workers of one queue. Cloning it clones references.
pub struct Channel<P> {
    sender: Sender<P>,
    /// Not held: once the host is gone, so is the receiver, and the queue is closed.
    items: Weak<Items<P>>,
    full: Full,
    /// Payloads that were accepted or offered and had to make way.
    dropped: Arc<AtomicU64>,
    /// Who looks on.
    tap: Tap<P>,
}

impl<P: Send + 'static> Line<P> for Channel<P> {
    type Receipt = Receipt;

    #[inline]
    async fn enqueue(&self, payload: P) -> Result<Receipt, EnqueueError<P>> {
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

    fn describe(&self, debug: &mut std::fmt::DebugStruct<'_, '_>) {
        debug.field("len", &self.len()).field("capacity", &self.capacity());
    }

    #[cfg(feature = "testing")]
    fn seen(&self) -> Option<Vec<P>> {
        self.tap.seen()
    }

    #[cfg(feature = "testing")]
    fn hold(&self) {
        self.items.upgrade().inspect(|items| items.hold());
    }

    #[cfg(feature = "testing")]
    fn release(&self) {
        self.items.upgrade().inspect(|items| items.release());
    }

    #[cfg(feature = "testing")]
    fn is_held(&self) -> bool {
        self.items.upgrade().is_some_and(|items| items.is_held())
    }

    #[cfg(feature = "testing")]
    fn take(&self) -> Vec<P> {
        let items = self.items.upgrade();
        items.into_iter().flat_map(|items| std::iter::from_fn(move || items.take_held())).collect()
    }
}

impl<P> Channel<P> {
    pub(super) fn new(
        sender: Sender<P>,
        items: Weak<Items<P>>,
        full: Full,
        dropped: Arc<AtomicU64>,
        tap: Tap<P>,
    ) -> Self {
        Self { sender, items, full, dropped, tap }
    }

    #[inline]
    fn accepted(&self, offered: Offered<P>) -> Receipt {
        self.tap.accepted(offered);
        Receipt::ACCEPTED
    }

    /// What is done about a payload that finds no place and does not wait.
    #[cold]
    fn make_way(&self, full: Full, payload: P) -> Result<Receipt, EnqueueError<P>> {
        match full {
            Full::DropOldest => self.drop_oldest(payload),
            Full::DropNewest => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                Ok(Receipt::DROPPED)
            }
            Full::Wait | Full::Reject => Err(EnqueueError::full(payload)),
        }
    }

    fn drop_oldest(&self, mut payload: P) -> Result<Receipt, EnqueueError<P>> {
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

    #[inline]
    pub(super) fn try_enqueue(&self, payload: P) -> Result<Receipt, EnqueueError<P>> {
        let offered = self.tap.offer(&payload);
        match self.sender.try_send(payload) {
            Ok(()) => Ok(self.accepted(offered)),
            Err(TrySendError::Full(payload)) => Err(EnqueueError::full(payload)),
            Err(TrySendError::Closed(payload)) => Err(EnqueueError::closed(payload)),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.sender.max_capacity() - self.sender.capacity()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    pub(super) fn capacity(&self) -> usize {
        self.sender.max_capacity()
    }
}

impl<P> Clone for Channel<P> {
    fn clone(&self) -> Self {
        Self::new(self.sender.clone(), Weak::clone(&self.items), self.full, Arc::clone(&self.dropped), self.tap.clone())
    }
}

impl<P> std::fmt::Debug for Channel<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel").field("len", &self.len()).finish_non_exhaustive()
    }
}
