//! What people and dashboards ask of a store.

use std::sync::Arc;
use std::time::Duration;

use super::{JobView, State};

/// Which jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this kind \[any\].
    pub kind: Option<Arc<str>>,
    /// In this state \[any\].
    pub state: Option<State>,
}

/// Which part of a list. Lists begin with what was enqueued last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many jobs.
    pub limit: u32,
    /// Where the former page ended \[the beginning\].
    pub after: Option<Cursor>,
}

/// A place in a list; only good for the store that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub(super) i64);

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The jobs, the one that was enqueued last first.
    pub jobs: Vec<JobView>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Cursor>,
}

/// How many jobs of a kind there are, by state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// The kind.
    pub kind: Arc<str>,
    /// One number for each of [`State::ALL`].
    by_state: [u64; State::ALL.len()],
}

impl Counts {
    pub(super) fn new(kind: Arc<str>) -> Self {
        Self { kind, by_state: [0; State::ALL.len()] }
    }

    pub(super) fn add(&mut self, state: State, count: u64) {
        self.by_state[state as usize] += count;
    }

    /// How many are in this state.
    pub fn of(&self, state: State) -> u64 {
        self.by_state[state as usize]
    }

    /// How many there are.
    pub fn all(&self) -> u64 {
        self.by_state.iter().sum()
    }
}

/// What became of an operator's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is so.
    Changed,
    /// The job runs, and its owner has been asked.
    Requested,
    /// The job is in this state, which does not allow it.
    Refused(State),
    /// Another job holds the unique key that it would need.
    Duplicate(super::JobId),
    /// There is no such job.
    NotFound,
}

/// How many jobs were changed, and whether to ask again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Batch {
    /// So many.
    pub changed: u64,
    /// The limit was met, so there may be more.
    pub has_more: bool,
}

/// What is kept long enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Jobs of this kind.
    pub kind: Arc<str>,
    /// What is done or cancelled is deleted after this time.
    pub done: Duration,
    /// What is dead or quarantined is deleted after this time.
    pub dead: Duration,
}

/// What an `Ok` of a store survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Nothing: it is gone with the process.
    Process,
    /// The process being killed. What was said just before the machine lost its power may be lost.
    Machine,
    /// The machine losing its power, if its disk keeps what it says it has written.
    Disk,
    /// A disk or a machine that is lost.
    Replicated,
}
