//! Jobs as stores see them: a kind, bytes, and what decides when they run.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::Timestamp;

/// The largest payload that a store takes, in bytes.
pub const PAYLOAD_LIMIT: usize = 256 * 1024;

/// After so many crashes while it ran a job is quarantined.
pub const CRASHES_TO_QUARANTINE: u32 = 3;

/// Names a job, everywhere and for ever: a UUID of version 7, so that names sort by the time at which they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(Uuid);

impl JobId {
    /// A name that nobody else has.
    #[allow(clippy::new_without_default, reason = "each is another, which is not what one expects of a default")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// From its sixteen bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Its sixteen bytes, which sort as it does.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text names no job.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{text}` is no job id; one looks like 01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct ParseJobIdError {
    text: String,
    source: uuid::Error,
}

impl FromStr for JobId {
    type Err = ParseJobIdError;

    fn from_str(text: &str) -> Result<Self, ParseJobIdError> {
        let parsed = Uuid::try_parse(text.trim());
        parsed.map(Self).map_err(|source| ParseJobIdError { text: text.to_owned(), source })
    }
}

/// A job on its way into a store. [`NewJob::new`] has the defaults.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewJob {
    /// Its name. Made by whoever enqueues, so that it is known whatever becomes of the answer.
    pub id: JobId,
    /// What it is for: the name of the function that runs it.
    pub kind: Arc<str>,
    /// What the function is called with; at most [`PAYLOAD_LIMIT`] bytes. A store never looks into it.
    pub payload: Vec<u8>,
    /// What is needed to read the payload.
    pub envelope: Envelope,
    /// Greater goes first \[0\].
    pub priority: i8,
    /// When it may run \[now\].
    pub due: Due,
    /// Makes it safe to enqueue again after an answer that was lost: within [`IDEMPOTENCY_KEPT`], and for as long as the
    /// job is kept, a second job of this kind with the same key is a duplicate \[none\].
    pub idempotency_key: Option<String>,
    /// What else makes it a duplicate \[nothing\].
    pub unique: Option<Unique>,
    /// Of the jobs of this kind with the same key, no more run at once than the claim says \[none\].
    pub serial_key: Option<String>,
    /// It is refused if so many of its kind wait \[no limit\].
    pub capacity: Option<u64>,
}

/// For so long after it was enqueued the idempotency key of a job is remembered at least.
pub const IDEMPOTENCY_KEPT: Duration = Duration::from_hours(24);

impl NewJob {
    /// A job with a fresh name that may run now.
    pub fn new(kind: impl Into<Arc<str>>, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            id: JobId::new(),
            kind: kind.into(),
            payload: payload.into(),
            envelope: Envelope::default(),
            priority: 0,
            due: Due::Now,
            idempotency_key: None,
            unique: None,
            serial_key: None,
            capacity: None,
        }
    }
}

/// Without the payload, which is never logged.
impl fmt::Debug for NewJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewJob")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("priority", &self.priority)
            .field("due", &self.due)
            .field("idempotency_key", &self.idempotency_key)
            .field("unique", &self.unique)
            .field("serial_key", &self.serial_key)
            .finish_non_exhaustive()
    }
}

/// What is needed to read a payload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Which shape the payload has \[0\].
    pub version: u32,
    /// The trace that it belongs to, as a `traceparent` \[none\].
    pub trace: Option<String>,
}

/// When a job may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// At once.
    Now,
    /// When so much time has passed on the store's clock.
    After(Duration),
    /// Then.
    At(Timestamp),
}

impl Due {
    /// The instant, by a clock that shows `now`.
    pub(crate) fn instant(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Now => now,
            Self::After(duration) => now.after(duration),
            Self::At(instant) => instant,
        }
    }
}

/// A job of the same kind, with the same key and while it holds the key, makes another a duplicate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unique {
    /// The key.
    pub key: String,
    /// For how long the key is held.
    pub mode: UniqueMode,
}

/// For how long a job holds its unique key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UniqueMode {
    /// Until its first attempt begins.
    WhilePending,
    /// Until it has an outcome.
    WhileActive,
    /// For this time, whatever becomes of it: one job per period.
    Throttle(Duration),
    /// Until its first attempt begins, which is this time after the last that was enqueued: a later job is no duplicate but
    /// takes the place of the one that waits, with its payload, envelope and priority.
    Debounce(Duration),
}

