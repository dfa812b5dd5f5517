//! Which instants of a schedule are to be stored, from the last one that was.

use std::time::{Duration, SystemTime};

use crate::periodic::grid::MOST;
use crate::periodic::options::{Missed, Schedule};
use crate::runner::Upcoming;

/// An instant that was stored so much later is on time: a busy machine is no reason to leave it out.
const PUNCTUAL: Duration = Duration::from_secs(10);

/// As many of the next times are shown.
const SHOWN: usize = 3;

/// The instants of one schedule, taken in order.
#[derive(Debug)]
pub(super) struct Course<'s> {
    schedule: &'s Schedule,
    missed: Missed,
    /// The last instant that was stored or passed over.
    last: SystemTime,
    /// Instants that were passed over since the last that was stored.
    skipped: u64,
}

/// An instant to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DueNow {
    pub(super) time: SystemTime,
    /// As [`Tick::missed`](crate::Tick::missed).
    pub(super) missed: u64,
    /// Instants that it leaves out.
    passed: u64,
}

impl<'s> Course<'s> {
    /// From the last instant that the store has; a schedule that it does not know begins now.
    pub(super) fn new(schedule: &'s Schedule, missed: Missed, last: Option<SystemTime>, now: SystemTime) -> Self {
        Self { schedule, missed, last: last.unwrap_or(now), skipped: 0 }
    }

    /// What is to be stored now.
    pub(super) fn due(&mut self, now: SystemTime) -> Option<DueNow> {
        loop {
            let first = after(self.schedule, self.last).filter(|first| *first <= now)?;
            if self.missed == Missed::All {
                let count = self.count(first, now).0;
                if count > MOST {
                    tracing::warn!(target: "hostkit::periodic", "very many instants were missed; the oldest are left out");
                    self.leave_out(first, now);
                    continue;
                }
                let is_late = count > 1 || is_late(first, now);
                return Some(DueNow { time: first, missed: u64::from(is_late), passed: 0 });
            }
            let (count, latest) = self.count(first, now);
            if self.missed == Missed::Once {
                let is_late = count > 1 || is_late(latest, now);
                return Some(DueNow { time: latest, missed: if is_late { count } else { 0 }, passed: count - 1 });
            }
            if is_late(latest, now) {
                self.last = latest;
                self.skipped += count;
                continue;
            }
            return Some(DueNow { time: latest, missed: self.skipped + count - 1, passed: count - 1 });
        }
    }

    /// It is in the store.
    pub(super) fn stored(&mut self, due: DueNow) {
        self.last = due.time;
        self.skipped = 0;
    }

    /// How long nothing is due.
    pub(super) fn wait(&self, now: SystemTime) -> Duration {
        // The clock may have been put back behind what is stored.
        let next = after(self.schedule, self.last.max(now));
        next.map_or(Duration::MAX, |next| next.duration_since(now).unwrap_or_default())
    }

    /// How many instants from this one up to now there are, and the latest of them; it stops counting after very many.
    fn count(&self, first: SystemTime, now: SystemTime) -> (u64, SystemTime) {
        if let Schedule::Every(every) = self.schedule {
            let passed = now.duration_since(first).unwrap_or_default();
            let more = passed.as_nanos() / every.as_nanos().max(1);
            let latest = last_of(*every, now).unwrap_or(first).max(first);
            return (u64::try_from(more).unwrap_or(u64::MAX).saturating_add(1), latest);
        }
        let (mut count, mut latest) = (1, first);
        while let Some(next) = after(self.schedule, latest).filter(|next| *next <= now) {
            (count, latest) = (count + 1, next);
            if count > MOST {
                // Nobody counts so far, but the latest is wanted: the one before now, searched for from nearer.
                latest = self.latest_before(latest, now);
                break;
            }
        }
        (count, latest)
    }

    fn latest_before(&self, from: SystemTime, now: SystemTime) -> SystemTime {
        let (mut latest, mut step) = (from, now.duration_since(from).unwrap_or_default() / 2);
        while step >= Duration::from_secs(1) {
            let near = now.checked_sub(step).and_then(|start| after(self.schedule, start));
            if let Some(near) = near.filter(|near| *near <= now && *near > latest) {
                latest = near;
            }
            step /= 2;
        }
        while let Some(next) = after(self.schedule, latest).filter(|next| *next <= now) {
            latest = next;
        }
        latest
    }

    /// Leaves out all but the latest of very many: of a cron expression, which nobody reads backwards, all but one.
    fn leave_out(&mut self, first: SystemTime, now: SystemTime) {
        let latest = self.count(first, now).1;
        let left = match self.schedule {
            Schedule::Every(every) => every.saturating_mul(u32::try_from(MOST).unwrap_or(u32::MAX)),
            Schedule::Cron(_) => Duration::from_nanos(1),
        };
        self.last = latest.checked_sub(left).unwrap_or(latest);
    }
}

