//! One field of an expression.

use croner::CronPattern;
use croner::parser::{CronParser, Seconds, Year};

use crate::error::ExpressionError;

/// Which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Weekday,
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Field {
    /// How messages call it.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day of the month",
            Self::Month => "month",
            Self::Weekday => "day of the week",
        }
    }

    /// What it takes.
    pub(crate) fn range(self) -> &'static str {
        match self {
            Self::Second | Self::Minute => "0 to 59",
            Self::Hour => "0 to 23",
            Self::Day => "1 to 31, `L` or `W`",
            Self::Month => "1 to 12 or JAN to DEC",
            Self::Weekday => "0 to 7 or SUN to SAT, with `L` or `#`",
        }
    }

    /// The values that a field of the clock or the months means, as bits.
    pub(crate) fn values(self, text: &str) -> Result<u64, ExpressionError> {
        let mut bits = 0;
        for element in elements(self, text)? {
            let refuse = |reason: String| ExpressionError::element(self, element, reason);
            let pattern = croned(self, &translated(self, element)?).map_err(refuse)?;
            let component = match self {
                Self::Second => &pattern.seconds,
                Self::Minute => &pattern.minutes,
                Self::Hour => &pattern.hours,
                Self::Day => &pattern.days,
                Self::Month => &pattern.months,
                Self::Weekday => &pattern.days_of_week,
            };
            bits |= component.values().iter().fold(0, |bits, value| bits | 1_u64 << value);
        }
        Ok(bits)
    }
}

/// The parts of a list.
pub(crate) fn elements(field: Field, text: &str) -> Result<impl Iterator<Item = &str>, ExpressionError> {
    if text.split(',').any(str::is_empty) {
        return Err(ExpressionError::element(field, text, "a part of the list is empty"));
    }
    Ok(text.split(','))
}

/// The element with numbers for names. croner takes a name for its number wherever it stands, a crontab does not.
pub(crate) fn translated(field: Field, element: &str) -> Result<String, ExpressionError> {
    let mut text = String::new();
    let mut rest = element;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic()) {
        let (before, word) = rest.split_at(start);
        text.push_str(before);
        let end = word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        let stands_last = after.is_empty();
        match field {
            Field::Month => text.push_str(&number(&MONTHS, word, 1).ok_or_else(|| unknown(field, element, word))?),
            Field::Day if stands_last && matches!(word, "L" | "W" | "LW") => text.push_str(word),
            Field::Weekday if word == "L" && stands_last && !text.is_empty() => text.push('L'),
            Field::Weekday => {
                let (name, last) = match word.strip_suffix('L') {
                    Some(name) if stands_last => (name, "L"),
                    _ => (word, ""),
                };
                match number(&WEEKDAYS, name, 0).ok_or_else(|| unknown(field, element, word))? {
                    // The end of the week, not its beginning.
                    number if number == "0" && text.ends_with('-') => text.push('7'),
                    number => text.push_str(&number),
                }
                text.push_str(last);
            }
            _ => return Err(unknown(field, element, word)),
        }
        rest = after;
    }
    text.push_str(rest);
    if let Some((start, step)) = text.split_once('/')
        && !start.is_empty()
        && start.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Err(ExpressionError::element(field, element, format!("a step needs a range, as in `*/{step}`")));
    }
    // A plus is croner's sign for something else, and no part of a number.
    match text.chars().find(|c| !c.is_ascii_digit() && !"*/-#?LW".contains(*c)) {
        Some(strange) => Err(ExpressionError::element(field, element, format!("`{strange}` means nothing here"))),
        None => Ok(text),
    }
}

fn number(names: &[&str], name: &str, first: usize) -> Option<String> {
    names.iter().position(|known| *known == name).map(|place| (place + first).to_string())
}

fn unknown(field: Field, element: &str, word: &str) -> ExpressionError {
    let reason = match field {
        Field::Weekday if word == "L" => "`L` stands after a weekday, as in `FRIL`".to_owned(),
        _ => format!("`{word}` means nothing here"),
    };
    ExpressionError::element(field, element, reason)
}

/// What croner makes of one element in its field, all the others being open.
pub(crate) fn croned(field: Field, element: &str) -> Result<CronPattern, String> {
    let open = |at: Field| if at == field { element } else { "*" };
    let text =
        [Field::Second, Field::Minute, Field::Hour, Field::Day, Field::Month, Field::Weekday].map(open).join(" ");
    let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Disallowed).build();
    match parser.parse(&text) {
        Ok(cron) => Ok(cron.pattern),
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.split_once(": ").map_or(reason.as_str(), |(_, reason)| reason);
            Err(lowered(reason.trim_end_matches('.')))
        }
    }
}

fn lowered(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_ascii_lowercase().to_string() + letters.as_str()).unwrap_or_default()
}
