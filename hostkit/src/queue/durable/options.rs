//! What a durable function's attribute and its section of the configuration say.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::Settings;
use crate::queue::options::{MOST_ATTEMPTS, MOST_WORKERS, OnFailure};
use crate::store::{Delivery, Rate, Retention, UniqueMode, Wanted};
use crate::time::{Backoff, parse_duration, show_duration};

/// Options that are no setting: the attribute has them.
pub(super) const KNOWN: &[&str] = &["durable", "key"];

const UNIQUE: &[(&str, Mode)] = &[
    ("none", Mode::None),
    ("while-pending", Mode::WhilePending),
    ("while-active", Mode::WhileActive),
    ("throttle", Mode::Throttle),
    ("debounce", Mode::Debounce),
];

const DELIVERY: &[(&str, Delivery)] =
    &[("at-least-once", Delivery::AtLeastOnce), ("at-most-once", Delivery::AtMostOnce)];

const DAY: Duration = Duration::from_hours(24);

/// The words of `unique`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    None,
    WhilePending,
    WhileActive,
    Throttle,
    Debounce,
}

impl Mode {
    /// What the store is asked for; `Err` if the option `unique_for` is missing.
    fn rule(self, period: Option<Duration>) -> Result<Option<UniqueMode>, ()> {
        Ok(Some(match (self, period) {
            (Self::None, _) => return Ok(None),
            (Self::WhilePending, _) => UniqueMode::WhilePending,
            (Self::WhileActive, _) => UniqueMode::WhileActive,
            (Self::Throttle, Some(period)) => UniqueMode::Throttle(period),
            (Self::Debounce, Some(period)) => UniqueMode::Debounce(period),
            (Self::Throttle | Self::Debounce, None) => return Err(()),
        }))
    }
}

/// What decides about a job when it is enqueued.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rules {
    pub(super) capacity: Option<u64>,
    pub(super) priority: i8,
    pub(super) unique: Option<UniqueMode>,
    /// Which shape payloads have.
    pub(super) version: u32,
    /// Whether jobs with one key are limited.
    pub(super) is_serial: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// How many jobs may wait; any number without it.
    capacity: Option<u64>,
    /// How many run at once in this host.
    pub(super) concurrency: usize,
    /// How often a job is tried, the first time included.
    pub(super) attempts: u32,
    pub(super) backoff: Backoff,
    pub(super) timeout: Option<Duration>,
    pub(super) on_failure: OnFailure,
    priority: i8,
    keep_done: Duration,
    keep_dead: Duration,
    unique: Option<UniqueMode>,
    per_key: Option<NonZeroU32>,
    rate: Option<Rate>,
    delivery: Delivery,
    /// Which shape payloads have; one of a greater version is for a newer program.
    pub(super) version: u32,
    pub(super) stop_timeout: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            capacity: None,
            concurrency: 1,
            attempts: 25,
            backoff: Backoff { first: Duration::from_secs(2), last: Duration::from_hours(12) },
            timeout: Some(Duration::from_hours(1)),
            on_failure: OnFailure::Continue,
            priority: 0,
            keep_done: 7 * DAY,
            keep_dead: 30 * DAY,
            unique: None,
            per_key: None,
            rate: None,
            delivery: Delivery::AtLeastOnce,
            version: 0,
            stop_timeout: None,
        }
    }
}

impl Options {
    pub(super) fn read(settings: &mut Settings) -> Self {
        let default = Self::default();
        for (key, instead) in [
            ("full", "a full durable queue refuses what is enqueued"),
            ("drain", "what is not begun at the stop stays in the store"),
            ("leftover", "what is not begun at the stop stays in the store"),
        ] {
            if settings.origin(key).is_some() {
                settings.refuse(key, "is not an option of a durable function", format!("remove it: {instead}"));
            }
        }
        let period = settings.period("unique_for");
        let mode = settings.choice("unique", UNIQUE).unwrap_or(Mode::None);
        let unique = mode.rule(period).unwrap_or_else(|()| {
            settings.refuse("unique", "needs the option `unique_for`", "add a duration, such as unique_for = \"1m\"");
            None
        });
        if period.is_some() && !matches!(mode, Mode::Throttle | Mode::Debounce) {
            let help = "remove it, or write unique = \"throttle\" or \"debounce\"";
            settings.refuse("unique_for", "is of no use with this `unique`", help);
        }
        let delivery = settings.choice("delivery", DELIVERY).unwrap_or(default.delivery);
        // One that may have begun is never begun again, so it has one attempt.
        let most = if delivery == Delivery::AtMostOnce { 1 } else { default.attempts };
        let attempts = settings.count("attempts", 1..=MOST_ATTEMPTS).and_then(|attempts| attempts.try_into().ok());
        if delivery == Delivery::AtMostOnce && attempts.is_some_and(|attempts: u32| attempts > 1) {
            let help = "leave it out: delivery = \"at-most-once\" is one attempt";
            settings.refuse("attempts", "is more than \"at-most-once\" allows", help);
        }
        let capacity = settings.count("capacity", 1..=usize::MAX);
        let timeout = settings.limit("timeout", default.timeout);
        Self {
            capacity: capacity.and_then(|capacity| capacity.try_into().ok()),
            concurrency: settings.count("concurrency", 1..=MOST_WORKERS).unwrap_or(default.concurrency),
            attempts: attempts.unwrap_or(most),
            backoff: settings.backoff("backoff").unwrap_or(default.backoff),
            timeout,
            on_failure: settings
                .choice("on_failure", &[("continue", OnFailure::Continue), ("stop-host", OnFailure::StopHost)])
                .unwrap_or(default.on_failure),
            priority: settings
                .number("priority", -128..=127)
                .and_then(|priority| priority.try_into().ok())
                .unwrap_or(0),
            keep_done: settings.duration("keep_done").unwrap_or(default.keep_done),
            keep_dead: settings.duration("keep_dead").unwrap_or(default.keep_dead),
            unique,
            per_key: settings
                .count("per_key", 1..=u32::MAX as usize)
                .and_then(|count| u32::try_from(count).ok())
                .and_then(NonZeroU32::new),
            rate: settings.parse("rate", "is not a rate", "write a count and a time, such as \"100/1s\"", parse_rate),
            delivery,
            version: settings
                .number("version", 0..=i64::from(u32::MAX))
                .and_then(|version| version.try_into().ok())
                .unwrap_or(default.version),
            stop_timeout: settings.duration("stop_timeout"),
        }
    }

