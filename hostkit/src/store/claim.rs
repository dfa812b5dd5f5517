//! Who runs what: owners, claims, leases and their end.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::{Envelope, JobId, Timestamp};

/// A process (or one host of it) that runs jobs, as long as its lease lasts. Given by [`Store::register`](super::Store::register).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerId(pub(super) i64);

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An owner that introduces itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// What people know it by: the program, the machine, the process id.
    pub name: String,
    /// How long it may be silent before its jobs are given to others. It should beat every third of it.
    pub lease: Duration,
}

/// The right to say what becomes of a job: every change of state names it, and counts only while `epoch` is the job's
/// latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claim {
    /// The job.
    pub id: JobId,
    /// The number of this claim. It rises with every claim of the job, which makes it a fencing number.
    pub epoch: u64,
}

/// What an owner can start now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    /// Who asks.
    pub owner: OwnerId,
    /// Every kind it has room for, each once.
    pub kinds: Vec<Wanted>,
}

/// How many jobs of one kind an owner can start now, and under which limits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wanted {
    /// The kind.
    pub kind: Arc<str>,
    /// How many.
    pub free: u32,
    /// How many jobs with one serial key may run at once, on all owners together \[no limit\].
    pub per_key: Option<NonZeroU32>,
    /// How many may start in a time, on all owners together \[no limit\].
    pub rate: Option<Rate>,
    /// What happens to them when the owner dies \[at least once\].
    pub delivery: Delivery,
}

impl Wanted {
    /// So many of a kind, without limits.
    pub fn new(kind: impl Into<Arc<str>>, free: u32) -> Self {
        Self { kind: kind.into(), free, per_key: None, rate: None, delivery: Delivery::AtLeastOnce }
    }
}

/// What happens to a job whose owner died while it had it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delivery {
    /// It runs again.
    #[default]
    AtLeastOnce,
    /// It is quarantined.
    AtMostOnce,
}

/// How many jobs of a kind may start in a time.
///
/// A kind that was at rest may start `count` at once. From then on one more may start every `per / count`, so over a long
/// time the rate holds exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// So many.
    pub count: NonZeroU32,
    /// In this time.
    pub per: Duration,
}

/// What a [`Rate`] allows, by the generic cell rate algorithm: the one thing that is kept is the instant at which the kind
/// will be at rest again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowance {
    /// So many, at least one.
    Now(u32),
    /// None before then.
    At(Timestamp),
}

impl Rate {
    /// Microseconds between two starts.
    fn interval(self) -> i64 {
        (self.period() / i64::from(self.count.get())).max(1)
    }

    fn period(self) -> i64 {
        i64::try_from(self.per.as_micros()).unwrap_or(i64::MAX)
    }

    /// How many may start now, given when the kind will be at rest.
    pub(super) fn allows(self, at_rest: Option<Timestamp>, now: Timestamp) -> Allowance {
        let (now, at_rest) = (now.as_micros(), at_rest.map_or(i64::MIN, Timestamp::as_micros).max(now.as_micros()));
        let earliest = at_rest.saturating_sub(self.period()).saturating_add(self.interval());
        if earliest > now {
            return Allowance::At(Timestamp::from_micros(earliest));
        }
        let free = now.saturating_sub(earliest) / self.interval() + 1;
        Allowance::Now(u32::try_from(free).unwrap_or(u32::MAX).min(self.count.get()))
    }

    /// When the kind will be at rest after so many more starts.
    pub(super) fn after(self, at_rest: Option<Timestamp>, now: Timestamp, started: u32) -> Timestamp {
        let from = at_rest.map_or(i64::MIN, Timestamp::as_micros).max(now.as_micros());
        Timestamp::from_micros(from.saturating_add(self.interval().saturating_mul(i64::from(started))))
    }
}

/// A store's answer to a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// These are the owner's now.
    Jobs {
        /// In the order in which they should start.
        jobs: Vec<ClaimedJob>,
        /// When it is worth asking again, if nothing else happens: the next job of a kind with room left is due then, or its
        /// rate allows another. `None` when only a change can help: a job that is enqueued or ends, or room for one that is
        /// due already.
        next: Option<Duration>,
    },
    /// The owner was declared dead and has nothing any more. It must stop what it runs and register anew.
    Lost,
}

