//! What an element means, by ours and by croner, whose reading this was until it had its own.

use croner::parser::{CronParser, Seconds, Year};
use croner::{CronPattern, Weekday};

use super::Random;
use crate::element::Element;
use crate::field::Field;

const FIELDS: [Field; 6] = [Field::Second, Field::Minute, Field::Hour, Field::Day, Field::Month, Field::Weekday];

/// The lengths of months, each in a year in which croner can look it up.
const LENGTHS: [(u8, i32, u32); 4] = [(28, 2023, 2), (29, 2024, 2), (30, 2023, 4), (31, 2023, 1)];

/// What croner makes of one element in its field, all the others being open.
fn croned(field: Field, element: &str) -> Option<CronPattern> {
    let open = |at: Field| if at == field { element } else { "*" };
    let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Disallowed).build();
    parser.parse(&FIELDS.map(open).join(" ")).ok().map(|cron| cron.pattern)
}

/// The values that both mean, or nothing if both refuse it.
fn check(field: Field, text: &str) -> bool {
    let ours = Element::read(field, text);
    let theirs = croned(field, text);
    assert_eq!(ours.is_ok(), theirs.is_some(), "{field:?} `{text}`: {ours:?}");
    let (Ok(ours), Some(theirs)) = (ours, theirs) else { return false };
    if matches!(field, Field::Day | Field::Weekday) {
        let table = crate::days::Table::of(&[ours], field);
        for (length, year, month) in LENGTHS {
            for first in 0..7 {
                let days = (1..=length).filter(|day| {
                    let weekday = Weekday::from_days_from_sunday(u32::from((first + day - 1) % 7));
                    theirs.day_match(year, month, u32::from(*day), weekday).unwrap()
                });
                let days = days.fold(0, |bits, day| bits | 1_u32 << day);
                assert_eq!(table.days(length, first), days, "{field:?} `{text}` in {length} days from {first}");
            }
        }
    } else {
        let component = match field {
            Field::Second => &theirs.seconds,
            Field::Minute => &theirs.minutes,
            Field::Hour => &theirs.hours,
            _ => &theirs.months,
        };
        let bits = component.values().iter().fold(0, |bits, value| bits | 1_u64 << value);
        assert_eq!(ours.values().map(crate::element::Values::bits), Some(bits), "{field:?} `{text}`");
    }
    true
}

#[test]
fn croner_reads_the_same_elements_as_the_same_days_and_times() {
    let mut random = Random(11);
    let pieces =
        ["0", "1", "2", "3", "5", "6", "7", "12", "23", "29", "31", "59", "60", "*", "-", "/", "#", "L", "W", "?"];
    let (mut read, mut refused) = (0, 0);
    for _ in 0..60_000 {
        let field = random.one_of(&FIELDS);
        let text: String = (0..=random.below(5)).map(|_| random.one_of(&pieces)).collect();
        if is_lenient(field, &text) {
            continue;
        }
        *(if check(field, &text) { &mut read } else { &mut refused }) += 1;
    }
    assert!(read > 5_000 && refused > 5_000, "{read} read, {refused} refused");
}

/// What croner takes and we never did, and `L-3`, which it never took.
fn is_lenient(field: Field, text: &str) -> bool {
    let ends_only =
        |sign: char| text.trim_end_matches(sign).len() + 1 < text.len() || text[..text.len() - 1].contains(sign);
    let number_and_last = text.split_once('#').is_some_and(|(_, nth)| nth.len() > 1 && nth.ends_with('L'));
    let is_day = matches!(field, Field::Day | Field::Weekday);
    // Only days know a question mark, which stands for a star.
    (text.contains('?') && !is_day)
        || text.contains("L-")
        || text.matches('#').count() > 1
        || number_and_last
        || (field == Field::Weekday && text == "L")
        || (text != "LW" && (ends_only('L') || ends_only('W')))
}

#[test]
fn every_number_and_range_is_read_as_by_croner() {
    for field in FIELDS {
        let (least, greatest) = field.bounds();
        for first in least..=greatest {
            assert!(check(field, &first.to_string()));
            for last in least..=greatest {
                assert_eq!(check(field, &format!("{first}-{last}")), first <= last);
                assert_eq!(check(field, &format!("{first}-{last}/3")), first <= last);
            }
        }
        for step in 1..=70 {
            assert!(check(field, &format!("*/{step}")));
        }
    }
    for day in 1..=31 {
        assert!(check(Field::Day, &format!("{day}W")));
    }
    for weekday in 0..=7 {
        assert!(check(Field::Weekday, &format!("{weekday}L")));
        for nth in 1..=5 {
            assert!(check(Field::Weekday, &format!("{weekday}#{nth}")));
            assert!(check(Field::Weekday, &format!("{weekday}-7#{nth}")));
        }
    }
    for text in ["L", "LW", "?", "*"] {
        assert!(check(Field::Day, text));
    }
}
