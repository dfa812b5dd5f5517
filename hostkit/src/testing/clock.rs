//! The wall clock of a host under test.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::Moment;
use super::moment::show;
use crate::time::Clock;

/// Where a clock starts that nobody has set: 2026-01-01T00:00:00Z, a Thursday.
const DEFAULT: Duration = Duration::from_hours(20_454 * 24);

/// The wall clock of hosts under test: it starts at a date of your choice and moves with tokio's paused clock.
///
/// Give it to [`HostBuilder::test_clock`](crate::HostBuilder::test_clock), and a copy to whatever of yours asks what time
/// it is. Until the host has started it stands still. Cloning it clones a reference; hosts may share one, and two hosts
/// with two clocks live at different dates.
///
/// # Examples
/// ```
/// use std::time::SystemTime;
/// use hostkit::testing::TestClock;
///
/// /// What the program asks for the time.
/// trait Now: Send + Sync {
///     fn now(&self) -> SystemTime;
/// }
///
/// impl Now for TestClock {
///     fn now(&self) -> SystemTime { TestClock::now(self) }
/// }
///
/// let clock = TestClock::at("2026-03-29T00:30:00Z");
/// assert_eq!(clock.to_string(), "2026-03-29T00:30:00.000Z");
/// ```
#[derive(Clone)]
pub struct TestClock(pub(super) Clock);

impl TestClock {
    /// A clock that starts at this moment: a [`SystemTime`], or text such as `"2026-03-29T00:30:00Z"`, in UTC.
    ///
    /// # Panics
    /// When the text is no date with a time.
    #[track_caller]
    pub fn at(start: impl Moment) -> Self {
        Self(Clock::starting_at(start.moment()))
    }

    /// What it shows.
    pub fn now(&self) -> SystemTime {
        self.0.read().wall
    }
}

impl Default for TestClock {
    /// Starts at 2026-01-01T00:00:00Z, so that a test is the same every day.
    fn default() -> Self {
        Self::at(SystemTime::UNIX_EPOCH + DEFAULT)
    }
}

impl fmt::Display for TestClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show(self.now()))
    }
}

impl fmt::Debug for TestClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TestClock({self})")
    }
}
