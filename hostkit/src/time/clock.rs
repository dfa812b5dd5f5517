//! The wall clock of a host, and how to hear that somebody has set it.
//!
//! # Invariants
//!
//! 1. Where tokio's clock is the machine's, the wall clock is the machine's, too. Where it is paused, the wall clock moves
//!    with it: both stand still and both are advanced.
//!    One that starts at a date of a test's choice moves with tokio's clock, whichever that is.
//! 2. Nobody polls the wall clock but one watcher per host, however many wait for it to be set.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use super::{now, real_now};

/// How often the watcher looks.
const LOOK: Duration = Duration::from_secs(5);

/// How far the clocks may drift apart before those who wait are told. Who is woken looks at the clock, so this is about
/// being late only.
const DRIFT: Duration = Duration::from_millis(100);

/// What a host goes by. Cloning it clones a reference.
#[derive(Debug, Clone)]
pub(crate) struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Both clocks at one moment, from which a paused one is counted.
    anchor: Reading,
    /// Where a test has it start, and when the first host began to go by it.
    #[cfg(feature = "testing")]
    fixed: Option<Fixed>,
    set: Notify,
    is_watched: AtomicBool,
}

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// The monotonic clock.
    pub(crate) instant: Instant,
    /// The wall clock.
    pub(crate) wall: SystemTime,
}

impl Default for Clock {
    fn default() -> Self {
        let anchor = Reading { instant: now(), wall: machine() };
        Self(Arc::new(Inner {
            anchor,
            #[cfg(feature = "testing")]
            fixed: None,
            set: Notify::new(),
            is_watched: AtomicBool::new(false),
        }))
    }
}

/// A wall clock of a test's.
#[cfg(feature = "testing")]
#[derive(Debug)]
struct Fixed {
    start: SystemTime,
    since: std::sync::OnceLock<Instant>,
}

#[cfg(feature = "testing")]
impl Clock {
    /// One that shows this until it is [begun](Self::begin), and then moves with tokio's clock.
    pub(crate) fn starting_at(start: SystemTime) -> Self {
        let anchor = Reading { instant: now(), wall: start };
        let fixed = Some(Fixed { start, since: std::sync::OnceLock::new() });
        Self(Arc::new(Inner { anchor, fixed, set: Notify::new(), is_watched: AtomicBool::new(false) }))
    }

    /// It moves from now on. Only the first call counts.
    pub(crate) fn begin(&self) {
        if let Some(fixed) = &self.0.fixed {
            fixed.since.get_or_init(now);
        }
    }
}

impl Clock {
    /// Both clocks now.
    pub(crate) fn read(&self) -> Reading {
        #[cfg(feature = "testing")]
        if let Some(Fixed { start, since }) = &self.0.fixed {
            let instant = now();
            let since = since.get().copied().unwrap_or(instant);
            return Reading { instant, wall: *start + instant.saturating_duration_since(since) };
        }
        let before = real_now();
        let instant = now();
        let is_real = (before..=real_now()).contains(&instant.into_std());
        let anchor = &self.0.anchor;
        let wall = if is_real { machine() } else { anchor.wall + instant.saturating_duration_since(anchor.instant) };
        Reading { instant, wall }
    }

    /// Waits until somebody has set the wall clock. What happens between this call and the first poll is not lost.
    pub(crate) fn set(&self) -> Notified<'_> {
        self.0.set.notified()
    }

    /// What tells those who wait that somebody has set the wall clock: a task for whoever is the first to ask, which ends
    /// with the clock's last user.
    pub(crate) fn watcher(&self) -> Option<impl Future<Output = ()> + Send + use<>> {
        #[cfg(feature = "testing")]
        if self.0.fixed.is_some() {
            // Nobody sets a clock of a test's.
            return None;
        }
        if self.0.is_watched.swap(true, Ordering::Relaxed) {
            return None;
        }
        let clock = Arc::downgrade(&self.0);
        Some(async move {
            let mut last = (machine(), real_now());
            loop {
                tokio::time::sleep(LOOK).await;
                let Some(clock) = clock.upgrade() else { return };
                let (wall, instant) = (machine(), real_now());
                let passed = instant.saturating_duration_since(last.1);
                if passed < LOOK / 2 {
                    // tokio's clock is not the machine's, so nobody sets this one.
                    return;
                }
                if difference(wall, last.0 + passed) > DRIFT {
                    tracing::debug!(target: "hostkit::periodic", "the wall clock was set");
                    last = (wall, instant);
                    clock.set.notify_waiters();
                }
            }
        })
    }
}

fn difference(a: SystemTime, b: SystemTime) -> Duration {
    a.duration_since(b).unwrap_or_else(|error| error.duration())
}

#[allow(clippy::disallowed_methods, reason = "this is the door that the ban points to")]
fn machine() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_paused_wall_clock_stands_still_and_is_advanced() {
        let clock = Clock::default();
        let first = clock.read();
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(clock.read().wall, first.wall);
        tokio::time::advance(Duration::from_hours(1)).await;
        let later = clock.read();
        assert_eq!(later.wall.duration_since(first.wall).unwrap(), Duration::from_hours(1));
        assert_eq!(later.instant - first.instant, Duration::from_hours(1));
    }

    #[tokio::test]
    async fn a_running_wall_clock_is_the_machines() {
        let clock = Clock::default();
        let (before, read, after) = (machine(), clock.read(), machine());
        assert!(before <= read.wall && read.wall <= after);
    }

    #[tokio::test(start_paused = true)]
    async fn a_paused_clock_is_not_watched_for_long_and_by_one_at_most() {
        let clock = Clock::default();
        let watching = clock.watcher().expect("it is the first");
        assert!(clock.watcher().is_none());
        tokio::time::timeout(2 * LOOK, watching).await.expect("it ends");
    }
}
