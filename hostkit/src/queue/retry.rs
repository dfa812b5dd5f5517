//! Items that failed and are tried again: they wait here, outside the channel, and hold no worker.
//!
//! # Invariants
//!
//! 1. An item is in one place: in the channel, with a worker, or here.
//! 2. What is due goes before what is in the channel, the earliest first.
//! 3. No more items wait here than the queue has places: while that many do, workers take nothing new, so that a queue
//!    whose items all fail pushes back like one whose items are slow.
//! 4. A stop ends every wait: what is here is due at once and is tried once more. What fails then is left.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

/// A payload and what is known of it.
#[derive(Debug)]
pub(super) struct Tried<P> {
    pub(super) payload: P,
    /// Which attempt the next one is, from 1.
    pub(super) attempt: u32,
}

/// The items of one queue that wait to be tried again.
pub(super) struct Retries<P> {
    /// By the instant at which they are due, and then in the order in which they failed.
    waiting: Mutex<Waiting<P>>,
    /// How many there are, for whoever does not want the lock.
    len: AtomicUsize,
    /// Told when an item comes and when the wait ends.
    changed: Notify,
}

struct Waiting<P> {
    items: BTreeMap<(Instant, u64), Tried<P>>,
    next: u64,
    is_over: bool,
}

/// What there is to do about the items that wait.
pub(super) enum Due<P> {
    /// This one is due.
    Now(Tried<P>),
    /// The earliest is due then.
    At(Instant),
    /// Nothing waits.
    Never,
}

impl<P> Default for Retries<P> {
    fn default() -> Self {
        let waiting = Waiting { items: BTreeMap::new(), next: 0, is_over: false };
        Self { waiting: Mutex::new(waiting), len: AtomicUsize::new(0), changed: Notify::new() }
    }
}

impl<P> Retries<P> {
    fn waiting(&self) -> MutexGuard<'_, Waiting<P>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Keeps an item until it is due; gives it back if nothing is tried again any more (invariant 4).
    pub(super) fn keep(&self, item: Tried<P>, due: Instant) -> Result<(), Tried<P>> {
        let mut waiting = self.waiting();
        if waiting.is_over {
            return Err(item);
        }
        let number = waiting.next;
        waiting.next += 1;
        waiting.items.insert((due, number), item);
        self.len.store(waiting.items.len(), Ordering::Relaxed);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// The next item if it is due, or when it will be.
    pub(super) fn due(&self, now: Instant) -> Due<P> {
        if self.len() == 0 {
            return Due::Never;
        }
        let mut waiting = self.waiting();
        let is_over = waiting.is_over;
        let Some(first) = waiting.items.first_entry() else { return Due::Never };
        let (due, _) = *first.key();
        if due > now && !is_over {
            return Due::At(due);
        }
        let item = first.remove();
        self.len.store(waiting.items.len(), Ordering::Relaxed);
        Due::Now(item)
    }

    /// Ends every wait (invariant 4).
    pub(super) fn end_waits(&self) {
        self.waiting().is_over = true;
        self.changed.notify_waiters();
    }

    /// Takes all that wait, due or not.
    pub(super) fn take(&self) -> Vec<P> {
        let items = std::mem::take(&mut self.waiting().items);
        self.len.store(0, Ordering::Relaxed);
        items.into_values().map(|item| item.payload).collect()
    }

    /// Whether nothing is kept any more, and nothing that was is left.
    pub(super) fn are_over(&self) -> bool {
        let waiting = self.waiting();
        waiting.is_over && waiting.items.is_empty()
    }

    /// Fires when something changes after it was enabled.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Whoever goes to work no longer minds when the next item is due, so another one has to.
    pub(super) fn pass_on(&self) {
        if self.len() > 0 {
            self.changed.notify_one();
        }
    }
}
