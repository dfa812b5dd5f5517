//! An expression as a sentence.
//!
//! # Invariants
//!
//! 1. A sentence means exactly what its expression means: the tests read sentences back.
//! 2. The time of day and the months are told from what was read, the days from how they were written, because a table of
//!    days does not say why it is as it is.

use crate::days::{DayFields, Table};
use crate::element::{Element, Values};
use crate::error::ExpressionError;
use crate::field::Field;
use crate::{Expression, has};

/// As many times of day are named one by one.
const MOST_TIMES: u32 = 6;

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

/// What an expression means, in words: `0 3 * * 1-5` is "at 03:00, Monday to Friday".
///
/// # Errors
///
/// Fails as [`Expression::parse`] does.
pub fn in_words(text: &str) -> Result<String, ExpressionError> {
    let (expression, fields) = Expression::read(text)?;
    let parts = [Some(time(&expression)), days(&fields), months(expression.months)];
    Ok(parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// Numbers of one unit of the clock.
#[derive(Clone, Copy)]
struct Unit {
    name: &'static str,
    bits: u64,
    count: u8,
}

impl Unit {
    fn is_full(self) -> bool {
        self.bits.count_ones() == self.count.into()
    }

    fn only(self) -> Option<u8> {
        self.bits.is_power_of_two().then(|| crate::first(self.bits, 0)).flatten()
    }

    /// The step with which it goes round from zero, if that leaves nothing over.
    fn step(self) -> Option<u8> {
        let step = (2..self.count).find(|step| has(self.bits, *step))?;
        let round = Values { first: 0, last: self.count - 1, step }.bits();
        (self.count.is_multiple_of(step) && self.bits == round).then_some(step)
    }

    /// `every minute`, `minute 5`, `minutes 0, 5 and 10 to 20`.
    fn words(self) -> String {
        let Self { name, bits, .. } = self;
        match self.only() {
            _ if self.is_full() => format!("every {name}"),
            Some(only) => format!("{name} {only}"),
            None => format!("{name}s {}", listed(bits, |value| value.to_string())),
        }
    }
}

fn time(expression: &Expression) -> String {
    let second = Unit { name: "second", bits: expression.seconds, count: 60 };
    let minute = Unit { name: "minute", bits: expression.minutes, count: 60 };
    let hour = Unit { name: "hour", bits: expression.hours, count: 24 };
    let on_the_minute = second.only() == Some(0);
    let times = second.bits.count_ones() * minute.bits.count_ones() * hour.bits.count_ones();
    if times <= MOST_TIMES {
        return format!("at {}", joined(&times_of_day(expression)));
    }
    if minute.is_full() && hour.is_full() {
        if second.is_full() {
            return "every second".to_owned();
        }
        if let Some(step) = second.step() {
            return format!("every {step} seconds");
        }
    }
    if on_the_minute && hour.is_full() {
        if minute.is_full() {
            return "every minute".to_owned();
        }
        if let Some(step) = minute.step() {
            return format!("every {step} minutes");
        }
        if minute.only() == Some(0) {
            return "every hour".to_owned();
        }
    }
    if on_the_minute
        && minute.only() == Some(0)
        && let Some(step) = hour.step()
    {
        return format!("every {step} hours");
    }
    let mut units = if on_the_minute { vec![minute, hour] } else { vec![second, minute, hour] };
    // An hour that is named needs no word when every one of them is meant.
    let first = units.remove(0);
    let at = if first.is_full() { "" } else { "at " };
    let rest: Vec<_> = units.into_iter().map(|unit| format!(" of {}", unit.words())).collect();
    format!("{at}{}{}", first.words(), rest.concat())
}

/// Few times of day, one by one; with seconds if any of them has some.
fn times_of_day(expression: &Expression) -> Vec<String> {
    let Expression { seconds, minutes, hours, .. } = expression;
    let of = |bits: u64| (0..60).filter(move |value| has(bits, *value));
    let has_seconds = *seconds != 1;
    let times = of(*hours).flat_map(|hour| of(*minutes).map(move |minute| (hour, minute)));
    let times = times.flat_map(|(hour, minute)| of(*seconds).map(move |second| (hour, minute, second)));
    times
        .map(|(hour, minute, second)| {
            let seconds = if has_seconds { format!(":{second:02}") } else { String::new() };
            format!("{hour:02}:{minute:02}{seconds}")
        })
        .collect()
}

/// The days, unless every day is meant.
fn days(fields: &DayFields) -> Option<String> {
    let DayFields { days, weekdays, both } = fields;
    if fields.table() == Table::EVERY {
        return None;
    }
    let is_every = |elements, field| Table::of(elements, field) == Table::EVERY;
    Some(match (is_every(days, Field::Day), is_every(weekdays, Field::Weekday)) {
        // It is not every day, so both have to be meant, and one of them says nothing.
        (true, _) => of_weekdays(weekdays),
        (_, true) => format!("on {}", of_days(days)),
        (false, false) if *both => format!("on {}, but only {}", of_days(days), of_weekdays(weekdays)),
        (false, false) => format!("on {}, and {}", of_days(days), of_weekdays(weekdays)),
    })
}

/// `days 1 and 15 of the month and the last day of the month`.
fn of_days(elements: &[Element]) -> String {
    let bits = values(elements, Values::bits);
    let numbered = match bits.count_ones() {
        0 => None,
        1 => Some(format!("day {} of the month", listed(bits, |day| day.to_string()))),
        _ => Some(format!("days {} of the month", listed(bits, |day| day.to_string()))),
    };
    let others = elements.iter().filter_map(|element| match element {
        Element::BeforeLast(0) => Some("the last day of the month".to_owned()),
        Element::BeforeLast(1) => Some("the day before the last of the month".to_owned()),
        Element::BeforeLast(before) => Some(format!("the day {before} days before the last of the month")),
        Element::Nearest(day) => Some(format!("the working day nearest to day {day} of the month")),
        Element::LastWorkday => Some("the last working day of the month".to_owned()),
        Element::Values(_) | Element::Nth(..) | Element::LastOf(_) => None,
    });
    joined(&numbered.into_iter().chain(others).collect::<Vec<_>>())
}

/// `Monday to Friday and the last Sunday of the month`.
fn of_weekdays(elements: &[Element]) -> String {
    let bits = values(elements, Values::weekdays);
    let named = (bits != 0).then(|| week(bits));
    let of_month = |which: &str, weekdays: Values| format!("the {which} {} of the month", week(weekdays.weekdays()));
    let others = elements.iter().filter_map(|element| match element {
        Element::Nth(weekdays, nth) => Some(of_month(ORDINALS[usize::from(nth - 1)], *weekdays)),
        Element::LastOf(weekdays) => Some(of_month("last", *weekdays)),
        Element::Values(_) | Element::BeforeLast(_) | Element::Nearest(_) | Element::LastWorkday => None,
    });
    joined(&named.into_iter().chain(others).collect::<Vec<_>>())
}

fn months(bits: u64) -> Option<String> {
    let all = bits.count_ones() == 12;
    (!all).then(|| format!("in {}", listed(bits, |month| MONTHS[usize::from(month - 1)].to_owned())))
}

/// The bits of the elements that are nothing but values.
fn values(elements: &[Element], bits: impl Fn(Values) -> u64) -> u64 {
    elements.iter().filter_map(|element| element.values()).fold(0, |all, values| all | bits(values))
}

/// Weekdays from Monday on, as a week is told.
fn week(bits: u64) -> String {
    let from_monday = bits >> 1 | (bits & 1) << 6;
    listed(from_monday, |weekday| WEEKDAYS[usize::from((weekday + 1) % 7)].to_owned())
}

/// Set bits as a list, three and more in a row as a range.
fn listed(bits: u64, name: impl Fn(u8) -> String) -> String {
    let mut parts = Vec::new();
    let mut next = crate::first(bits, 0);
    while let Some(start) = next {
        let end = (start..63).take_while(|value| has(bits, *value)).last().unwrap_or(start);
        match end - start {
            0 | 1 => parts.extend((start..=end).map(&name)),
            _ => parts.push(format!("{} to {}", name(start), name(end))),
        }
        next = crate::first(bits, end + 1);
    }
    joined(&parts)
}

fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}
