//! Instants as stores keep them, and the clock that decides.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use crate::time::Clock;

/// An instant of a store's clock, in microseconds since 1970 (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// So many microseconds after 1970.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This much later; the end of time if that is later than it.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// This much earlier; the beginning of time if that is earlier than it.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }

    /// How much later than `earlier` it is; nothing if it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Self(micros(since)),
            Err(before) => Self(-micros(before.duration())),
        }
    }
}

impl From<Timestamp> for SystemTime {
    fn from(timestamp: Timestamp) -> Self {
        let distance = Duration::from_micros(timestamp.0.unsigned_abs());
        let time = if timestamp.0 < 0 {
            Self::UNIX_EPOCH.checked_sub(distance)
        } else {
            Self::UNIX_EPOCH.checked_add(distance)
        };
        time.unwrap_or(Self::UNIX_EPOCH)
    }
}

/// As RFC 3339, in UTC; an instant outside of the years 1970 to 9999 as a number.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// The first microsecond of the year 10000.
        const TOO_LATE: i64 = 253_402_300_800_000_000;
        if (0..TOO_LATE).contains(&self.0) {
            write!(f, "{}", humantime::format_rfc3339_millis((*self).into()))
        } else {
            write!(f, "{} us", self.0)
        }
    }
}

/// What a store that lives in this machine goes by. Cloning it clones a reference.
#[derive(Debug, Clone)]
pub struct StoreClock(Source);

#[derive(Debug, Clone)]
enum Source {
    Wall(Clock),
    Manual(Arc<AtomicI64>),
}

impl StoreClock {
    /// The wall clock of the machine, or one that stands still with tokio's where a test pauses that.
    pub fn machine() -> Self {
        Self(Source::Wall(Clock::default()))
    }

    /// What a host goes by.
    pub(crate) fn of_host(clock: Clock) -> Self {
        Self(Source::Wall(clock))
    }

    /// A clock that only [`advance`](Self::advance) moves, for tests.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.0))))
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::Wall(clock) => clock.read().wall.into(),
            Source::Manual(now) => Timestamp(now.load(Ordering::SeqCst)),
        }
    }

    /// Moves a [manual](Self::manual) clock; the machine's stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(now) = &self.0 {
            now.fetch_add(micros(by), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_shown_as_people_read_them_and_extremes_do_not_panic() {
        for (micros, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_793_000_000_123_456, "2026-10-26T07:33:20.123Z"),
            (-1, "-1 us"),
            (i64::MAX, "9223372036854775807 us"),
            (i64::MIN, "-9223372036854775808 us"),
        ] {
            assert_eq!(Timestamp(micros).to_string(), expected);
        }
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_time() {
        assert_eq!(Timestamp(i64::MAX).after(Duration::MAX), Timestamp(i64::MAX));
        assert_eq!(Timestamp(i64::MIN).before(Duration::MAX), Timestamp(i64::MIN));
        assert_eq!(Timestamp(5).since(Timestamp(7)), Duration::ZERO);
        assert_eq!(Timestamp(7).since(Timestamp(5)), Duration::from_micros(2));
        assert_eq!(Timestamp::from(SystemTime::from(Timestamp(1_500_000))), Timestamp(1_500_000));
    }
}
