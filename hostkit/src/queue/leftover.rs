//! What a queue could not work off before its deadline.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::function::HandOver;

/// The payloads that a queue leaves at the stop: counted, and kept if a function takes them.
pub(super) struct Leftovers<P> {
    count: AtomicUsize,
    kept: Mutex<Vec<P>>,
    taker: Option<HandOver<P>>,
}

impl<P> Leftovers<P> {
    pub(super) fn new(taker: Option<HandOver<P>>) -> Self {
        Self { count: AtomicUsize::new(0), kept: Mutex::default(), taker }
    }

    /// Whether a function takes what is left.
    pub(super) fn are_taken(&self) -> bool {
        self.taker.is_some()
    }

    /// How many payloads were left.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Leaves a payload that waited.
    pub(super) fn leave(&self, payload: P, queue: &str) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.keep(payload, queue);
    }

    /// Keeps a payload for the function that takes them.
    pub(super) fn keep(&self, payload: P, queue: &str) {
        if self.are_taken() {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(payload);
        } else {
            discard(payload, queue);
        }
    }

    /// All that is kept, with the function that takes it; none if nothing is.
    pub(super) fn take(&self) -> Option<(HandOver<P>, Vec<P>)> {
        let kept = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        self.taker.filter(|_| !kept.is_empty()).map(|taker| (taker, kept))
    }
}

/// Drops a payload, whose destructor is the user's.
pub(super) fn discard<P>(payload: P, queue: &str) {
    if catch_unwind(AssertUnwindSafe(|| drop(payload))).is_err() {
        tracing::error!(target: "hostkit::queue", service = queue, "dropping an item panicked");
    }
}
