//! What is taken when a process comes back, or somebody has set the wall clock.

use std::time::{Duration, SystemTime};

use super::{Grid, MOST, Schedule, Way};
use crate::periodic::options::Missed;
use crate::time::{Reading, now};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
/// 2024-01-01 00:00:00 UTC.
const NEW_YEAR: Duration = Duration::from_hours(473_352);

/// Clocks that a test sets.
struct Clocks(Reading);

impl Clocks {
    fn new() -> Self {
        Self(Reading { instant: now(), wall: SystemTime::UNIX_EPOCH + NEW_YEAR })
    }

    fn pass(&mut self, time: Duration) {
        self.0.instant += time;
        self.0.wall += time;
    }

    /// Somebody sets the wall clock.
    fn forward(&mut self, time: Duration) {
        self.0.wall += time;
    }

    fn back(&mut self, time: Duration) {
        self.0.wall -= time;
    }
}

/// What a process that was away finds when it comes back, and how long it waits then.
fn back_after(schedule: &Schedule, missed: Missed, away: Duration) -> (Vec<u64>, Duration) {
    let mut clocks = Clocks::new();
    let mut grid = Grid::new(schedule, None, 1, &clocks.0);
    clocks.pass(away);
    let mut taken = Vec::new();
    while grid.wait(&clocks.0).is_zero() {
        taken.extend(grid.take(&clocks.0, Way::Free, missed).map(|taken| taken.missed));
    }
    (taken, grid.wait(&clocks.0))
}

fn check(schedule: &Schedule) {
    // Seven seconds late is on time, half an hour is not.
    let late = |hours: u32| HOUR * hours + HOUR / 2;
    let rest = HOUR / 2;
    assert_eq!(back_after(schedule, Missed::Once, HOUR + 7 * SECOND), (vec![0], Duration::from_secs(3593)));
    assert_eq!(back_after(schedule, Missed::Once, late(1)), (vec![1], rest));
    assert_eq!(back_after(schedule, Missed::Once, late(5)), (vec![5], rest));
    assert_eq!(back_after(schedule, Missed::Skip, HOUR + 7 * SECOND), (vec![0], Duration::from_secs(3593)));
    assert_eq!(back_after(schedule, Missed::Skip, late(1)), (vec![], rest));
    assert_eq!(back_after(schedule, Missed::Skip, HOUR * 5 + 7 * SECOND), (vec![4], Duration::from_secs(3593)));
    assert_eq!(back_after(schedule, Missed::All, HOUR + 7 * SECOND), (vec![0], Duration::from_secs(3593)));
    assert_eq!(back_after(schedule, Missed::All, late(3)), (vec![1, 1, 1], rest));
    assert_eq!(back_after(schedule, Missed::All, HOUR * 3 + SECOND), (vec![1, 1, 0], Duration::from_secs(3599)));
    // A machine that was off for a year is not busy for long.
    let (taken, wait) = back_after(schedule, Missed::All, late(8760));
    assert_eq!((taken.len(), wait), (usize::try_from(MOST).unwrap(), rest));
}

#[test]
fn a_suspended_process_makes_up_for_what_it_missed_as_it_is_told() {
    check(&Schedule::Every(HOUR));
}

#[test]
fn skipped_instants_are_counted_by_the_next_run() {
    let mut clocks = Clocks::new();
    let mut grid = Grid::new(&Schedule::Every(HOUR), None, 1, &clocks.0);
    clocks.pass(HOUR * 3 + HOUR / 2);
    assert_eq!(grid.take(&clocks.0, Way::Free, Missed::Skip), None);
    clocks.pass(HOUR / 2);
    assert_eq!(grid.take(&clocks.0, Way::Free, Missed::Skip).map(|taken| taken.missed), Some(3));
    clocks.pass(HOUR);
    assert_eq!(grid.take(&clocks.0, Way::Free, Missed::Skip).map(|taken| taken.missed), Some(0));
}

