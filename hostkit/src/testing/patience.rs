//! Keeps the paused clock from moving while something outside may still answer.
//!
//! # Invariants
//!
//! 1. A paused clock moves when its runtime has nothing to do. Whatever is awaited with patience holds it, from when it has
//!    to wait until it is done, or until nothing in the runtime has gone on for as long as the patience lasts.
//! 2. Who has been waited for in vain holds the clock again when it has gone on and has to wait once more, and not before:
//!    a service that rests costs nothing.
//! 3. Without patience nothing is held, and no thread is asked for.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::tasks::at_rest;

/// How long one hold may last, also if the runtime never comes to rest.
const LONGEST: Duration = Duration::from_mins(1);

/// The patience of one host. Cloning it clones a reference.
#[derive(Debug, Clone)]
pub(super) struct Patience(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// How long it lasts; zero for none.
    lasts: Duration,
    waits: Mutex<Waits>,
}

#[derive(Debug, Default)]
struct Waits {
    /// How many were ever awaited, for a number for each.
    count: u64,
    /// Those that have had to wait since the clock was last let go.
    fresh: HashSet<u64>,
    is_held: bool,
}

impl Inner {
    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the clock stands still; nothing if nobody waits.
    fn lasts(&self) -> Option<Duration> {
        (!self.waits().fresh.is_empty()).then_some(self.lasts)
    }
}

/// One that is awaited, until it is dropped.
struct Awaited {
    number: u64,
    inner: Arc<Inner>,
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.inner.waits().fresh.remove(&self.number);
    }
}

/// The clock is held until this is dropped.
struct Held(Arc<Inner>);

impl Drop for Held {
    fn drop(&mut self) {
        let mut waits = self.0.waits();
        waits.fresh.clear();
        waits.is_held = false;
    }
}

impl Patience {
    pub(super) fn lasting(lasts: Duration) -> Self {
        Self(Arc::new(Inner { lasts, waits: Mutex::default() }))
    }

    /// Waits until nothing in the runtime can go on but by the passing of time, and who waits has had its time; whether
    /// that came about within this real time.
    pub(super) async fn settle(&self, limit: Duration) -> bool {
        // Gone when nobody polls this any more, so that the thread beside is, too.
        let asked = Arc::new(());
        let (still_asked, inner) = (Arc::downgrade(&asked), Arc::clone(&self.0));
        let quiet = move || still_asked.upgrade().map(|_asked| inner.lasts().unwrap_or_default());
        let settled = at_rest(limit, quiet).await;
        drop(asked);
        settled
    }

    /// Awaits something with patience (invariants 1 and 2).
    pub(super) async fn await_for<T>(&self, something: impl Future<Output = T>) -> T {
        if self.0.lasts.is_zero() {
            return something.await;
        }
        let number = {
            let mut waits = self.0.waits();
            waits.count += 1;
            waits.count
        };
        let awaited = Awaited { number, inner: Arc::clone(&self.0) };
        let mut something = pin!(something);
        std::future::poll_fn(|cx| {
            let polled = something.as_mut().poll(cx);
            if polled.is_pending() {
                self.hold_for(&awaited);
            }
            polled
        })
        .await
    }

    fn hold_for(&self, awaited: &Awaited) {
        let mut waits = self.0.waits();
        waits.fresh.insert(awaited.number);
        if std::mem::replace(&mut waits.is_held, true) {
            return;
        }
        drop(waits);
        let held = Held(Arc::clone(&self.0));
        // It goes on when nobody waits for it.
        drop(at_rest(LONGEST, move || held.0.lasts()));
    }
}
