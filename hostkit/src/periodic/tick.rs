//! What a periodic run may ask for about itself.

use std::time::SystemTime;

use tokio::time::Instant;

use super::grid::Taken;
use crate::component::{kind, run_value};
use crate::time::{now, wall_now};

/// Why a periodic function runs now: when it was due, and what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    scheduled: Instant,
    missed: u64,
    run: u64,
}

run_value!(Tick, kind::Periodic);

impl Tick {
    /// A run that is due now, missed nothing and is the first, for a test that calls the function by hand.
    pub fn immediate() -> Self {
        Self::new(Taken { scheduled: now(), missed: 0 }, 1)
    }

    pub(super) fn new(taken: Taken, run: u64) -> Self {
        let Taken { scheduled, missed } = taken;
        Self { scheduled, missed, run }
    }

    /// The instant at which the run was due, on the monotonic clock. Of a late run it is the first of the instants that
    /// it stands for, of a triggered one the instant of the trigger.
    pub fn scheduled(&self) -> Instant {
        self.scheduled
    }

    /// The same on the wall clock as it is now.
    pub fn scheduled_time(&self) -> SystemTime {
        let (now, wall) = (now(), wall_now());
        match now.checked_duration_since(self.scheduled) {
            Some(ago) => wall.checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH),
            None => wall + self.scheduled.duration_since(now),
        }
    }

    /// How many scheduled instants passed without a run, because the former run took too long, and are made up for by
    /// this one. 0 for a run on time, 1 or more for a late one.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// The number of the run in this host, from 1. Triggered runs count.
    pub fn run(&self) -> u64 {
        self.run
    }
}
