//! The instants at which a function with `every` is due.
//!
//! # Invariants
//!
//! 1. Point `k` lies `k` periods after the origin: lateness of one run never moves another.
//! 2. Every point is taken once, by the one run that stands for it, and points are taken in order.

use std::time::Duration;

use tokio::time::Instant;

/// Farther away than any host runs, and near enough for every platform's clock.
const FAR: Duration = Duration::from_hours(262_800);

#[derive(Debug)]
pub(super) struct Grid {
    origin: Instant,
    every: Duration,
    /// The first point that nobody has taken.
    next: u64,
}

/// The points that one run stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    /// The first of them.
    pub(super) scheduled: Instant,
    pub(super) missed: u64,
}

impl Grid {
    pub(super) fn new(origin: Instant, every: Duration, run_at_start: bool) -> Self {
        Self { origin, every, next: u64::from(!run_at_start) }
    }

    /// When the next run is due.
    pub(super) fn due(&self) -> Instant {
        let nanos = self.every.as_nanos().saturating_mul(u128::from(self.next));
        let offset = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.origin.checked_add(offset).unwrap_or_else(|| self.origin + FAR)
    }

    /// Whether the next run should have started before.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.due() < now
    }

    /// Takes every point up to now, for one run that starts now. `late` says that the next point passed while a former
    /// run was going on.
    pub(super) fn take(&mut self, now: Instant, late: bool) -> Taken {
        let scheduled = self.due();
        let passed = now.saturating_duration_since(self.origin).as_nanos() / self.every.as_nanos();
        let latest = u64::try_from(passed).unwrap_or(u64::MAX).max(self.next);
        let count = latest - self.next + 1;
        self.next = latest.saturating_add(1);
        // A run that is a little late was not missed, unless the former was in its way.
        Taken { scheduled, missed: if late || count > 1 { count } else { 0 } }
    }
}
