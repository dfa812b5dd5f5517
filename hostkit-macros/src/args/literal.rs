//! What the text of a literal must look like; each check says what is wrong with it.

use std::time::Duration;

/// Nothing waits longer, and clocks can still add it up.
const LONGEST: Duration = Duration::from_hours(36_525 * 24);

/// `"1h 30m"`; zero only where waiting for nothing has a meaning.
pub(crate) fn duration(text: &str, zero: Zero) -> Result<Duration, String> {
    let parsed = humantime::parse_duration(text)
        .map_err(|error| format!("not a duration: {error}; write for example \"250ms\", \"30s\" or \"1h 30m\""))?;
    if parsed > LONGEST {
        return Err("the duration is longer than a century".into());
    }
    if parsed.is_zero() && zero == Zero::Refused {
        return Err("the duration must be longer than zero".into());
    }
    Ok(parsed)
}

/// `"30s"`, or `"none"`.
pub(crate) fn limit(text: &str) -> Result<(), String> {
    if text == "none" {
        return Ok(());
    }
    duration(text, Zero::Refused).map(drop).map_err(|message| format!("{message}, or \"none\" for no limit"))
}

/// `"100/1s"`: so many in a time.
pub(crate) fn rate(text: &str) -> Result<(), String> {
    let (count, per) = text.split_once('/').ok_or("not a rate: write a count and a time, for example \"100/1s\"")?;
    match count.trim().parse::<u32>() {
        Ok(0) => return Err("a rate of nothing never lets anything start".into()),
        Ok(_) => {}
        Err(error) => return Err(format!("`{}` is not a count: {error}", count.trim())),
    }
    duration(per.trim(), Zero::Refused).map(drop).map_err(|_other| {
        let (count, per) = (count.trim(), per.trim());
        format!("`{per}` is not a time: write a number and a unit behind the `/`, for example \"{count}/1s\" or \"{count}/5m\"")
    })
}

/// Whether a duration may be nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zero {
    Allowed,
    Refused,
}

/// `"1s..1m"`: exponential backoff from the first delay to the longest; a single duration does not grow.
pub(crate) fn range(text: &str) -> Result<(), String> {
    let delay = |part: &str| duration(part.trim(), Zero::Refused);
    let Some((first, last)) = text.split_once("..") else {
        return delay(text).map(drop);
    };
    if delay(first)? > delay(last)? {
        return Err("the first delay is longer than the last".into());
    }
    Ok(())
}

/// Five or six fields, or a nickname. Without the feature `cron` the fields are checked when the host is built.
pub(crate) fn cron(text: &str) -> Result<(), String> {
    const NICKNAMES: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
    if text.starts_with('@') {
        return if NICKNAMES.contains(&text) {
            Ok(())
        } else {
            let meant = super::suggest::hint(text, NICKNAMES);
            Err(format!("unknown cron nickname{meant} (one of {})", listed(&NICKNAMES)))
        };
    }
    match text.split_whitespace().count() {
        5 | 6 => crate::cron::fields(text),
        count => Err(format!(
            "a cron expression has five fields (minute hour day month weekday) or six with seconds first, this one has {count}"
        )),
    }
}

/// `[a-z][a-z0-9_-]*`: names appear in configuration, on the command line and in environment variables.
pub(crate) fn name(text: &str) -> Result<(), String> {
    let tail = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(tail) {
        return Ok(());
    }
    Err(format!("`{text}` is not a name: a lower-case letter, then lower-case letters, digits, `_` and `-`"))
}

/// One of the words that the option knows.
pub(crate) fn one_of(text: &str, words: &[&str]) -> Result<(), String> {
    if words.contains(&text) {
        return Ok(());
    }
    let meant = super::suggest::hint(text, words.iter().copied());
    Err(format!("unknown value \"{text}\"{meant} (one of {})", quoted(words)))
}

/// "`a`, `b`, `c`"
pub(crate) fn listed(words: &[&str]) -> String {
    join(words, '`')
}

fn quoted(words: &[&str]) -> String {
    join(words, '"')
}

fn join(words: &[&str], quote: char) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("{quote}{word}{quote}")).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Zero, cron, duration, limit, name, one_of, range, rate};

    #[test]
    fn durations_are_humantime_text() {
        for good in ["250ms", "1h 30m", "2days", "1s"] {
            assert!(duration(good, Zero::Refused).is_ok(), "{good}");
        }
        for bad in ["", "1", "1 hours ago", "-1s", "0s", "1.x", "101years"] {
            assert!(duration(bad, Zero::Refused).is_err(), "{bad}");
        }
        assert!(duration("0s", Zero::Allowed).is_ok());
    }

    #[test]
    fn ranges_rise() {
        for good in ["1s..1m", "5s", "5s..5s", "100ms .. 1h 30m"] {
            assert_eq!(range(good), Ok(()), "{good}");
        }
        for bad in ["0s", "1m..1s", "0s..1s", "1s..", "..1m", "1s..x", "1s...1m"] {
            assert!(range(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_limit_may_be_none_and_a_rate_is_a_count_and_a_time() {
        assert_eq!((limit("none"), limit("1h")), (Ok(()), Ok(())));
        assert!(limit("never").is_err());
        for good in ["100/1s", "1 / 1h 30m"] {
            assert_eq!(rate(good), Ok(()), "{good}");
        }
        for bad in ["100", "0/1s", "-1/1s", "x/1s", "1/0s", "1/", "5000000000/1s"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn cron_has_five_or_six_fields_or_a_nickname() {
        for good in ["0 3 * * *", "0 0 3 * * MON", "@daily"] {
            assert_eq!(cron(good), Ok(()), "{good}");
        }
        for bad in ["", "* * *", "@dayly", "@reboot", "0 0 0 0 0 0 0"] {
            assert!(cron(bad).is_err(), "{bad}");
        }
        assert!(cron("@dayly").is_err_and(|error| error.contains("did you mean `@daily`")));
    }

    #[test]
    fn names_are_lower_case() {
        for good in ["a", "clean-up_2"] {
            assert_eq!(name(good), Ok(()), "{good}");
        }
        for bad in ["", "_a", "A", "2a", "a b", "ä"] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_unknown_word_names_the_known_ones() {
        let error = one_of("wiat", &["wait", "reject"]).err().unwrap_or_default();
        assert_eq!(error, "unknown value \"wiat\", did you mean `wait`? (one of \"wait\", \"reject\")");
    }
}
