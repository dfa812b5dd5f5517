//! The instants at which a function is due, taken one by one.
//!
//! # Invariants
//!
//! 1. Point `k` of `every` lies `k` periods after the origin: lateness of one run never moves another.
//! 2. Every point is taken once, by the one run that stands for it, and points are taken in order.
//! 3. Setting the wall clock brings no point back: what was taken stays taken, unless the clock goes back so far that it
//!    was wrong before.

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::options::{Missed, Schedule};
use crate::time::Reading;

/// Farther away than any host runs, and near enough for every platform's clock.
const FAR: Duration = Duration::from_hours(262_800);

/// A run that begins this much after its instant is on time: a busy machine is no reason to leave a run out.
const PUNCTUAL: Duration = Duration::from_secs(10);

/// A wall clock that goes back farther than this was wrong before (crontab's own rule).
const CORRECTION: Duration = Duration::from_hours(3);

/// As many missed instants are counted of a schedule by the wall clock, and as many are made up for one by one. A machine
/// whose clock was years behind would be busy for long otherwise.
pub(super) const MOST: u64 = 1000;

#[derive(Debug)]
pub(super) struct Grid<'s> {
    schedule: &'s Schedule,
    origin: Instant,
    /// In nanoseconds, as below: a grid is held by every schedule at rest.
    jitter: u64,
    /// The first point that nobody has taken; none if there is no more.
    next: Option<Point>,
    /// How much later than its point its run begins.
    delay: u64,
    /// Points without a run since the last run.
    skipped: u64,
    /// The wall clock when it was last looked at.
    seen: SystemTime,
}

/// One of the instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    /// So many periods after the origin.
    Every(u64),
    /// By the wall clock.
    Wall(SystemTime),
}

/// The points that one run stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    /// The first of them, by the monotonic clock.
    pub(super) scheduled: Instant,
    /// The same by the wall clock.
    pub(super) time: SystemTime,
    pub(super) missed: u64,
    /// When it was taken, which is when the run begins.
    pub(super) began: Instant,
}

/// Whether something was in the way of a run that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Free,
    /// The former run went on when this one was due.
    Blocked,
}

/// Every point up to now.
#[derive(Debug, Clone, Copy)]
struct Passed {
    count: u64,
    latest: Point,
}

impl Taken {
    /// A run for a reason that is not on the grid.
    pub(super) fn at(reading: &Reading) -> Self {
        Self { scheduled: reading.instant, time: reading.wall, missed: 0, began: reading.instant }
    }
}

impl<'s> Grid<'s> {
    /// The grid of a function that became ready now. `first` is the number of the first point of `every`.
    pub(super) fn new(schedule: &'s Schedule, jitter: Option<Duration>, first: u64, ready: &Reading) -> Self {
        let mut grid = Self {
            schedule,
            origin: ready.instant,
            jitter: nanos(jitter.unwrap_or_default()),
            next: None,
            delay: 0,
            skipped: 0,
            seen: ready.wall,
        };
        let next = match grid.schedule {
            Schedule::Every(_) => Some(Point::Every(first)),
            Schedule::Cron(cron) => cron.after(ready.wall).map(Point::Wall),
        };
        grid.go_on(next);
        grid
    }

    /// Looks at the wall clock, which somebody may have set.
    pub(super) fn look(&mut self, at: &Reading) {
        if let Schedule::Every(_) = self.schedule {
            return;
        }
        let seen = std::mem::replace(&mut self.seen, at.wall);
        if seen.duration_since(at.wall).is_ok_and(|back| back > CORRECTION)
            && let Some(Point::Wall(time)) = self.next
            && let Some(next) = self.following(Point::Wall(at.wall))
            && next != Point::Wall(time)
        {
            tracing::info!(target: "hostkit::periodic", "the wall clock went back by hours; schedules begin anew");
            self.go_on(Some(next));
        }
    }

    /// How long it is until the next run begins, or very long if there is no more.
    pub(super) fn wait(&self, at: &Reading) -> Duration {
        let Some(point) = self.next else { return FAR };
        let wait = match point {
            Point::Every(number) => Duration::from_nanos(self.due(number, self.delay).saturating_sub(self.passed(at))),
            Point::Wall(time) => (time + self.delay()).duration_since(at.wall).unwrap_or_default(),
        };
        // A clock that was set centuries back is set again before that.
        wait.min(FAR)
    }

    /// Whether the next run should have begun before.
    pub(super) fn way(&self, at: &Reading) -> Way {
        match self.next {
            Some(point) if !self.lateness(point, self.delay(), at).is_zero() => Way::Blocked,
            _ => Way::Free,
        }
    }

    /// Takes what a run that begins now stands for. None if nothing is due, or if what was is passed over.
    pub(super) fn take(&mut self, at: &Reading, way: Way, missed: Missed) -> Option<Taken> {
        let first = self.next?;
        if !self.wait(at).is_zero() {
            return None;
        }
        let lateness = self.lateness(first, self.delay(), at);
        if missed == Missed::All {
            self.shorten(at);
            let first = self.next?;
            let next = self.following(first);
            self.go_on(next);
            let is_late = way == Way::Blocked
                || lateness > PUNCTUAL
                || next.is_some_and(|next| !self.lateness(next, Duration::ZERO, at).is_zero());
            return Some(self.taken(first, at, u64::from(is_late)));
        }
        let Passed { count, latest } = self.pass(first, at);
        let lateness = if latest == first { lateness } else { self.lateness(latest, Duration::ZERO, at) };
        if missed == Missed::Once {
            let is_late = way == Way::Blocked || count > 1 || lateness > PUNCTUAL;
            return Some(self.taken(first, at, if is_late { count } else { 0 }));
        }
        if lateness.is_zero() || (way == Way::Free && lateness <= PUNCTUAL) {
            let skipped = std::mem::take(&mut self.skipped) + count - 1;
            return Some(self.taken(latest, at, skipped));
        }
        self.skipped += count;
        None
    }

