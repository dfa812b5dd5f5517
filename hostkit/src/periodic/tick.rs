//! What a periodic run may ask for about itself.

use std::time::SystemTime;

use tokio::time::Instant;

use super::grid::Taken;
use crate::component::{kind, run_value};
use crate::time::Clock;

/// Why a periodic function runs now: when it was due, and what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    scheduled: Instant,
    time: SystemTime,
    missed: u64,
    run: u64,
}

run_value!(Tick, kind::Periodic);

impl Tick {
    /// A run that is due now, missed nothing and is the first, for a test that calls the function by hand.
    pub fn immediate() -> Self {
        Self::new(Taken::at(&Clock::default().read()), 1)
    }

    pub(super) fn new(taken: Taken, run: u64) -> Self {
        let Taken { scheduled, time, missed, began: _ } = taken;
        Self { scheduled, time, missed, run }
    }

    /// The instant at which the run was due, on the monotonic clock. Of a late run that stands for several instants it is
    /// the first of them, of a triggered one the instant of the trigger. `jitter` is not part of it.
    pub fn scheduled(&self) -> Instant {
        self.scheduled
    }

    /// The same on the wall clock. Of a cron schedule it is a time that the expression means, to the second.
    pub fn scheduled_time(&self) -> SystemTime {
        self.time
    }

    /// How many scheduled instants passed without a run of their own since the former run. 0 for a run on time after
    /// another.
    ///
    /// With `missed = "once"` a late run stands for them and counts itself, so it is 1 or more for a late one; with `"all"`
    /// it is 1 for a late one, which makes up for its own; with `"skip"` it counts those for which nobody ran. Of a cron
    /// schedule a thousand are counted at most.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// The number of the run in this host, from 1. Triggered runs count.
    pub fn run(&self) -> u64 {
        self.run
    }
}
