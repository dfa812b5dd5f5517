//! What happened in a host, as data.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::moment::show;
use crate::ServiceState;
use crate::time::show_duration;

/// One thing that happened in a host, in the order of [`TestHost::events`](super::TestHost::events).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// When, by the host's wall clock.
    pub at: SystemTime,
    /// The function's name in this host; empty for what concerns the host itself.
    pub function: &'static str,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// The service or hook is in another state.
    State(ServiceState),
    /// A run began: a call of a background service, a run of a periodic function, an attempt at an item, a hook.
    RunBegan {
        /// Its number in this host, from 1, over all functions.
        run: u64,
    },
    /// A run ended.
    RunEnded {
        /// Its number.
        run: u64,
        /// How.
        end: RunEnd,
    },
    /// An item that failed waits to be tried again.
    Retrying {
        /// For so long.
        wait: Duration,
    },
    /// A run stands for scheduled instants that passed without one of their own.
    Missed {
        /// How many.
        count: u64,
    },
    /// A payload was accepted by the function's queue.
    Enqueued,
    /// Every service is ready.
    Started,
    /// The host was asked to stop by the test.
    StopRequested,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunEnd {
    /// Its body and all disposers succeeded.
    Succeeded,
    /// It failed: an error, a panic, a timeout, a component that could not be made, a disposer.
    Failed(String),
    /// It was dropped before it had ended.
    Dropped,
}

/// One run of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Run {
    /// Its number in this host, from 1, over all functions.
    pub number: u64,
    /// When it began, by the host's wall clock.
    pub began: SystemTime,
    /// When and how it ended; nothing while it is under way.
    pub ended: Option<(SystemTime, RunEnd)>,
}

impl Run {
    /// Whether it ended and succeeded.
    pub fn succeeded(&self) -> bool {
        matches!(self.ended, Some((_, RunEnd::Succeeded)))
    }

    /// Why it failed, if it did.
    pub fn error(&self) -> Option<&str> {
        match &self.ended {
            Some((_, RunEnd::Failed(error))) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let function = if self.function.is_empty() { "host" } else { self.function };
        write!(f, "{} {function}: {}", show(self.at), self.kind)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(ServiceState::Failed { error }) => write!(f, "failed: {error}"),
            Self::State(state) => state.fmt(f),
            Self::RunBegan { run } => write!(f, "run {run} began"),
            Self::RunEnded { run, end } => write!(f, "run {run} {end}"),
            Self::Retrying { wait } => write!(f, "tried again in {}", show_duration(*wait)),
            Self::Missed { count } => write!(f, "missed {count}"),
            Self::Enqueued => f.write_str("enqueued"),
            Self::Started => f.write_str("started"),
            Self::StopRequested => f.write_str("asked to stop"),
        }
    }
}

impl fmt::Display for RunEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded => f.write_str("succeeded"),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::Dropped => f.write_str("was dropped"),
        }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} run {} ", show(self.began), self.number)?;
        match &self.ended {
            None => f.write_str("is under way"),
            Some((_, end)) => end.fmt(f),
        }
    }
}
