//! What a queued run may ask for about itself.

use crate::component::{kind, run_value};

/// Which item of which queue a queued function works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobContext {
    queue: &'static str,
    run: u64,
    attempt: u32,
}

run_value!(JobContext, kind::Queued);

impl JobContext {
    /// Run `run` of the queue named `queue`, for a test that calls the function by hand.
    pub const fn new(queue: &'static str, run: u64) -> Self {
        Self { queue, run, attempt: 1 }
    }

    /// The same run as another attempt at its item, counted from 1.
    #[must_use]
    pub const fn on_attempt(self, attempt: u32) -> Self {
        Self { attempt, ..self }
    }

    /// The name of the queued function in this host.
    pub const fn queue(self) -> &'static str {
        self.queue
    }

    /// A number that no other run of this queue has in this host, the same as in the run's span. Numbers grow in the
    /// order in which runs begin, and some may be left out.
    pub const fn run(self) -> u64 {
        self.run
    }

    /// Which attempt at this item it is, from 1.
    pub const fn attempt(self) -> u32 {
        self.attempt
    }
}