/// Whether an instant is so long ago that whoever begins now is late.
pub(super) fn is_late(time: SystemTime, now: SystemTime) -> bool {
    now.duration_since(time).is_ok_and(|late| late > PUNCTUAL)
}

/// How many instants there are after this one, up to now; it stops counting after very many.
pub(super) fn passed_since(schedule: &Schedule, time: SystemTime, now: SystemTime) -> u64 {
    let instants = std::iter::successors(after(schedule, time), |last| after(schedule, *last));
    instants.take_while(|instant| *instant <= now).take(usize::try_from(MOST).unwrap_or(usize::MAX)).count() as u64
}

/// The first instant after this one, by the calendar.
fn after(schedule: &Schedule, time: SystemTime) -> Option<SystemTime> {
    match schedule {
        Schedule::Every(every) => last_of(*every, time)?.checked_add(*every),
        Schedule::Cron(cron) => cron.after(time),
    }
}

/// The last whole number of periods since the beginning of 1970.
fn last_of(every: Duration, time: SystemTime) -> Option<SystemTime> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_nanos();
    let whole = since - since % every.as_nanos().max(1);
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(u64::try_from(whole).ok()?))
}

/// The next instants, for `list`.
pub(super) fn upcoming(schedule: &Schedule, now: SystemTime) -> Vec<Upcoming> {
    let instants = std::iter::successors(after(schedule, now), |last| after(schedule, *last));
    let shown = instants.take(SHOWN).map(|time| {
        let away = time.duration_since(now).unwrap_or_default();
        let away = crate::time::show_duration(Duration::from_secs(away.as_secs()));
        let time = humantime::format_rfc3339_seconds(time).to_string();
        Upcoming { text: format!("{time}, in {away}"), time: Some(time) }
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Schedule = Schedule::Every(Duration::from_mins(1));

    fn at(seconds: u64) -> SystemTime {
        // A minute's beginning.
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_040 + seconds)
    }

    /// What is stored now, as seconds and the count of missed instants.
    fn taken(course: &mut Course<'_>, now: u64) -> Vec<(u64, u64)> {
        let mut taken = Vec::new();
        while let Some(due) = course.due(at(now)) {
            course.stored(due);
            taken.push((due.time.duration_since(at(0)).unwrap().as_secs(), due.missed));
        }
        taken
    }

    #[test]
    fn a_schedule_that_the_store_does_not_know_begins_with_the_next_instant() {
        for missed in [Missed::Once, Missed::Skip, Missed::All] {
            let mut course = Course::new(&MINUTE, missed, None, at(10));
            assert_eq!(taken(&mut course, 59), []);
            assert_eq!(course.wait(at(59)), Duration::from_secs(1));
            assert_eq!(taken(&mut course, 60), [(60, 0)]);
            assert_eq!(taken(&mut course, 119), []);
            assert_eq!(taken(&mut course, 121), [(120, 0)]);
        }
    }

    #[test]
    fn what_passed_while_nobody_was_there_is_made_up_for_as_missed_says() {
        let after_a_break = |missed, now| taken(&mut Course::new(&MINUTE, missed, Some(at(60)), at(now)), now);
        assert_eq!(after_a_break(Missed::Once, 290), [(240, 3)]);
        assert_eq!(after_a_break(Missed::All, 290), [(120, 1), (180, 1), (240, 1)]);
        assert_eq!(after_a_break(Missed::Skip, 290), []);
        assert_eq!(after_a_break(Missed::Skip, 245), [(240, 2)]);
        assert_eq!(after_a_break(Missed::Once, 119), []);
        assert_eq!(after_a_break(Missed::Once, 125), [(120, 0)]);
    }

    #[test]
    fn of_very_many_the_oldest_are_left_out() {
        let (day, now) = (86_400, 90 * 86_400);
        let mut course = Course::new(&MINUTE, Missed::All, Some(at(0)), at(now));
        let made_up = taken(&mut course, now);
        assert_eq!((made_up.len() as u64, made_up[0].0), (MOST, now - 60 * (MOST - 1)));
        assert_eq!(taken(&mut Course::new(&MINUTE, Missed::Once, Some(at(0)), at(day)), day), [(day, day / 60)]);
    }

    #[test]
    fn a_clock_that_was_put_back_repeats_nothing() {
        let mut course = Course::new(&MINUTE, Missed::Once, Some(at(600)), at(300));
        assert_eq!(taken(&mut course, 300), []);
        assert_eq!(taken(&mut course, 600), []);
        assert_eq!(taken(&mut course, 660), [(660, 0)]);
    }
}
