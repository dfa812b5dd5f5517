//! Cron expressions with the meaning of a crontab.
//!
//! An expression says which times of the civil calendar it means; what becomes of them in a time zone is the business of
//! whoever asks. Its fields are kept as bits. [`in_words`] says the same to people.
//!
//! # Invariants
//!
//! 1. An [`Expression`] means at least one time: one that never comes is no expression.
//! 2. Which days a month has depends on its length and the weekday of its first day only, so there are 28 kinds of months,
//!    and the days of each are known when the expression is read.

mod civil;
mod days;
mod element;
mod error;
mod field;
mod nickname;
#[cfg(test)]
mod tests;
mod words;

pub use civil::Civil;
pub use error::ExpressionError;
pub use words::in_words;

use days::{DayFields, Days};
use field::Field;

/// The times at which something is due, such as `0 3 * * *`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    seconds: u64,
    minutes: u64,
    hours: u64,
    months: u64,
    days: Days,
}

impl Expression {
    /// Reads five fields (minute, hour, day of the month, month, day of the week), six with seconds first, or a nickname
    /// such as `@daily`.
    ///
    /// # Errors
    ///
    /// Fails if it is no expression, or one whose time never comes, such as 31 February.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        Ok(Self::read(text)?.0)
    }

    /// The same, with the days as they are written.
    fn read(text: &str) -> Result<(Self, DayFields), ExpressionError> {
        let text = text.trim().to_ascii_uppercase();
        let text = nickname::expanded(&text)?;
        let fields: Vec<&str> = text.split_whitespace().collect();
        let (second, [minute, hour, day, month, weekday]) = match *fields.as_slice() {
            [minute, hour, day, month, weekday] => ("0", [minute, hour, day, month, weekday]),
            [second, minute, hour, day, month, weekday] => (second, [minute, hour, day, month, weekday]),
            _ => return Err(ExpressionError::count(fields.len())),
        };
        let (seconds, minutes) = (Field::Second.values(second)?, Field::Minute.values(minute)?);
        let (hours, months) = (Field::Hour.values(hour)?, Field::Month.values(month)?);
        let fields = DayFields::read(day, weekday)?;
        let expression = Self { seconds, minutes, hours, months, days: Days::of(&fields) };
        // Invariant 1.
        if expression.ever() { Ok((expression, fields)) } else { Err(ExpressionError::never()) }
    }

    /// Whether it means a time in each hour of the day, so that it names no hour.
    pub fn is_hourly(&self) -> bool {
        self.hours.count_ones() == 24
    }

    /// The first time it means that is not before this one; none after the year 9999.
    pub fn first_from(&self, from: Civil) -> Option<Civil> {
        let mut time = self.time_from((from.hour, from.minute, from.second));
        let (mut year, mut month, mut day) = (from.year, from.month, from.day);
        if time.is_none() {
            day += 1;
        }
        loop {
            if has(self.months, month)
                && let Some(found) = first(u64::from(self.days.of_month(year, month)), day)
            {
                if (year, month, found) != (from.year, from.month, from.day) {
                    time = None;
                }
                let (hour, minute, second) = time.or_else(|| self.time_from((0, 0, 0)))?;
                return Some(Civil { year, month, day: found, hour, minute, second });
            }
            (day, month) = (1, month + 1);
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
            if year > civil::LAST_YEAR {
                return None;
            }
        }
    }

    /// The first time of day that is not before this one.
    fn time_from(&self, (hour, minute, second): (u8, u8, u8)) -> Option<(u8, u8, u8)> {
        let start = |field| first(field, 0);
        if has(self.hours, hour) {
            if has(self.minutes, minute)
                && let Some(second) = first(self.seconds, second)
            {
                return Some((hour, minute, second));
            }
            if let Some(minute) = first(self.minutes, minute + 1) {
                return Some((hour, minute, start(self.seconds)?));
            }
        }
        Some((first(self.hours, hour + 1)?, start(self.minutes)?, start(self.seconds)?))
    }

    fn ever(&self) -> bool {
        (1..=12).filter(|month| has(self.months, *month)).any(|month| self.days.ever_in(month))
    }
}

fn has(bits: u64, value: u8) -> bool {
    bits >> value & 1 == 1
}

/// The first value that is set and not below this one.
fn first(bits: u64, from: u8) -> Option<u8> {
    let left = bits.checked_shr(from.into())? << from;
    if left == 0 { None } else { u8::try_from(left.trailing_zeros()).ok() }
}
