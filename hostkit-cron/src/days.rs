//! The days of a month that the third and the fifth field mean together.

use croner::Weekday;

use crate::civil;
use crate::error::ExpressionError;
use crate::field::{Field, croned, elements, translated};

/// Months that are as long, each in a year in which croner can look it up.
const LENGTHS: [(u8, i32, u32); 4] = [(28, 2023, 2), (29, 2024, 2), (30, 2023, 4), (31, 2023, 1)];

/// Days of all kinds of months.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Days {
    /// Every day, which is what most expressions mean: they need no table.
    Every,
    Some(Box<Table>),
}

impl Days {
    pub(crate) fn read(day: &str, weekday: &str) -> Result<Self, ExpressionError> {
        let table = Table::read(day, weekday)?;
        Ok(if table == Table::every() { Self::Every } else { Self::Some(Box::new(table)) })
    }

    /// The days of this month, as bits.
    pub(crate) fn of_month(&self, year: i16, month: u8) -> u32 {
        let length = civil::length(year, month);
        match self {
            Self::Every => every_day(length),
            Self::Some(table) => table.0[usize::from(length - 28)][usize::from(civil::first_weekday(year, month))],
        }
    }

    /// Whether there is such a day in this month of some year. Every kind of year comes in four hundred years.
    pub(crate) fn ever_in(&self, month: u8) -> bool {
        let Self::Some(table) = self else { return true };
        let lengths = if month == 2 { 28..=29 } else { civil::length(2023, month)..=civil::length(2023, month) };
        lengths.into_iter().any(|length| table.0[usize::from(length - 28)] != [0; 7])
    }
}

/// All days of a month of this length.
fn every_day(length: u8) -> u32 {
    // Bit 0 is no day.
    (u32::MAX >> (31 - length)) & !1
}

/// For each length of a month and each weekday of its first day, the days as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Table([[u32; 7]; 4]);

impl Table {
    const NONE: Self = Self([[0; 7]; 4]);

    fn every() -> Self {
        Self(LENGTHS.map(|(length, ..)| [every_day(length); 7]))
    }

    fn read(day: &str, weekday: &str) -> Result<Self, ExpressionError> {
        // croner's own sign for days that both fields have to mean.
        let (weekday, both) = match weekday.strip_prefix('+') {
            Some(weekday) => (weekday, true),
            None => (weekday, false),
        };
        // A field that begins with a star restricts nothing by itself, so a day has to be in both; else one is enough.
        let both = both || is_open(day) || is_open(weekday);
        let by_day = Self::of_field(Field::Day, day)?;
        let by_weekday = Self::of_field(Field::Weekday, weekday)?;
        Ok(by_day.joined(&by_weekday, |a, b| if both { a & b } else { a | b }))
    }

    fn joined(&self, other: &Self, join: impl Fn(u32, u32) -> u32) -> Self {
        Self(std::array::from_fn(|length| {
            std::array::from_fn(|first| join(self.0[length][first], other.0[length][first]))
        }))
    }

    fn of_field(field: Field, text: &str) -> Result<Self, ExpressionError> {
        let mut days = Self::NONE;
        for element in elements(field, text)? {
            let of_element = Self::of_element(field, element)?;
            if of_element == Self::NONE {
                return Err(ExpressionError::element(field, element, "it means no day"));
            }
            days = days.joined(&of_element, |a, b| a | b);
        }
        Ok(days)
    }

    fn of_element(field: Field, element: &str) -> Result<Self, ExpressionError> {
        if let Some(before) = element.strip_prefix("L-").filter(|_| field == Field::Day) {
            return Self::before_last(element, before);
        }
        let text = translated(field, element)?;
        let pattern = croned(field, &text).map_err(|reason| ExpressionError::element(field, element, reason))?;
        let mut days = Self::NONE;
        for ((length, year, month), kinds) in LENGTHS.iter().zip(&mut days.0) {
            for (first, kind) in (0_u8..).zip(kinds) {
                for day in 1..=*length {
                    let weekday = Weekday::from_days_from_sunday(u32::from((first + day - 1) % 7));
                    if pattern.day_match(*year, *month, u32::from(day), weekday).unwrap_or(false) {
                        *kind |= 1 << day;
                    }
                }
            }
        }
        Ok(days)
    }

    /// `L-3`: so many days before the last.
    fn before_last(element: &str, before: &str) -> Result<Self, ExpressionError> {
        let before: u8 = match before.parse() {
            Ok(before @ 0..=30) => before,
            _ => return Err(ExpressionError::element(Field::Day, element, "`L-` needs a number from 0 to 30")),
        };
        let mut days = Self::NONE;
        for ((length, ..), kinds) in LENGTHS.iter().zip(&mut days.0) {
            // Bit 0 is no day, and a short month has fewer.
            *kinds = [length.checked_sub(before).map_or(0, |day| 1_u32 << day & !1); 7];
        }
        Ok(days)
    }
}

fn is_open(text: &str) -> bool {
    text.starts_with(['*', '?'])
}