/// A store's answer about one job that somebody enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// It is stored, as surely as the store [promises](super::Durability).
    Stored,
    /// What it carries is stored under the name of the job that waited with the same key ([`UniqueMode::Debounce`]).
    Replaced(JobId),
    /// It is certainly not stored.
    Rejected(Rejection),
}

/// Why a job is certainly not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// As many jobs of its kind wait as may.
    #[error("as many jobs wait as may")]
    Full,
    /// This job has its name, its idempotency key or its unique key.
    #[error("it is the same as job {0}")]
    Duplicate(JobId),
    /// The payload is larger than [`PAYLOAD_LIMIT`].
    #[error(
        "its payload has {0} bytes, and a store takes {PAYLOAD_LIMIT}; store what is large elsewhere and enqueue its name"
    )]
    TooLarge(usize),
    /// The store takes nothing any more.
    #[error("the store is closed")]
    Closed,
}

/// Where a job is in its life. Every job that was stored is in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It will run: when it is due, when those before it have, when its key is free.
    Waiting,
    /// An owner has it.
    Running,
    /// It succeeded.
    Done,
    /// Its attempts are used up, or it could not be read. A dead letter.
    Dead,
    /// It was running in too many crashes, or in one that it must not survive. A dead letter for a human.
    Quarantined,
    /// Somebody ended it on purpose: its own verdict, or an operator.
    Cancelled,
}

impl State {
    /// All of them, in this order.
    pub const ALL: [Self; 6] =
        [Self::Waiting, Self::Running, Self::Done, Self::Dead, Self::Quarantined, Self::Cancelled];

    /// One lower-case word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Quarantined => "quarantined",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it is an outcome: nothing happens to the job any more unless a human wants it.
    pub const fn is_outcome(self) -> bool {
        !matches!(self, Self::Waiting | Self::Running)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// All that a store knows of a job, for whoever looks.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobView {
    /// Its name.
    pub id: JobId,
    /// What it is for.
    pub kind: Arc<str>,
    /// Where it is in its life.
    pub state: State,
    /// Greater goes first.
    pub priority: i8,
    /// When it may run, or might have.
    pub due: Timestamp,
    /// When it was enqueued.
    pub enqueued_at: Timestamp,
    /// When its latest attempt was claimed.
    pub claimed_at: Option<Timestamp>,
    /// When it got its outcome.
    pub ended_at: Option<Timestamp>,
    /// The number of its latest claim; 0 before the first.
    pub epoch: u64,
    /// Attempts that were spent.
    pub failures: u32,
    /// Crashes in which it was running.
    pub crashes: u32,
    /// Somebody wants it cancelled, and its owner has not answered yet.
    pub is_cancel_requested: bool,
    /// Its key, if it has one.
    pub serial_key: Option<String>,
    /// Why its last attempt failed, or why it was ended.
    pub reason: Option<String>,
    /// What is needed to read the payload.
    pub envelope: Envelope,
    /// What the function is called with.
    pub payload: Vec<u8>,
}

/// Without the payload, which is never logged.
impl fmt::Debug for JobView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobView")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("state", &self.state)
            .field("priority", &self.priority)
            .field("due", &self.due)
            .field("enqueued_at", &self.enqueued_at)
            .field("claimed_at", &self.claimed_at)
            .field("ended_at", &self.ended_at)
            .field("epoch", &self.epoch)
            .field("failures", &self.failures)
            .field("crashes", &self.crashes)
            .field("is_cancel_requested", &self.is_cancel_requested)
            .field("serial_key", &self.serial_key)
            .field("reason", &self.reason)
            .field("bytes", &self.payload.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_they_are_read_and_sort_by_age() {
        let ids: Vec<_> = (0..1000).map(|_| JobId::new()).collect();
        assert!(ids.is_sorted());
        for id in ids {
            assert_eq!(id.to_string().parse::<JobId>().unwrap(), id);
            assert_eq!(JobId::from_bytes(*id.as_bytes()), id);
        }
        let error = "banana".parse::<JobId>().unwrap_err().to_string();
        assert_eq!(error, "`banana` is no job id; one looks like 01890a5d-ac96-774b-bcce-b302099a8057");
    }

    #[test]
    fn payloads_are_never_shown() {
        let job = NewJob::new("mail", *b"hunter2");
        assert!(!format!("{job:?}").contains("104, 117"), "{job:?}");
    }
}