    fn taken(&self, point: Point, at: &Reading, missed: u64) -> Taken {
        let scheduled = self.instant(point, at);
        let time = match point {
            Point::Wall(time) => time,
            Point::Every(_) => {
                at.wall.checked_sub(at.instant.saturating_duration_since(scheduled)).unwrap_or(SystemTime::UNIX_EPOCH)
            }
        };
        Taken { scheduled, time, missed, began: at.instant }
    }

    /// Takes every point up to now, the first of which is due.
    fn pass(&mut self, first: Point, at: &Reading) -> Passed {
        let (passed, next) = match (self.schedule, first) {
            (Schedule::Every(every), Point::Every(first)) => {
                // None is shorter than a nanosecond.
                let latest = (self.passed(at) / nanos(*every).max(1)).max(first);
                let passed = Passed { count: latest - first + 1, latest: Point::Every(latest) };
                (passed, Some(Point::Every(latest.saturating_add(1))))
            }
            _ => {
                let (mut count, mut latest, mut next) = (1, first, self.following(first));
                while let Some(point @ Point::Wall(time)) = next
                    && time <= at.wall
                {
                    (count, latest) = (count + 1, point);
                    next = self.following(if count < MOST { point } else { Point::Wall(at.wall) });
                }
                (Passed { count, latest }, next)
            }
        };
        self.go_on(next);
        passed
    }

    /// Leaves the oldest of very many points out.
    fn shorten(&mut self, at: &Reading) {
        let Some(first) = self.next else { return };
        let mut last = first;
        for _ in 0..MOST {
            match self.following(last) {
                Some(point) if !self.lateness(point, Duration::ZERO, at).is_zero() => last = point,
                _ => return,
            }
        }
        let next = match (self.schedule, first, last) {
            (Schedule::Every(every), ..) => {
                Some(Point::Every((self.passed(at) / nanos(*every).max(1)).saturating_sub(MOST - 1)))
            }
            // As many in as long a time, since nobody can count so many from the end.
            (_, Point::Wall(first), Point::Wall(last)) => {
                let start = last.duration_since(first).ok().and_then(|span| at.wall.checked_sub(span));
                start.and_then(|start| self.following(Point::Wall(start)))
            }
            _ => None,
        };
        if next.is_some() && next != Some(first) {
            tracing::warn!(target: "hostkit::periodic", most = MOST, "very many instants were missed; the oldest are left out");
            self.go_on(next);
        }
    }

    fn following(&self, point: Point) -> Option<Point> {
        match (self.schedule, point) {
            (Schedule::Every(_), Point::Every(number)) => Some(Point::Every(number.saturating_add(1))),
            (Schedule::Cron(cron), Point::Wall(time)) => cron.after(time).map(Point::Wall),
            // A grid has points of one kind.
            _ => None,
        }
    }

    fn go_on(&mut self, next: Option<Point>) {
        self.next = next;
        self.delay = 0;
        // A run at the start is one at once.
        if self.jitter > 0
            && let Some(point) = next.filter(|point| *point != Point::Every(0))
        {
            // A run that begins after the next point would stand for both, and timers are a little late.
            let longest = nanos(self.gap_after(point) / 10 * 9).min(self.jitter);
            self.delay = fastrand::u64(0..=longest);
        }
    }

    /// How many nanoseconds have passed since the origin.
    fn passed(&self, at: &Reading) -> u64 {
        nanos(at.instant.saturating_duration_since(self.origin))
    }

    /// After how many nanoseconds a run of `every` begins.
    fn due(&self, number: u64, delay: u64) -> u64 {
        match self.schedule {
            Schedule::Every(every) => nanos(*every).saturating_mul(number).saturating_add(delay),
            Schedule::Cron(_) => u64::MAX,
        }
    }

    fn delay(&self) -> Duration {
        Duration::from_nanos(self.delay)
    }

    fn gap_after(&self, point: Point) -> Duration {
        match (self.schedule, point, self.following(point)) {
            (Schedule::Every(every), ..) => *every,
            (_, Point::Wall(time), Some(Point::Wall(next))) => next.duration_since(time).unwrap_or_default(),
            _ => Duration::MAX,
        }
    }

    fn lateness(&self, point: Point, delay: Duration, at: &Reading) -> Duration {
        match point {
            Point::Every(number) => {
                Duration::from_nanos(self.passed(at).saturating_sub(self.due(number, nanos(delay))))
            }
            Point::Wall(time) => at.wall.duration_since(time + delay).unwrap_or_default(),
        }
    }

    /// The point on the monotonic clock.
    fn instant(&self, point: Point, at: &Reading) -> Instant {
        match point {
            Point::Every(number) => {
                let offset = Duration::from_nanos(self.due(number, 0));
                self.origin.checked_add(offset).unwrap_or_else(|| self.origin + FAR)
            }
            Point::Wall(time) => match at.wall.duration_since(time) {
                Ok(ago) => at.instant.checked_sub(ago).unwrap_or(at.instant),
                Err(ahead) => at.instant + ahead.duration().min(FAR),
            },
        }
    }
}

/// In nanoseconds, as far as these go: longer than hosts run and than a period may be.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
