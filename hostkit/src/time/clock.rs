//! The wall clock of a host, and how to hear that somebody has set it.
//!
//! # Invariants
//!
//! 1. Where tokio's clock is the machine's, the wall clock is the machine's, too. Where it is paused, the wall clock moves
//!    with it: both stand still and both are advanced.
//!    One that starts at a date of a test's choice moves with tokio's clock, whichever that is.
//! 2. Nobody polls the wall clock but the side thread, however many wait for it to be set.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use super::{now, real_now};

/// How far the clocks may drift apart before those who wait are told. Who is woken looks at the clock, so this is about
/// being late only.
const DRIFT: Duration = Duration::from_millis(100);

/// Tells every schedule of the process that somebody has set the wall clock.
static SET: Notify = Notify::const_new();

/// What a host goes by. Cloning it clones a reference.
#[derive(Debug, Clone)]
pub(crate) struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Both clocks at one moment, from which a paused one is counted.
    anchor: Reading,
    /// tokio pauses no clock of several threads.
    can_be_paused: bool,
    /// Where a test has it start, and when the first host began to go by it.
    #[cfg(feature = "testing")]
    fixed: Option<Fixed>,
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
        let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
        let can_be_paused = !matches!(flavor, Ok(RuntimeFlavor::MultiThread));
        Self(Arc::new(Inner {
            anchor,
            can_be_paused,
            #[cfg(feature = "testing")]
            fixed: None,
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
        Self(Arc::new(Inner { anchor, can_be_paused: true, fixed }))
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
        let (anchor, can_be_paused) = (self.0.anchor, self.0.can_be_paused);
        if !can_be_paused {
            return Reading { instant: now(), wall: machine() };
        }
        let before = real_now();
        let instant = now();
        let is_real = (before..=real_now()).contains(&instant.into_std());
        let wall = if is_real { machine() } else { anchor.wall + instant.saturating_duration_since(anchor.instant) };
        Reading { instant, wall }
    }
}

/// Waits until somebody has set the wall clock. What happens between this call and the first poll is not lost.
pub(crate) fn clock_set() -> Notified<'static> {
    SET.notified()
}

/// What the side thread knows of the machine's clocks.
#[derive(Debug)]
pub(crate) struct ClockWatch {
    wall: SystemTime,
    instant: std::time::Instant,
}

impl ClockWatch {
    pub(crate) fn begin() -> Self {
        Self { wall: machine(), instant: real_now() }
    }

    /// Compares the clocks and tells those who wait if somebody has set one.
    pub(crate) fn look(&mut self) {
        let seen = Self::begin();
        let expected = self.wall + seen.instant.saturating_duration_since(self.instant);
        if difference(seen.wall, expected) > DRIFT {
            *self = seen;
            SET.notify_waiters();
        }
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
    use futures_util::FutureExt;

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

    #[tokio::test]
    async fn whoever_waits_is_told_once_when_the_wall_clock_was_set() {
        let set = clock_set();
        let mut watch = ClockWatch::begin();
        watch.look();
        watch.wall -= Duration::from_secs(1);
        watch.look();
        tokio::time::timeout(Duration::from_secs(5), set).await.expect("it is told");
        let again = clock_set();
        watch.look();
        assert!(again.now_or_never().is_none(), "it was told");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn the_clock_of_several_threads_is_the_machines() {
        let clock = Clock::default();
        let (before, read, after) = (now(), clock.read(), now());
        assert!(before <= read.instant && read.instant <= after);
    }
}
