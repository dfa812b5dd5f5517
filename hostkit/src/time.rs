//! The one door for time: clocks, durations as people write them, and backoff.
//!
//! Everything that waits asks [`now`], so a test that pauses tokio's clock pauses all of hostkit. The wall clock is a
//! [`Clock`], which follows tokio's clock where that is paused.

mod clock;
#[cfg(feature = "testing")]
mod paused;

use std::fmt;
use std::time::Duration;

pub(crate) use clock::{Clock, ClockWatch, Reading, clock_set};
#[cfg(feature = "testing")]
pub(crate) use paused::pause;

use tokio::time::Instant;

/// A century. Longer durations are mistakes, and instants so far away overflow some platforms' clocks.
const LONGEST: Duration = Duration::from_hours(36_525 * 24);

/// The monotonic clock that schedules, timeouts and deadlines follow.
#[allow(clippy::disallowed_methods, reason = "this is the door that the ban points to")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The clock of the machine, which no test pauses, for whatever looks after hosts from outside their runtimes.
#[allow(clippy::disallowed_methods, reason = "this is the door that the ban points to")]
pub(crate) fn real_now() -> std::time::Instant {
    std::time::Instant::now()
}

/// Whether time stands still here unless a test moves it.
#[cfg(feature = "durable")]
pub(crate) fn is_paused() -> bool {
    let before = real_now();
    let shown = now().into_std();
    !(before..=real_now()).contains(&shown)
}

/// Reads a duration such as `250ms` or `1h 30m`.
///
/// # Errors
///
/// The reason it is none, as the end of a sentence.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, TimeError> {
    let duration = humantime::parse_duration(text.trim()).map_err(|error| TimeError(reason(&error)))?;
    if duration > LONGEST {
        return Err(TimeError("it is longer than a century".to_owned()));
    }
    Ok(duration)
}

/// What is wrong with a text, without the parser's counting of bytes.
fn reason(error: &humantime::DurationError) -> String {
    use humantime::DurationError::{Empty, InvalidCharacter, NumberExpected, NumberOverflow, UnknownUnit};
    match error {
        Empty => "it is empty".to_owned(),
        NumberExpected(0) => "it does not begin with a number".to_owned(),
        NumberExpected(_) => "a number is missing before a unit".to_owned(),
        InvalidCharacter(_) => "it has a character that belongs to no number and no unit".to_owned(),
        UnknownUnit { unit, .. } if unit.is_empty() => "the unit is missing, as in 5s or 5ms".to_owned(),
        UnknownUnit { unit, .. } => format!("`{unit}` is no unit: there are ms, s, m, h, days, weeks and more"),
        NumberOverflow => "the number is too large".to_owned(),
    }
}

/// Writes a duration the way [`parse_duration`] reads it.
pub(crate) fn show_duration(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

/// Writes a duration in whole milliseconds, for logs.
pub(crate) fn show_rounded(duration: Duration) -> String {
    show_duration(Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
}

/// Why a text is no duration or no backoff.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TimeError(String);

/// How long to wait before trying again.
///
/// Written as a range, `1s..1m`, it grows exponentially from the first delay to the last; a single duration stays the
/// same. Each delay is drawn uniformly between half and all of `min(first * 2^n, last)`, so that what failed together
/// does not come back together. `1s..1m` waits:
///
/// | failures before | n | at least | at most |
/// |---|---|---|---|
/// | 1 | 0 | 500ms | 1s |
/// | 2 | 1 | 1s | 2s |
/// | 3 | 2 | 2s | 4s |
/// | 4 | 3 | 4s | 8s |
/// | 5 | 4 | 8s | 16s |
/// | 6 | 5 | 16s | 32s |
/// | 7 and more | 6… | 30s | 1m |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backoff {
    /// The delay after the first failure, at most.
    pub(crate) first: Duration,
    /// The delay it grows to, at most.
    pub(crate) last: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), last: Duration::from_mins(1) }
    }
}

