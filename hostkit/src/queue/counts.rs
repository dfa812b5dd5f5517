//! How a queue fares, counted without a cost for its workers.
//!
//! # Invariants
//!
//! 1. A tally has one writer, its worker, so counting is a load and a store and never a locked instruction.
//! 2. Tallies lie in cache lines of their own, so workers do not slow each other down by counting.
//! 3. Readers see each number as it was a moment ago, and numbers of different moments together.

use std::sync::atomic::{AtomicU64, Ordering};

/// How a queue fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct QueueCounts {
    /// Accepted and not begun, or waiting to be tried again.
    pub waiting: u64,
    /// Being worked on.
    pub running: u64,
    /// Ended well.
    pub done: u64,
    /// Failed for good: returned an error, panicked or ran out of time at the last attempt.
    pub failed: u64,
    /// Attempts that failed and were followed, or will be, by another of the same item.
    pub retried: u64,
    /// Had to make way because the queue was full, with `full = "drop-oldest"` and `"drop-newest"`.
    pub dropped: u64,
}

/// What one worker counts.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Tally {
    running: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    retried: AtomicU64,
}

/// What became of an item that a worker took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Done,
    Failed,
    Retried,
    /// It waits with what is left at the stop.
    Left,
}

impl Tally {
    #[inline]
    pub(super) fn begin(&self) {
        self.running.store(1, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn end(&self, succeeded: bool) {
        self.count(if succeeded { &self.done } else { &self.failed });
    }

    pub(super) fn end_with(&self, ending: Ending) {
        match ending {
            Ending::Done => self.count(&self.done),
            Ending::Failed => self.count(&self.failed),
            Ending::Retried => self.count(&self.retried),
            Ending::Left => self.running.store(0, Ordering::Relaxed),
        }
    }

    /// Invariant 1.
    #[inline]
    fn count(&self, counter: &AtomicU64) {
        counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.running.store(0, Ordering::Relaxed);
    }

    /// Its worker is gone; whether that left an item half done.
    pub(super) fn interrupt(&self) -> bool {
        self.running.swap(0, Ordering::Relaxed) == 1
    }

    pub(super) fn add_to(&self, counts: &mut QueueCounts) {
        counts.running += self.running.load(Ordering::Relaxed);
        counts.done += self.done.load(Ordering::Relaxed);
        counts.failed += self.failed.load(Ordering::Relaxed);
        counts.retried += self.retried.load(Ordering::Relaxed);
    }
}
