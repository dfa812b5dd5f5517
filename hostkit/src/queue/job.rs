//! What a queued run may ask for about itself.

#[cfg(feature = "durable")]
use std::time::Duration;

use crate::component::{Asked, Want, kind, run_value};
#[cfg(feature = "durable")]
use crate::error::BoxError;
#[cfg(feature = "durable")]
use crate::queue::Verdict;
#[cfg(feature = "durable")]
use crate::store::{ClaimedJob, JobId, Timestamp};

/// Which item of which queue a queued function works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobContext {
    queue: &'static str,
    run: u64,
    attempt: u32,
    #[cfg(feature = "durable")]
    stored: Option<Stored>,
}

/// What a store knows of it.
#[cfg(feature = "durable")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Stored {
    id: JobId,
    epoch: u64,
    crashes: u32,
    attempts: u32,
    version: u32,
    enqueued_at: Timestamp,
}

run_value!(JobContext, kind::Queued);

impl Asked<kind::Durable> for JobContext {
    const WANT: Want = <Self as Asked<kind::Queued>>::WANT;
}

impl JobContext {
    /// Run `run` of the queue named `queue`, for a test that calls the function by hand.
    pub const fn new(queue: &'static str, run: u64) -> Self {
        Self {
            queue,
            run,
            attempt: 1,
            #[cfg(feature = "durable")]
            stored: None,
        }
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

    /// Which attempt at this item it is, from 1. Runs that a stop or a crash interrupted do not count, nor those that asked
    /// for another time.
    pub const fn attempt(self) -> u32 {
        self.attempt
    }
}

/// What there is of durable jobs (feature `durable`).
#[cfg(feature = "durable")]
impl JobContext {
    /// One attempt at a stored job.
    pub(super) fn of_job(self, job: &ClaimedJob, attempts: u32) -> Self {
        let stored = Stored {
            id: job.claim.id,
            epoch: job.claim.epoch,
            crashes: job.crashes,
            attempts,
            version: job.envelope.version,
            enqueued_at: job.enqueued_at,
        };
        Self { attempt: job.attempt, stored: Some(stored), ..self }
    }

    /// The name of the durable job, the same in every attempt; none of an item of a queue in the process.
    pub fn id(self) -> Option<JobId> {
        self.stored.map(|stored| stored.id)
    }

    /// A number that rises with every run of a durable job, crashed and interrupted ones included: the fencing number.
    ///
    /// Two attempts can overlap, when a process was paused for longer than its lease or was cut off from its store. Whoever receives an
    /// effect excludes the former one by refusing numbers below the greatest that it has seen of this job. Of an item of a queue
    /// in the process it is the attempt.
    pub fn fence(self) -> u64 {
        self.stored.map_or(u64::from(self.attempt), |stored| stored.epoch)
    }

    /// How often the process died while the job was running. One that has crashes on its record runs alone among its kind;
    /// with the third it is quarantined.
    pub fn crashes(self) -> u32 {
        self.stored.map_or(0, |stored| stored.crashes)
    }

    /// Whether a failure now is the last one, by the function's option `attempts`, and makes the job a dead letter. Of an
    /// item of a queue in the process nobody can tell.
    pub fn is_last_attempt(self) -> bool {
        self.stored.is_some_and(|stored| self.attempt >= stored.attempts)
    }

    /// Which shape the stored payload has: the option `version` of the program that enqueued it, 0 without one. A payload of a
    /// greater version than the function's own is not given to it; of a lesser one, serde must be able to read it.
    pub fn version(self) -> u32 {
        self.stored.map_or(0, |stored| stored.version)
    }

    /// When the durable job was enqueued.
    pub fn enqueued_at(self) -> Option<std::time::SystemTime> {
        self.stored.map(|stored| stored.enqueued_at.into())
    }

    /// The job is done.
    pub fn done(self) -> Verdict {
        Verdict::done()
    }

    /// The job is not wanted any more: it ends as cancelled, for this reason, which is kept.
    pub fn discard(self, reason: impl Into<String>) -> Verdict {
        Verdict::discard(reason.into())
    }

    /// The job runs again after this time. No attempt is spent.
    pub fn snooze(self, after: Duration) -> Verdict {
        Verdict::snooze(after)
    }

    /// The attempt failed with this error, and the next one comes after this time whatever `backoff` says. After the last
    /// attempt the job is dead all the same.
    pub fn retry_after(self, after: Duration, error: impl Into<BoxError>) -> Verdict {
        Verdict::retry_after(after, error.into())
    }
}
