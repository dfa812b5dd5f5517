//! One part of a field's list, as it is written.

use crate::field::Field;

/// What it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    /// `*`, `5`, `1-5`, `*/2`, `1-5/2`.
    Values(Values),
    /// `FRI#3`, `MON-FRI#2`: each of these weekdays for the so-manieth time in its month.
    Nth(Values, u8),
    /// `FRIL`, `MON-FRI#L`: each of these weekdays for the last time in its month.
    LastOf(Values),
    /// `L`, `L-3`: so many days before the last.
    BeforeLast(u8),
    /// `15W`: the day from Monday to Friday in the same month that is nearest to this one.
    Nearest(u8),
    /// `LW`: the last day from Monday to Friday.
    LastWorkday,
}

/// Numbers of a field, from the first in steps up to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Values {
    pub(crate) first: u8,
    pub(crate) last: u8,
    pub(crate) step: u8,
}

impl Values {
    /// As bits.
    pub(crate) fn bits(self) -> u64 {
        (self.first..=self.last).step_by(self.step.into()).fold(0, |bits, value| bits | 1 << value)
    }

    /// The same for weekdays, from 0 for Sunday.
    pub(crate) fn weekdays(self) -> u64 {
        (self.bits() | self.bits() >> 7) & 0x7f
    }
}

impl Element {
    /// Reads one that is in capitals.
    ///
    /// # Errors
    /// The reason it is none.
    pub(crate) fn read(field: Field, text: &str) -> Result<Self, String> {
        match field {
            Field::Day => read_day(text),
            Field::Weekday => read_weekday(text),
            Field::Second | Field::Minute | Field::Hour | Field::Month => values(field, text).map(Self::Values),
        }
    }

    /// Its numbers, if it is nothing but these.
    pub(crate) fn values(self) -> Option<Values> {
        if let Self::Values(values) = self { Some(values) } else { None }
    }
}

fn read_day(text: &str) -> Result<Element, String> {
    Ok(match text {
        "L" => Element::BeforeLast(0),
        "LW" => Element::LastWorkday,
        _ => {
            if let Some(before) = text.strip_prefix("L-") {
                let before = number(before).filter(|before| *before <= 30);
                Element::BeforeLast(before.ok_or("`L-` needs a number from 0 to 30")?)
            } else if let Some(day) = text.strip_suffix('W') {
                Element::Nearest(value(Field::Day, day)?)
            } else {
                Element::Values(values(Field::Day, text)?)
            }
        }
    })
}

fn read_weekday(text: &str) -> Result<Element, String> {
    if let Some((weekdays, nth)) = text.split_once('#') {
        if matches!(weekdays, "*" | "?") {
            return Err("`#` stands after a weekday, as in `FRI#2`".to_owned());
        }
        let weekdays = values(Field::Weekday, weekdays)?;
        return match (nth, number(nth)) {
            ("L", _) => Ok(Element::LastOf(weekdays)),
            (_, Some(nth @ 1..=5)) => Ok(Element::Nth(weekdays, nth)),
            (_, Some(_)) => Err("the number after `#` is out of bounds: 1 to 5".to_owned()),
            (_, None) => Err("`#` needs a number from 1 to 5, or `L`".to_owned()),
        };
    }
    if text == "L" {
        return Err("`L` stands after a weekday, as in `FRIL`".to_owned());
    }
    match text.strip_suffix('L') {
        Some(weekday) => {
            let day = value(Field::Weekday, weekday)?;
            Ok(Element::LastOf(Values { first: day, last: day, step: 1 }))
        }
        None => values(Field::Weekday, text).map(Element::Values),
    }
}

/// A star, a number or a range, and of star and range every so-manieth.
fn values(field: Field, text: &str) -> Result<Values, String> {
    let (range, step) = match text.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (text, None),
    };
    let is_star = range == "*" || (range == "?" && matches!(field, Field::Day | Field::Weekday));
    let (first, last) = if is_star {
        field.bounds()
    } else if let Some((first, last)) = range.split_once('-') {
        let first = value(field, first)?;
        let last = match value(field, last)? {
            // The end of the week, not its beginning.
            0 if field == Field::Weekday && last == "SUN" => 7,
            last => last,
        };
        if first > last {
            return Err("range out of bounds: it ends before it begins".to_owned());
        }
        (first, last)
    } else {
        let value = value(field, range)?;
        if let Some(step) = step {
            return Err(format!("a step needs a range, as in `*/{step}`"));
        }
        (value, value)
    };
    let step = match step.map(|step| number(step).ok_or_else(|| meaningless(step))) {
        None => 1,
        Some(step) => step?,
    };
    if step == 0 {
        return Err("step cannot be zero".to_owned());
    }
    Ok(Values { first, last, step })
}

/// A number or a name.
fn value(field: Field, text: &str) -> Result<u8, String> {
    let (names, first) = field.names();
    if let Some(named) = (first..).zip(names).find_map(|(number, name)| (*name == text).then_some(number)) {
        return Ok(named);
    }
    let (least, greatest) = field.bounds();
    match number(text) {
        Some(number) if (least..=greatest).contains(&number) => Ok(number),
        Some(_) => Err("number out of bounds".to_owned()),
        None => Err(meaningless(text)),
    }
}

/// A number; one that is too large for anything here is the largest.
fn number(text: &str) -> Option<u8> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u8::MAX))
}

/// What stands in the place of a number.
fn meaningless(text: &str) -> String {
    let Some(start) = text.find(|c: char| !c.is_ascii_digit()) else { return "a number is missing".to_owned() };
    let rest = &text[start..];
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let strange = if end == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { end };
    format!("`{}` means nothing here", &rest[..strange])
}
