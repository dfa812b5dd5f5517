//! Durations and dates as tests write them.

use std::time::{Duration, SystemTime};

use crate::time::parse_duration;

/// How long: a [`Duration`], or text such as `"1h 30m"`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a duration",
    note = "write a `std::time::Duration`, or text such as \"1h 30m\""
)]
pub trait Span {
    /// The duration.
    ///
    /// # Panics
    /// When the text is none.
    #[doc(hidden)]
    fn duration(self) -> Duration;
}

impl Span for Duration {
    fn duration(self) -> Duration {
        self
    }
}

impl Span for &str {
    #[track_caller]
    fn duration(self) -> Duration {
        match parse_duration(self) {
            Ok(duration) => duration,
            Err(error) => panic!("`{self}` is not a duration: {error}; write one such as \"5m\" or \"1h 30m\""),
        }
    }
}

/// When: a [`SystemTime`], or text such as `"2026-03-29T00:30:00Z"`, which is UTC.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a date with a time",
    note = "write a `std::time::SystemTime`, or text such as \"2026-03-29T00:30:00Z\""
)]
pub trait Moment {
    /// The moment.
    ///
    /// # Panics
    /// When the text is none.
    #[doc(hidden)]
    fn moment(self) -> SystemTime;
}

impl Moment for SystemTime {
    fn moment(self) -> SystemTime {
        self
    }
}

impl Moment for &str {
    #[track_caller]
    fn moment(self) -> SystemTime {
        match humantime::parse_rfc3339_weak(self) {
            Ok(moment) => moment,
            Err(error) => panic!(
                "`{self}` is not a date with a time: {error}; write one such as \"2026-03-29T00:30:00Z\", in UTC"
            ),
        }
    }
}

/// A moment as it is written here.
pub(super) fn show(moment: SystemTime) -> String {
    humantime::format_rfc3339_millis(moment).to_string()
}
