//! The days of a month that the third and the fifth field mean together.

use crate::civil;
use crate::element::Element;
use crate::error::ExpressionError;
use crate::field::Field;

/// How long months are.
const LENGTHS: [u8; 4] = [28, 29, 30, 31];

/// Days of all kinds of months.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Days {
    /// Every day, which is what most expressions mean: they need no table.
    Every,
    Some(Box<Table>),
}

impl Days {
    pub(crate) fn of(fields: &DayFields) -> Self {
        let table = fields.table();
        if table == Table::EVERY { Self::Every } else { Self::Some(Box::new(table)) }
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
const fn every_day(length: u8) -> u32 {
    // Bit 0 is no day.
    (u32::MAX >> (31 - length)) & !1
}

/// The third and the fifth field as they are written.
#[derive(Debug)]
pub(crate) struct DayFields {
    pub(crate) days: Vec<Element>,
    pub(crate) weekdays: Vec<Element>,
    /// Whether a day has to be in both fields, and not in one of them.
    pub(crate) both: bool,
}

impl DayFields {
    pub(crate) fn read(day: &str, weekday: &str) -> Result<Self, ExpressionError> {
        // A sign that croner has brought up, for days that both fields have to mean.
        let (weekday, both) = match weekday.strip_prefix('+') {
            Some(weekday) => (weekday, true),
            None => (weekday, false),
        };
        // A field that begins with a star restricts nothing by itself, so a day has to be in both; else one is enough.
        let both = both || is_open(day) || is_open(weekday);
        Ok(Self { days: Field::Day.elements(day)?, weekdays: Field::Weekday.elements(weekday)?, both })
    }

    /// What both mean together.
    pub(crate) fn table(&self) -> Table {
        let (days, weekdays) = (Table::of(&self.days, Field::Day), Table::of(&self.weekdays, Field::Weekday));
        if self.both { days.joined(&weekdays, |a, b| a & b) } else { days.joined(&weekdays, |a, b| a | b) }
    }
}

fn is_open(text: &str) -> bool {
    text.starts_with(['*', '?'])
}

/// For each length of a month and each weekday of its first day, the days as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Table([[u32; 7]; 4]);

impl Table {
    pub(crate) const EVERY: Self =
        Self([[every_day(28); 7], [every_day(29); 7], [every_day(30); 7], [every_day(31); 7]]);

    /// The days that one of these elements means.
    pub(crate) fn of(elements: &[Element], field: Field) -> Self {
        let mut table = Self([[0; 7]; 4]);
        for (length, kinds) in LENGTHS.into_iter().zip(&mut table.0) {
            for (first, kind) in (0..).zip(kinds) {
                let month = Month { length, first };
                for day in 1..=length {
                    if elements.iter().any(|element| month.has(day, *element, field)) {
                        *kind |= 1 << day;
                    }
                }
            }
        }
        table
    }

    fn joined(&self, other: &Self, join: impl Fn(u32, u32) -> u32) -> Self {
        Self(std::array::from_fn(|length| {
            std::array::from_fn(|first| join(self.0[length][first], other.0[length][first]))
        }))
    }
}

/// A kind of month.
#[derive(Debug, Clone, Copy)]
struct Month {
    length: u8,
    /// The weekday of its first day, from 0 for Sunday.
    first: u8,
}

impl Month {
    fn weekday(self, day: u8) -> u8 {
        (self.first + day - 1) % 7
    }

    /// Whether an element of one of the two fields means this day.
    fn has(self, day: u8, element: Element, field: Field) -> bool {
        let weekday = self.weekday(day);
        match element {
            Element::Values(days) if field == Field::Day => crate::has(days.bits(), day),
            Element::Values(weekdays) => crate::has(weekdays.weekdays(), weekday),
            Element::Nth(weekdays, nth) => crate::has(weekdays.weekdays(), weekday) && day.div_ceil(7) == nth,
            Element::LastOf(weekdays) => crate::has(weekdays.weekdays(), weekday) && day + 7 > self.length,
            Element::BeforeLast(before) => day + before == self.length,
            Element::Nearest(to) => to <= self.length && day == self.nearest_workday(to),
            Element::LastWorkday => day == self.nearest_workday_before(self.length),
        }
    }

    fn nearest_workday(self, day: u8) -> u8 {
        match self.weekday(day) {
            SUNDAY if day == self.length => day - 2,
            SUNDAY => day + 1,
            SATURDAY if day == 1 => 3,
            SATURDAY => day - 1,
            _ => day,
        }
    }

    fn nearest_workday_before(self, day: u8) -> u8 {
        match self.weekday(day) {
            SUNDAY => day - 2,
            SATURDAY => day - 1,
            _ => day,
        }
    }
}

const SUNDAY: u8 = 0;
const SATURDAY: u8 = 6;

#[cfg(test)]
impl Table {
    pub(crate) fn days(&self, length: u8, first_weekday: u8) -> u32 {
        self.0[usize::from(length - 28)][usize::from(first_weekday)]
    }
}
