//! Instants and texts as people read them.

use std::time::Duration;

use crate::store::{StoreClock, Timestamp};

/// The present, by the clock of a store that is on this machine.
pub(super) fn now() -> Timestamp {
    StoreClock::machine().now()
}

/// An instant and how far it is away: `2026-11-21T02:51:52.000Z (3m ago)`.
pub(super) fn moment(instant: Timestamp, now: Timestamp) -> String {
    format!("{instant} ({})", distance(instant, now))
}

/// How far an instant is away: `3m ago`, `in 2d 4h`.
fn distance(instant: Timestamp, now: Timestamp) -> String {
    let (before, after) = (now.since(instant), instant.since(now));
    match (whole_seconds(before), whole_seconds(after)) {
        (None, None) => "now".to_owned(),
        (Some(ago), _) => format!("{ago} ago"),
        (None, Some(ahead)) => format!("in {ahead}"),
    }
}

/// A duration by its largest unit, and by the next if that is hours or days; `None` for less than a second.
fn whole_seconds(duration: Duration) -> Option<String> {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |first: String, second: u64, unit: &str| match second {
        0 => first,
        second => format!("{first} {second}{unit}"),
    };
    match (days, hours, minutes, seconds) {
        (0, 0, 0, 0) => None,
        (0, 0, 0, seconds) => Some(format!("{seconds}s")),
        (0, 0, minutes, _) => Some(format!("{minutes}m")),
        (0, hours, minutes, _) => Some(two(format!("{hours}h"), minutes % 60, "m")),
        (days, hours, ..) => Some(two(format!("{days}d"), hours % 24, "h")),
    }
}

/// A text on one line, with nothing in it that a terminal would obey.
pub(super) fn one_line(text: &str) -> String {
    harmless(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A text with nothing in it that a terminal would obey, but for the ends of its lines.
pub(super) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}

/// The beginning of a text, of so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(std::iter::once('…')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_rounded_as_people_round_them() {
        let now = Timestamp::from_micros(1_793_000_000_000_000);
        for (seconds, expected) in [
            (0, ""),
            (1, "1s"),
            (59, "59s"),
            (60, "1m"),
            (3599, "59m"),
            (3600, "1h"),
            (5400, "1h 30m"),
            (86_399, "23h 59m"),
            (86_400, "1d"),
            (188_000, "2d 4h"),
        ] {
            let by = Duration::from_secs(seconds);
            let (ago, ahead) = match expected {
                "" => ("now".to_owned(), "now".to_owned()),
                distance => (format!("{distance} ago"), format!("in {distance}")),
            };
            assert_eq!(distance(now.before(by), now), ago);
            assert_eq!(distance(now.after(by), now), ahead);
        }
        assert_eq!(moment(now.before(Duration::from_secs(90)), now), "2026-10-26T07:31:50.000Z (1m ago)");
        assert_eq!(distance(Timestamp::from_micros(i64::MAX), now), "in 106731238d 20h");
    }

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
        assert_eq!(one_line("a\u{1b}[31m\r\n  b\tc"), "a\u{fffd}[31m b c");
        assert_eq!(harmless("a\u{7}\nb\tc"), "a\u{fffd}\nb\tc");
        assert_eq!(cut("größer", 4), "grö…");
        assert_eq!(cut("größer", 6), "größer");
    }
}
