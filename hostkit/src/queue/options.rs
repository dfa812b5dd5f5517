//! What a queued function's attribute and its section of the configuration say.

use std::fmt;
use std::time::Duration;

use crate::config::Settings;
use crate::time::{Backoff, show_duration};

/// More than is good for anybody's memory.
const LARGEST: usize = 10_000_000;
/// Each worker is a task.
pub(super) const MOST_WORKERS: usize = 10_000;
/// More tries than anybody waits for.
pub(super) const MOST_ATTEMPTS: usize = 1_000_000;

const FULL: &[(&str, Full)] = &[
    ("wait", Full::Wait),
    ("reject", Full::Reject),
    ("drop-oldest", Full::DropOldest),
    ("drop-newest", Full::DropNewest),
];

/// What happens to a payload when no place is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// Whoever enqueues waits.
    Wait,
    /// It is given back.
    Reject,
    /// It takes the place of the one that has waited longest.
    DropOldest,
    /// It is dropped.
    DropNewest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    Continue,
    StopHost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtStop {
    /// What waits is worked off until the deadline.
    Drain,
    /// What waits is left.
    Leave,
}

#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) capacity: usize,
    pub(super) concurrency: usize,
    pub(super) full: Full,
    /// How often an item is tried, the first time included.
    pub(super) attempts: u32,
    pub(super) backoff: Backoff,
    pub(super) timeout: Option<Duration>,
    pub(super) on_failure: OnFailure,
    pub(super) at_stop: AtStop,
    /// The function that takes what is left, as it is written.
    pub(super) leftover: Option<String>,
    pub(super) stop_timeout: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            capacity: 100,
            concurrency: 1,
            full: Full::Wait,
            attempts: 1,
            backoff: Backoff::default(),
            timeout: None,
            on_failure: OnFailure::Continue,
            at_stop: AtStop::Drain,
            leftover: None,
            stop_timeout: None,
        }
    }
}

impl Options {
    pub(super) fn read(settings: &mut Settings) -> Self {
        let default = Self::default();
        let at_stop = |drain| if drain { AtStop::Drain } else { AtStop::Leave };
        Self {
            capacity: settings.count("capacity", 1..=LARGEST).unwrap_or(default.capacity),
            concurrency: settings.count("concurrency", 1..=MOST_WORKERS).unwrap_or(default.concurrency),
            full: settings.choice("full", FULL).unwrap_or(default.full),
            attempts: settings
                .count("attempts", 1..=MOST_ATTEMPTS)
                .and_then(|attempts| attempts.try_into().ok())
                .unwrap_or(default.attempts),
            backoff: settings.backoff("backoff").unwrap_or(default.backoff),
            timeout: settings.limit("timeout", None),
            on_failure: settings
                .choice("on_failure", &[("continue", OnFailure::Continue), ("stop-host", OnFailure::StopHost)])
                .unwrap_or(default.on_failure),
            at_stop: settings.flag("drain").map_or(default.at_stop, at_stop),
            leftover: settings.text("leftover"),
            stop_timeout: settings.duration("stop_timeout"),
        }
    }
}

impl Options {
    /// Whether the payload allows what the options ask for.
    pub(super) fn check_payload(&self, settings: &mut Settings, can_be_copied: bool) {
        if self.attempts > 1 && !can_be_copied {
            let help = "let the payload implement `Clone`, or use 1, the default";
            settings.refuse("attempts", "needs a payload that can be copied for the next attempt", help);
        }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "capacity {}, concurrency {}", self.capacity, self.concurrency)?;
        if let Some((word, _)) = FULL.iter().find(|(_, full)| *full == self.full && *full != Full::Wait) {
            write!(f, ", {word} when full")?;
        }
        if let Some(limit) = self.timeout {
            write!(f, ", at most {} each", show_duration(limit))?;
        }
        if self.attempts > 1 {
            write!(f, ", {} attempts {} apart", self.attempts, self.backoff)?;
        }
        if self.on_failure == OnFailure::StopHost {
            f.write_str(", a failure stops the host")?;
        }
        if self.at_stop == AtStop::Leave {
            f.write_str(", not drained at stop")?;
        }
        if let Some(taker) = &self.leftover {
            write!(f, ", what is left goes to `{taker}`")?;
        }
        Ok(())
    }
}