#[test]
fn a_period_does_not_care_about_the_wall_clock() {
    for set in [Clocks::forward, Clocks::back] {
        let mut clocks = Clocks::new();
        let mut grid = Grid::new(&Schedule::Every(HOUR), None, 1, &clocks.0);
        clocks.pass(HOUR / 2);
        set(&mut clocks, HOUR);
        grid.look(&clocks.0);
        assert_eq!(grid.wait(&clocks.0), HOUR / 2);
        clocks.pass(HOUR / 2);
        assert_eq!(grid.take(&clocks.0, Way::Free, Missed::Once).map(|taken| taken.missed), Some(0));
    }
}

#[cfg(feature = "cron")]
mod cron {
    use std::sync::Arc;

    use super::*;
    use crate::periodic::cron::Cron;

    fn schedule(text: &str) -> Schedule {
        let expression = hostkit_cron::Expression::parse(text).unwrap();
        Schedule::Cron(Arc::new(Cron::new(text, expression, jiff::tz::TimeZone::UTC)))
    }

    fn time(taken: Option<super::super::Taken>) -> Option<Duration> {
        taken.map(|taken| taken.time.duration_since(SystemTime::UNIX_EPOCH + NEW_YEAR).unwrap())
    }

    #[test]
    fn a_suspended_process_makes_up_for_what_it_missed_by_the_wall_clock_as_well() {
        check(&schedule("@hourly"));
    }

    #[test]
    fn the_wall_clock_set_forward_makes_runs_late_and_skips_none_in_silence() {
        let mut clocks = Clocks::new();
        let schedule = schedule("30 * * * *");
        let mut grid = Grid::new(&schedule, None, 1, &clocks.0);
        clocks.pass(20 * 60 * SECOND);
        clocks.forward(HOUR);
        grid.look(&clocks.0);
        assert_eq!(grid.wait(&clocks.0), Duration::ZERO);
        let taken = grid.take(&clocks.0, Way::Free, Missed::Once);
        assert_eq!((taken.map(|taken| taken.missed), time(taken)), (Some(1), Some(HOUR / 2)));
        assert_eq!(grid.wait(&clocks.0), 10 * 60 * SECOND);
    }

    #[test]
    fn the_wall_clock_set_back_brings_no_instant_back() {
        let mut clocks = Clocks::new();
        let schedule = schedule("30 * * * *");
        let mut grid = Grid::new(&schedule, None, 1, &clocks.0);
        clocks.pass(31 * 60 * SECOND);
        assert_eq!(time(grid.take(&clocks.0, Way::Free, Missed::All)), Some(HOUR / 2));
        clocks.back(HOUR);
        grid.look(&clocks.0);
        // Not at 00:30, which has been.
        assert_eq!(grid.wait(&clocks.0), Duration::from_mins(119));
        clocks.pass(Duration::from_mins(119));
        assert_eq!(time(grid.take(&clocks.0, Way::Free, Missed::All)), Some(HOUR + HOUR / 2));
    }

    #[test]
    fn a_wall_clock_that_was_wrong_by_years_is_believed_when_it_is_right() {
        let mut clocks = Clocks::new();
        clocks.forward(HOUR * 24 * 3650);
        let schedule = schedule("@hourly");
        let mut grid = Grid::new(&schedule, None, 1, &clocks.0);
        clocks.back(HOUR * 24 * 3650);
        grid.look(&clocks.0);
        assert_eq!(grid.wait(&clocks.0), HOUR);
    }

    #[test]
    fn a_schedule_that_comes_no_more_waits_for_nothing() {
        let mut clocks = Clocks::new();
        clocks.forward(HOUR * 24 * 365 * 7975);
        let schedule = schedule("0 0 1 1 *");
        let mut grid = Grid::new(&schedule, None, 1, &clocks.0);
        while grid.next.is_some() {
            clocks.forward(HOUR * 24 * 366);
            grid.take(&clocks.0, Way::Free, Missed::Once);
        }
        assert_eq!(grid.take(&clocks.0, Way::Free, Missed::Once), None);
    }
}
