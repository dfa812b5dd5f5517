//! What a queued function's attribute and its section of the configuration say.

use std::fmt;
use std::time::Duration;

use crate::config::Settings;
use crate::time::show_duration;

/// The channel's slots are allocated when the host is built.
const LARGEST: usize = 10_000_000;
/// Each worker is a task.
const MOST_WORKERS: usize = 10_000;

/// Options that are known and whatever their value not built yet.
pub(super) const UNBUILT: &[&str] = &["leftover", "durable"];

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
    pub(super) timeout: Option<Duration>,
    pub(super) on_failure: OnFailure,
    pub(super) at_stop: AtStop,
    pub(super) stop_timeout: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            capacity: 100,
            concurrency: 1,
            timeout: None,
            on_failure: OnFailure::Continue,
            at_stop: AtStop::Drain,
            stop_timeout: None,
        }
    }
}

impl Options {
    pub(super) fn read(settings: &mut Settings) -> Self {
        refuse_unbuilt(settings);
        let default = Self::default();
        let at_stop = |drain| if drain { AtStop::Drain } else { AtStop::Leave };
        Self {
            capacity: settings.count("capacity", 1..=LARGEST).unwrap_or(default.capacity),
            concurrency: settings.count("concurrency", 1..=MOST_WORKERS).unwrap_or(default.concurrency),
            timeout: settings.period("timeout"),
            on_failure: settings
                .choice("on_failure", &[("continue", OnFailure::Continue), ("stop-host", OnFailure::StopHost)])
                .unwrap_or(default.on_failure),
            at_stop: settings.flag("drain").map_or(default.at_stop, at_stop),
            stop_timeout: settings.duration("stop_timeout"),
        }
    }
}

/// Options and values that are part of the contract and come later; none of them is ignored.
fn refuse_unbuilt(settings: &mut Settings) {
    const NOT_BUILT: &str = "is not built yet";
    let full = [("wait", true), ("reject", false), ("drop-oldest", false), ("drop-newest", false)];
    if settings.choice("full", &full) == Some(false) {
        settings.refuse("full", NOT_BUILT, "use \"wait\", the default, and `try_enqueue` where waiting is wrong");
    }
    if settings.count("attempts", 1..=usize::MAX).is_some_and(|attempts| attempts > 1) {
        settings.refuse("attempts", NOT_BUILT, "use 1, the default");
    }
    if settings.backoff("backoff").is_some() {
        settings.refuse("backoff", NOT_BUILT, "remove `backoff`, which belongs to `attempts`");
    }
    for key in UNBUILT {
        if settings.origin(key).is_some() {
            settings.refuse(key, NOT_BUILT, format!("remove `{key}`"));
        }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "capacity {}, concurrency {}", self.capacity, self.concurrency)?;
        if let Some(limit) = self.timeout {
            write!(f, ", at most {} each", show_duration(limit))?;
        }
        if self.on_failure == OnFailure::StopHost {
            f.write_str(", a failure stops the host")?;
        }
        if self.at_stop == AtStop::Leave {
            f.write_str(", not drained at stop")?;
        }
        Ok(())
    }
}