    /// Of a durable periodic function: what becomes of the instants that are stored. They are tried once, because the
    /// next is to come, unless the function says otherwise.
    pub(crate) fn of_occurrences(settings: &mut Settings, concurrency: usize, is_serial: bool) -> Self {
        let default = Self { attempts: 1, concurrency, ..Self::default() };
        let timeout = settings.limit("timeout", default.timeout);
        Self {
            attempts: settings
                .count("attempts", 1..=MOST_ATTEMPTS)
                .and_then(|attempts| attempts.try_into().ok())
                .unwrap_or(default.attempts),
            backoff: settings.backoff("backoff").unwrap_or(default.backoff),
            timeout,
            on_failure: settings
                .choice("on_failure", &[("continue", OnFailure::Continue), ("stop-host", OnFailure::StopHost)])
                .unwrap_or(default.on_failure),
            keep_done: settings.duration("keep_done").unwrap_or(default.keep_done),
            keep_dead: settings.duration("keep_dead").unwrap_or(default.keep_dead),
            per_key: is_serial.then_some(NonZeroU32::MIN),
            stop_timeout: settings.duration("stop_timeout"),
            ..default
        }
    }

    pub(super) fn of_occurrences_in_words(&self) -> String {
        match self.attempts {
            1 => "durable".to_owned(),
            attempts => format!("durable, {attempts} attempts {} apart", self.backoff),
        }
    }

    pub(super) fn rules(&self) -> Rules {
        Rules {
            capacity: self.capacity,
            priority: self.priority,
            unique: self.unique,
            version: self.version,
            is_serial: self.per_key.is_some(),
        }
    }

    /// Whether a job that was interrupted must not run again.
    pub(super) fn is_at_most_once(&self) -> bool {
        self.delivery == Delivery::AtMostOnce
    }

    /// What is asked of the store when nothing runs yet.
    pub(super) fn wanted(&self, kind: &str) -> Wanted {
        let mut wanted = Wanted::new(kind, u32::try_from(self.concurrency).unwrap_or(u32::MAX));
        wanted.per_key = self.per_key;
        wanted.rate = self.rate;
        wanted.delivery = self.delivery;
        wanted
    }

    pub(super) fn retention(&self, kind: &str) -> Retention {
        Retention { kind: kind.into(), done: self.keep_done, dead: self.keep_dead }
    }
}

/// Reads `100/1s`.
fn parse_rate(text: &str) -> Result<Rate, String> {
    let (count, per) = text.split_once('/').ok_or("it has no `/`")?;
    let count = count.trim().parse::<NonZeroU32>().map_err(|error| format!("`{}`: {error}", count.trim()))?;
    let per = parse_duration(per.trim()).map_err(|error| error.to_string())?;
    if per.is_zero() {
        return Err("its time is zero".to_owned());
    }
    Ok(Rate { count, per })
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "durable, concurrency {}, {} attempts {} apart", self.concurrency, self.attempts, self.backoff)?;
        match self.timeout {
            Some(limit) => write!(f, ", at most {} each", show_duration(limit))?,
            None => f.write_str(", for as long as it takes")?,
        }
        if let Some(capacity) = self.capacity {
            write!(f, ", at most {capacity} waiting")?;
        }
        if self.priority != 0 {
            write!(f, ", priority {}", self.priority)?;
        }
        match self.unique {
            None => {}
            Some(UniqueMode::WhilePending) => f.write_str(", unique while pending")?,
            Some(UniqueMode::WhileActive) => f.write_str(", unique while active")?,
            Some(UniqueMode::Throttle(period)) => write!(f, ", at most one in {}", show_duration(period))?,
            Some(UniqueMode::Debounce(period)) => write!(f, ", debounced by {}", show_duration(period))?,
        }
        if let Some(per_key) = self.per_key {
            write!(f, ", {per_key} at once per key")?;
        }
        if let Some(Rate { count, per }) = self.rate {
            write!(f, ", at most {count} in {}", show_duration(per))?;
        }
        if self.delivery == Delivery::AtMostOnce {
            f.write_str(", at most once")?;
        }
        if self.on_failure == OnFailure::StopHost {
            f.write_str(", a failure stops the host")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_count_and_a_time() {
        let rate = parse_rate("100/1s").unwrap();
        assert_eq!((rate.count.get(), rate.per), (100, Duration::from_secs(1)));
        assert_eq!(parse_rate(" 3 / 1h 30m ").unwrap().per, Duration::from_mins(90));
        for (text, reason) in [
            ("100", "it has no `/`"),
            ("0/1s", "`0`: number would be zero for non-zero type"),
            ("x/1s", "`x`: invalid digit found in string"),
            ("1/0s", "its time is zero"),
        ] {
            assert_eq!(parse_rate(text).unwrap_err(), reason, "{text}");
        }
    }
}
