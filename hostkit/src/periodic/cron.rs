//! A cron expression in a time zone: the instants at which it is due.
//!
//! # Invariants
//!
//! 1. The instants of a schedule strictly increase, and each depends on the one before it alone.
//! 2. A schedule that names hours is due once for every time that it means and that the zone's clocks show: of a time that
//!    they show twice, at the first. Those that they skip are due together, at the first instant after the gap.
//! 3. A schedule that is due in every hour follows the clocks: what they show twice is due twice, and what they skip is
//!    never due.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::{Duration, SystemTime};

use hostkit_cron::{Civil, Expression};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use crate::runner::Upcoming;
use crate::time::show_duration;

/// When something is due.
#[derive(Debug, Clone)]
pub(super) struct Cron {
    /// As it was written.
    text: Box<str>,
    expression: Expression,
    zone: TimeZone,
}

/// A change of a zone's offset.
struct Change {
    at: Timestamp,
    before: Offset,
    after: Offset,
}

impl Change {
    /// What the clocks would show now had they not been changed.
    fn unchanged(&self) -> DateTime {
        self.before.to_datetime(self.at)
    }

    /// What they show.
    fn changed(&self) -> DateTime {
        self.after.to_datetime(self.at)
    }
}

impl Cron {
    pub(super) fn new(text: &str, expression: Expression, zone: TimeZone) -> Self {
        Self { text: text.split_whitespace().collect::<Vec<_>>().join(" ").into(), expression, zone }
    }

    /// The first instant after this one; none if the calendar ends before.
    pub(super) fn after(&self, after: SystemTime) -> Option<SystemTime> {
        let after = Timestamp::try_from(after).ok()?;
        self.after_timestamp(after).map(SystemTime::from)
    }

    /// When it is due, and where.
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "the command line shows it"))]
    pub(super) fn in_words(&self) -> String {
        match hostkit_cron::in_words(&self.text) {
            Ok(words) => format!("{words} ({})", self.zone_name()),
            // It was read before.
            Err(_unreadable) => self.to_string(),
        }
    }

    fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The instant as the zone's clocks show it, with their offset, and how far away it is.
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "the command line shows it"))]
    pub(super) fn show(&self, time: SystemTime, now: SystemTime) -> Upcoming {
        let away = time.duration_since(now).unwrap_or_default();
        // In minutes from an hour on, which is what one reads.
        let unit = if away < Duration::from_hours(1) { 1 } else { 60 };
        let away = show_duration(Duration::from_secs(away.as_secs() / unit * unit));
        match Timestamp::try_from(time) {
            Ok(time) => {
                let time = time.to_zoned(self.zone.clone());
                let text = format!("{}, in {away}", time.strftime("%a %Y-%m-%d %H:%M:%S %:z"));
                Upcoming { text, time: Some(time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()) }
            }
            // It was made from one.
            Err(_outside) => Upcoming { text: format!("in {away}"), time: None },
        }
    }

    fn after_timestamp(&self, after: Timestamp) -> Option<Timestamp> {
        let once = !self.expression.is_hourly();
        let offset = self.zone.to_offset(after);
        // Instants are whole seconds, so the next one is at the next whole second at the earliest.
        let mut from = offset
            .to_datetime(after)
            .checked_add(jiff::Span::new().seconds(1))
            .ok()?
            .with()
            .subsec_nanosecond(0)
            .build()
            .ok()?;
        if once && let Some(change) = self.change_before(after) {
            // What the clocks showed before they were put back (invariant 2).
            from = from.max(change.unchanged());
        }
        let mut offset = offset;
        let mut changes = self.zone.following(after);
        loop {
            let due = datetime(self.expression.first_from(civil(from)?)?)?;
            let Some(next) = changes.next() else { return offset.to_timestamp(due).ok() };
            let change = Change { at: next.timestamp(), before: offset, after: next.offset() };
            offset = change.after;
            if due < change.unchanged() {
                return change.before.to_timestamp(due).ok();
            }
            if once && due < change.changed() {
                return Some(change.at);
            }
            from = if once { change.changed().max(change.unchanged()) } else { change.changed() };
        }
    }

    /// The last change of the offset that is not after this instant.
    fn change_before(&self, at: Timestamp) -> Option<Change> {
        let next = at.checked_add(jiff::SignedDuration::from_nanos(1)).ok()?;
        let last = self.zone.preceding(next).next()?;
        let before = last.timestamp().checked_sub(jiff::SignedDuration::from_nanos(1)).ok()?;
        Some(Change { at: last.timestamp(), before: self.zone.to_offset(before), after: last.offset() })
    }
}

fn civil(at: DateTime) -> Option<Civil> {
    let part = |value: i8| u8::try_from(value).ok();
    Some(Civil {
        year: at.year(),
        month: part(at.month())?,
        day: part(at.day())?,
        hour: part(at.hour())?,
        minute: part(at.minute())?,
        second: part(at.second())?,
    })
}

fn datetime(at: Civil) -> Option<DateTime> {
    let part = |value: u8| i8::try_from(value).ok();
    let (month, day) = (part(at.month)?, part(at.day)?);
    DateTime::new(at.year, month, day, part(at.hour)?, part(at.minute)?, part(at.second)?, 0).ok()
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cron {} {}", self.text, self.zone_name())
    }
}

/// The time zone of that name.
///
/// # Errors
/// What to write instead.
pub(super) fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_unknown| {
        let known: Vec<_> = jiff::tz::db().available().map(|known| known.to_string()).collect();
        match crate::config::suggest(name, known.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => "write its IANA name, such as \"UTC\" or \"Europe/Zurich\"".to_owned(),
        }
    })
}
