//! Which function holds which thread: a mark around every poll of a host's tasks, and a look at the marks from outside.
//!
//! # Invariants
//!
//! 1. A mark costs a poll a few plain stores into memory of its own thread: no lock, no allocation, no clock. Items that a
//!    worker of a queue works off in one poll share the mark of that poll. The first poll after a rest also wakes whoever
//!    looks.
//! 2. A slot is written by its own thread only. Whoever looks remembers what he saw, and writes nothing.
//! 3. Every poll that begins or ends changes the count, so a holder and a count that stay the same between two looks are
//!    one poll that has held its thread for all of that time.

use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::sync::Notify;

/// Whose poll it is: one of a host's functions, or nobody's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mark(u64);

impl Mark {
    /// Marks that no other host has.
    pub(crate) fn reserve(count: usize) -> Range<u64> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let count = count as u64;
        let first = NEXT.fetch_add(count, Ordering::Relaxed);
        first..first + count
    }

    pub(crate) fn of(number: u64) -> Self {
        Self(number)
    }

    /// Whose poll is under way on this thread.
    pub(crate) fn current() -> Self {
        Self(SLOT.try_with(|slot| slot.holder.load(Ordering::Relaxed)).unwrap_or_default())
    }

    /// Marks every poll of a future.
    pub(crate) fn around<F: Future>(self, future: F) -> Marked<F> {
        Marked { mark: self, future }
    }
}

pin_project! {
    /// A future whose polls are marked.
    pub(crate) struct Marked<F> {
        mark: Mark,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Marked<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        // Held until this returns or unwinds.
        let _holding = (*this.mark != Mark::default()).then(|| Holding::begin(*this.mark));
        this.future.poll(cx)
    }
}

/// A thread's own place, on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Slot {
    holder: AtomicU64,
    changes: AtomicU64,
}

impl Slot {
    /// Changes the holder and returns the former (invariants 2 and 3).
    #[inline]
    fn change(&self, holder: u64) -> u64 {
        let former = self.holder.load(Ordering::Relaxed);
        self.holder.store(holder, Ordering::Relaxed);
        self.changes.store(self.changes.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        former
    }
}

thread_local! {
    static SLOT: Arc<Slot> = {
        let slot = Arc::new(Slot::default());
        let observed = Observed { slot: Arc::downgrade(&slot), holder: 0, changes: 0, lasted: Duration::ZERO };
        SLOTS.lock().unwrap_or_else(PoisonError::into_inner).push(observed);
        slot
    };
}

/// A poll under way on this thread. One may begin within another.
struct Holding {
    outer: u64,
}

impl Holding {
    #[inline]
    fn begin(mark: Mark) -> Self {
        if DOZING.load(Ordering::Relaxed) {
            stir();
        }
        // A thread that is about to end has no place any more.
        Self { outer: SLOT.try_with(|slot| slot.change(mark.0)).unwrap_or_default() }
    }
}

impl Drop for Holding {
    #[inline]
    fn drop(&mut self) {
        SLOT.try_with(|slot| slot.change(self.outer)).ok();
    }
}

/// A thread's place and what was seen there.
struct Observed {
    slot: Weak<Slot>,
    holder: u64,
    changes: u64,
    lasted: Duration,
}

/// Whether whoever looks at the threads sleeps until a poll begins.
static DOZING: AtomicBool = AtomicBool::new(false);
static STIRRED: Notify = Notify::const_new();

/// Makes the next poll that begins end the wait of [`stirred`]. One that begins in this very moment may not; whoever looks
/// shall look again after a while all the same.
pub(crate) fn doze() {
    DOZING.store(true, Ordering::Relaxed);
}

#[cold]
fn stir() {
    if DOZING.swap(false, Ordering::Relaxed) {
        STIRRED.notify_one();
    }
}

/// Waits until a poll begins, if nothing has run when it was asked for.
pub(crate) async fn stirred() {
    STIRRED.notified().await;
}

/// Every thread that has polled a marked task.
static SLOTS: Mutex<Vec<Observed>> = Mutex::new(Vec::new());

/// What a look at the threads shows.
pub(crate) struct Look {
    /// Who has been in one poll since the last look or longer, as a mark's number, and for how long at least.
    pub(crate) held: Vec<(u64, Duration)>,
    /// Whether no marked poll is under way and none was since the last look.
    pub(crate) is_idle: bool,
}

pub(crate) fn look(since_the_last: Duration) -> Look {
    let mut held = Vec::new();
    let mut is_idle = true;
    SLOTS.lock().unwrap_or_else(PoisonError::into_inner).retain_mut(|observed| {
        let Some(slot) = observed.slot.upgrade() else { return false };
        let (holder, changes) = (slot.holder.load(Ordering::Relaxed), slot.changes.load(Ordering::Relaxed));
        is_idle &= holder == 0 && changes == observed.changes;
        if holder != 0 && (holder, changes) == (observed.holder, observed.changes) {
            observed.lasted += since_the_last;
            held.push((holder, observed.lasted));
        } else {
            (observed.holder, observed.changes, observed.lasted) = (holder, changes, Duration::ZERO);
        }
        true
    });
    Look { held, is_idle }
}
