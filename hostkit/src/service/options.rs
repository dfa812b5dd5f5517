//! What a background service's attribute and its section of the configuration say.

use std::fmt;
use std::time::Duration;

use crate::config::Settings;
use crate::time::{Backoff, show_duration};

/// More instances than this of one function are a mistake.
const MOST_INSTANCES: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    StopHost,
    Restart,
    Ignore,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnComplete {
    Done,
    KeepRunning,
    StopHost,
    Restart,
}

#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) on_failure: OnFailure,
    pub(super) on_complete: OnComplete,
    pub(super) backoff: Backoff,
    /// At most this many restarts in any `within`.
    pub(super) max_restarts: usize,
    pub(super) within: Duration,
    pub(super) start_timeout: Option<Duration>,
    pub(super) stop_timeout: Option<Duration>,
    pub(super) instances: usize,
    /// Whether it is finite and may hold scoped components for all its life.
    pub(super) whole_run: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            on_failure: OnFailure::StopHost,
            on_complete: OnComplete::Done,
            backoff: Backoff::default(),
            max_restarts: 5,
            within: Duration::from_mins(10),
            start_timeout: None,
            stop_timeout: None,
            instances: 1,
            whole_run: false,
        }
    }
}

impl Options {
    pub(super) fn read(settings: &mut Settings) -> Self {
        let default = Self::default();
        let on_failure =
            [("stop-host", OnFailure::StopHost), ("restart", OnFailure::Restart), ("ignore", OnFailure::Ignore)];
        let on_complete = [
            ("done", OnComplete::Done),
            ("keep-running", OnComplete::KeepRunning),
            ("stop-host", OnComplete::StopHost),
            ("restart", OnComplete::Restart),
        ];
        Self {
            on_failure: settings.choice("on_failure", &on_failure).unwrap_or(default.on_failure),
            on_complete: settings.choice("on_complete", &on_complete).unwrap_or(default.on_complete),
            backoff: settings.backoff("backoff").unwrap_or(default.backoff),
            max_restarts: settings.count("max_restarts", 0..=1_000_000).unwrap_or(default.max_restarts),
            within: settings.period("within").unwrap_or(default.within),
            start_timeout: settings.period("start_timeout"),
            stop_timeout: settings.duration("stop_timeout"),
            instances: settings.count("instances", 1..=MOST_INSTANCES).unwrap_or(default.instances),
            whole_run: settings.choice("scope", &[("whole-run", ())]).is_some(),
        }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.on_failure {
            OnFailure::StopHost => f.write_str("a failure stops the host")?,
            OnFailure::Ignore => f.write_str("a failure is ignored")?,
            OnFailure::Restart => write!(
                f,
                "restarted {} times in {} with backoff {}",
                self.max_restarts,
                show_duration(self.within),
                self.backoff
            )?,
        }
        match self.on_complete {
            OnComplete::Done => {}
            OnComplete::KeepRunning => f.write_str(", its end keeps the host running")?,
            OnComplete::StopHost => f.write_str(", its end stops the host")?,
            OnComplete::Restart => f.write_str(", restarted when it ends")?,
        }
        if self.instances > 1 {
            write!(f, ", {} instances", self.instances)?;
        }
        Ok(())
    }
}
