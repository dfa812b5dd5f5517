//! The fields of an expression: what each takes, and its parts.

use crate::element::Element;
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

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

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

    /// The least and the greatest number. Sunday is both 0 and 7.
    pub(crate) fn bounds(self) -> (u8, u8) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::Day => (1, 31),
            Self::Month => (1, 12),
            Self::Weekday => (0, 7),
        }
    }

    /// The names that stand for its numbers, and the number of the first.
    pub(crate) fn names(self) -> (&'static [&'static str], u8) {
        match self {
            Self::Month => (MONTHS, 1),
            Self::Weekday => (WEEKDAYS, 0),
            Self::Second | Self::Minute | Self::Hour | Self::Day => (&[], 0),
        }
    }

    /// The parts of its list.
    pub(crate) fn elements(self, text: &str) -> Result<Vec<Element>, ExpressionError> {
        if text.split(',').any(str::is_empty) {
            return Err(ExpressionError::element(self, text, "a part of the list is empty"));
        }
        let read =
            |element| Element::read(self, element).map_err(|reason| ExpressionError::element(self, element, reason));
        text.split(',').map(read).collect()
    }

    /// The values that a field of the clock or the months means, as bits.
    pub(crate) fn values(self, text: &str) -> Result<u64, ExpressionError> {
        let elements = self.elements(text)?;
        // Only days are anything else.
        Ok(elements.iter().filter_map(|element| element.values()).fold(0, |bits, values| bits | values.bits()))
    }
}
