//! The options of the host itself: section `[host]`.

use std::time::Duration;

use super::Settings;
use crate::error::Problem;
use crate::time;

/// Section `[host]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HostOptions {
    /// How long stopping may take, from the first signal to the exit.
    pub(crate) stop_timeout: Duration,
    /// How long to stay up, no longer ready, before anything is stopped.
    pub(crate) drain_delay: Duration,
    /// How long a function may hold its thread before it is named; for ever if this is none.
    pub(crate) stall_after: Option<Duration>,
    /// Whether unknown sections, and unknown keys in users' sections, are errors.
    pub(crate) strict: bool,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            stop_timeout: Duration::from_secs(25),
            drain_delay: Duration::ZERO,
            stall_after: Some(Duration::from_secs(1)),
            strict: false,
        }
    }
}

impl HostOptions {
    pub(super) fn read(mut settings: Settings) -> (Self, Vec<Problem>) {
        let default = Self::default();
        let options = Self {
            stop_timeout: settings.duration("stop_timeout").unwrap_or(default.stop_timeout),
            drain_delay: settings.duration("drain_delay").unwrap_or(default.drain_delay),
            stall_after: if settings.word("stall_after", "none") {
                None
            } else {
                settings.period("stall_after").or(default.stall_after)
            },
            strict: settings.flag("strict").unwrap_or(default.strict),
        };
        if options.drain_delay >= options.stop_timeout && !options.drain_delay.is_zero() {
            let stop_timeout = time::show_duration(options.stop_timeout);
            settings.refuse(
                "drain_delay",
                &format!("takes all of `stop_timeout`, which is {stop_timeout}"),
                "the delay is part of it: make the delay shorter, or the timeout longer",
            );
        }
        (options, settings.finish(&[]))
    }
}
