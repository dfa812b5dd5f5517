//! The civil calendar, as far as expressions need it.

/// The last year that anybody's calendar library has.
pub(crate) const LAST_YEAR: i16 = 9999;

/// A date and a time of day in the Gregorian calendar, without a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Civil {
    /// From 1 to 9999.
    pub year: i16,
    /// From 1 for January.
    pub month: u8,
    /// From 1.
    pub day: u8,
    /// From 0 to 23.
    pub hour: u8,
    /// From 0 to 59.
    pub minute: u8,
    /// From 0 to 59.
    pub second: u8,
}

/// How many days a month has.
pub(crate) fn length(year: i16, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The weekday of the first day of a month, from 0 for Sunday.
pub(crate) fn first_weekday(year: i16, month: u8) -> u8 {
    // Sakamoto: years begin in March, so that the leap day is the last.
    const SHIFT: [i32; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let year = i32::from(year) - i32::from(month < 3);
    let days = year + year / 4 - year / 100 + year / 400 + SHIFT[usize::from(month - 1)] + 1;
    u8::try_from(days.rem_euclid(7)).unwrap_or_default()
}

fn is_leap(year: i16) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}