/// A job that an owner has.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimedJob {
    /// The right to say what becomes of it.
    pub claim: Claim,
    /// What it is for.
    pub kind: Arc<str>,
    /// What the function is called with.
    pub payload: Vec<u8>,
    /// What is needed to read the payload.
    pub envelope: Envelope,
    /// Which attempt this is, from 1. Attempts that were interrupted do not count.
    pub attempt: u32,
    /// Crashes in which it was running. If there were any, it runs alone.
    pub crashes: u32,
    /// Greater goes first.
    pub priority: i8,
    /// When it was enqueued.
    pub enqueued_at: Timestamp,
    /// When it became due.
    pub due: Timestamp,
    /// Its key, if it has one.
    pub serial_key: Option<String>,
}

/// Without the payload, which is never logged.
impl fmt::Debug for ClaimedJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimedJob")
            .field("claim", &self.claim)
            .field("kind", &self.kind)
            .field("attempt", &self.attempt)
            .field("crashes", &self.crashes)
            .field("priority", &self.priority)
            .field("due", &self.due)
            .field("serial_key", &self.serial_key)
            .field("bytes", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// What an owner says of a job that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// The right to say it.
    pub claim: Claim,
    /// What becomes of the job.
    pub verdict: Verdict,
}

/// What becomes of a job after an attempt.
///
/// If somebody [asked](super::Store::cancel) for it to be cancelled meanwhile, whatever would bring it back cancels it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It succeeded.
    Done,
    /// It failed, which spends an attempt, and runs again after this time.
    Retry {
        /// How long to wait.
        after: Duration,
        /// Why it failed.
        error: String,
    },
    /// It failed, which spends an attempt, and was the last one: a dead letter.
    Dead {
        /// Why it failed.
        error: String,
    },
    /// Nobody here can read it: a dead letter, untouched, and no attempt is spent.
    Undecodable {
        /// Why not.
        error: String,
    },
    /// It asks for another time; no attempt is spent.
    Snoozed {
        /// How long to wait.
        after: Duration,
    },
    /// It was not begun, or was interrupted by a stop: it waits again as before, and no attempt is spent.
    Released,
    /// It is not wanted any more, by its own word or because it was asked to stop.
    Cancelled {
        /// Why.
        reason: String,
    },
}

/// Whether what an owner said counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It does.
    Applied,
    /// The claim is not the job's latest: nothing was touched. What the attempt has done is somebody else's now.
    Stale,
}

/// A store's answer to the beat of an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beat {
    /// All its jobs are its own for a whole lease, counted from when the beat was sent.
    Alive {
        /// Those of its jobs that somebody wants cancelled, every time until they are finished, by id.
        cancelled: Vec<Claim>,
    },
    /// It was declared dead and has nothing any more. It must stop what it runs and register anew.
    Lost,
}

/// What a sweep found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Owners that were dead.
    pub owners: u64,
    /// Jobs of theirs that wait again, as suspects.
    pub interrupted: u64,
    /// Jobs of theirs that are quarantined.
    pub quarantined: u64,
    /// Jobs of theirs that somebody had wanted cancelled.
    pub cancelled: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_rate_lets_a_burst_through_and_then_spaces_evenly() {
        let rate = Rate { count: NonZeroU32::new(10).unwrap(), per: Duration::from_secs(1) };
        let start = Timestamp::from_micros(100 * SECOND);
        assert_eq!(rate.allows(None, start), Allowance::Now(10));
        let at_rest = Some(rate.after(None, start, 10));
        assert_eq!(rate.allows(at_rest, start), Allowance::At(start.after(Duration::from_millis(100))));
        assert_eq!(rate.allows(at_rest, start.after(Duration::from_millis(99))), rate.allows(at_rest, start));
        assert_eq!(rate.allows(at_rest, start.after(Duration::from_millis(250))), Allowance::Now(2));
        assert_eq!(rate.allows(at_rest, start.after(Duration::from_hours(1))), Allowance::Now(10));
    }

    #[test]
    fn over_a_long_time_a_rate_holds_whatever_the_owners_ask_for() {
        let rate = Rate { count: NonZeroU32::new(7).unwrap(), per: Duration::from_secs(1) };
        let mut random = fastrand::Rng::with_seed(1);
        let (mut at_rest, mut now, mut started) = (None, Timestamp::from_micros(0), 0);
        while now.as_micros() < 1000 * SECOND {
            match rate.allows(at_rest, now) {
                Allowance::Now(most) => {
                    assert!((1..=7).contains(&most));
                    let taken = random.u32(1..=most);
                    at_rest = Some(rate.after(at_rest, now, taken));
                    started += taken;
                }
                Allowance::At(then) => {
                    assert!(then > now);
                    now = then;
                }
            }
        }
        assert!((6999..=7014).contains(&started), "{started}");
    }
}