impl Backoff {
    /// Reads `1s..1m`, or a single duration for a delay that does not grow.
    ///
    /// # Errors
    ///
    /// The reason it is none, as the end of a sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, TimeError> {
        let Some((first, last)) = text.split_once("..") else {
            let only = parse_duration(text)?;
            return Ok(Self { first: only, last: only });
        };
        let (first, last) = (parse_duration(first)?, parse_duration(last)?);
        if first.is_zero() {
            return Err(TimeError("a range that starts at zero never grows".to_owned()));
        }
        if first > last {
            return Err(TimeError("the first delay is longer than the last".to_owned()));
        }
        Ok(Self { first, last })
    }

    /// The delay before try `n + 1` after a failure, jitter included; `n` counts from 0.
    pub(crate) fn delay(self, n: u32) -> Duration {
        let all = self.ceiling(n);
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(fastrand::u64(nanos(all / 2)..=nanos(all)))
    }

    /// `min(first * 2^n, last)`.
    fn ceiling(self, n: u32) -> Duration {
        1_u32
            .checked_shl(n)
            .and_then(|factor| self.first.checked_mul(factor))
            .map_or(self.last, |all| all.min(self.last))
    }
}

impl fmt::Display for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", show_duration(self.first))?;
        if self.first != self.last {
            write!(f, "..{}", show_duration(self.last))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, expected) in [
            ("250ms", Duration::from_millis(250)),
            ("1h 30m", 5400 * SECOND),
            (" 5m ", 300 * SECOND),
            ("0s", Duration::ZERO),
            ("36525days", LONGEST),
        ] {
            assert_eq!(parse_duration(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        for (text, reason) in [
            ("", "it is empty"),
            ("5", "the unit is missing, as in 5s or 5ms"),
            ("5 bananas", "`bananas` is no unit"),
            ("-5s", "it does not begin with a number"),
            ("5m h", "a number is missing before a unit"),
            ("5m!", "a character that belongs to no number and no unit"),
            ("200years", "longer than a century"),
            ("99999999999999999999s", "too large"),
        ] {
            let error = parse_duration(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_backoff_is_a_range_or_one_duration() {
        let backoff = |first, last| Ok(Backoff { first, last });
        assert_eq!(Backoff::parse("1s..1m"), backoff(SECOND, 60 * SECOND));
        assert_eq!(Backoff::parse("1s .. 1m"), backoff(SECOND, 60 * SECOND));
        assert_eq!(Backoff::parse("5s"), backoff(5 * SECOND, 5 * SECOND));
        for text in ["1m..1s", "0s..1m", "1s..", "..1m", "1s...1m", "soon"] {
            assert!(Backoff::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_backoff_is_written_as_it_is_read() {
        for text in ["1s..1m", "5s", "250ms..1h 30m"] {
            assert_eq!(Backoff::parse(text).map(|backoff| backoff.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn delays_double_up_to_the_last_and_lie_in_the_upper_half() {
        let backoff = Backoff::default();
        for (n, seconds) in [(0, 1), (1, 2), (2, 4), (5, 32), (6, 60), (31, 60), (32, 60), (u32::MAX, 60)] {
            let all = seconds * SECOND;
            assert_eq!(backoff.ceiling(n), all, "n = {n}");
            for _ in 0..100 {
                let delay = backoff.delay(n);
                assert!(delay >= all / 2 && delay <= all, "n = {n}: {delay:?}");
            }
        }
    }

    #[test]
    fn delays_differ() {
        let backoff = Backoff::default();
        let delays: std::collections::BTreeSet<_> = (0..100).map(|_| backoff.delay(3)).collect();
        assert!(delays.len() > 50, "{}", delays.len());
    }

    #[test]
    fn the_longest_backoff_does_not_overflow() {
        let backoff = Backoff { first: LONGEST, last: LONGEST };
        assert!(backoff.delay(31) <= LONGEST);
    }
}
