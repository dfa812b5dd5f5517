//! Sentences about expressions: by hand, and read back.

use super::Random;
use crate::days::Table;
use crate::{Expression, in_words};

#[test]
fn expressions_are_told_as_people_say_them() {
    for (text, expected) in [
        ("0 3 * * 1-5", "at 03:00, Monday to Friday"),
        ("* * * * *", "every minute"),
        ("* * * * * *", "every second"),
        ("*/15 * * * *", "every 15 minutes"),
        ("*/20 * * * * *", "every 20 seconds"),
        ("*/7 * * * *", "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour"),
        ("@hourly", "every hour"),
        ("5 * * * *", "at minute 5 of every hour"),
        ("0 */2 * * *", "every 2 hours"),
        ("0 0 * * *", "at 00:00"),
        ("@weekly", "at 00:00, Sunday"),
        ("@yearly", "at 00:00, on day 1 of the month, in January"),
        ("30 6 1 jan-mar,6 *", "at 06:30, on day 1 of the month, in January to March and June"),
        ("15,45 8,12 * * *", "at 08:15, 08:45, 12:15 and 12:45"),
        ("*/15 8-18 * * 1-5", "at minutes 0, 15, 30 and 45 of hours 8 to 18, Monday to Friday"),
        ("* 9-17 * * *", "every minute of hours 9 to 17"),
        ("30 * 9 * * *", "at second 30 of every minute of hour 9"),
        ("10,40 30 4 * * *", "at 04:30:10 and 04:30:40"),
        ("0 0 13 * 5", "at 00:00, on day 13 of the month, and Friday"),
        ("0 0 13 * +5", "at 00:00, on day 13 of the month, but only Friday"),
        ("0 0 */10 * 1", "at 00:00, on days 1, 11, 21 and 31 of the month, but only Monday"),
        ("0 0 L * *", "at 00:00, on the last day of the month"),
        (
            "0 0 L-1,L-3 * *",
            "at 00:00, on the day before the last of the month and the day 3 days before the last of the month",
        ),
        (
            "0 0 15W,LW * *",
            "at 00:00, on the working day nearest to day 15 of the month and the last working day of the month",
        ),
        ("0 6 * * mon-fri#2", "at 06:00, the second Monday to Friday of the month"),
        ("0 6 * * friL,sun", "at 06:00, Sunday and the last Friday of the month"),
        ("0 6 * * sat,sun", "at 06:00, Saturday and Sunday"),
        ("0 6 1-31 * 1", "at 06:00"),
    ] {
        assert_eq!(in_words(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_expression_has_no_words() {
    for text in ["", "0 24 * * *", "0 0 31 2 *", "@reboot"] {
        assert_eq!(in_words(text).unwrap_err(), Expression::parse(text).unwrap_err());
    }
}

/// What a sentence means, read word by word and with the calendar counted here.
#[derive(Debug, PartialEq)]
struct Meaning {
    /// Hour, minute and second of every time of day.
    times: Vec<(u8, u8, u8)>,
    /// Of each kind of month, the days.
    days: Vec<Vec<u8>>,
    months: Vec<u8>,
}

const KINDS: [u8; 4] = [28, 29, 30, 31];
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

/// A sentence, word by word.
struct Reader<'t> {
    words: Vec<&'t str>,
    at: usize,
}

type Pick = Box<dyn Fn(u8, u8, u8) -> bool>;

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        // Neither a comma nor an "and" is needed to tell what belongs together.
        let words = text.split([' ', ',']).filter(|word| !word.is_empty() && *word != "and").collect();
        Self { words, at: 0 }
    }

    fn peek(&self) -> &'t str {
        self.words.get(self.at).copied().unwrap_or_default()
    }

    fn next(&mut self) -> &'t str {
        let word = self.peek();
        self.at += 1;
        word
    }

    fn takes(&mut self, words: &str) -> bool {
        let words: Vec<_> = words.split(' ').collect();
        let is_next = self.words[self.at.min(self.words.len())..].starts_with(&words);
        self.at += if is_next { words.len() } else { 0 };
        is_next
    }

    fn expect(&mut self, words: &str) {
        assert!(self.takes(words), "`{words}` at {} of {:?}", self.at, self.words);
    }

    fn list(&mut self, place: impl Fn(&str) -> Option<u8>) -> Vec<u8> {
        let mut values = Vec::new();
        while let Some(first) = place(self.peek()) {
            self.at += 1;
            let last = if self.takes("to") { place(self.next()).expect("a range has an end") } else { first };
            values.extend(first..=last);
        }
        assert!(!values.is_empty(), "a list at {} of {:?}", self.at, self.words);
        values
    }

    /// `every minute`, `minute 5`, `minutes 1 to 5`; nothing if another word stands there.
    fn unit(&mut self, name: &str, count: u8) -> Option<Vec<u8>> {
        if self.takes(&format!("every {name}")) {
            return Some((0..count).collect());
        }
        (self.takes(name) || self.takes(&format!("{name}s"))).then(|| self.list(|word| word.parse().ok()))
    }

    fn times(&mut self) -> Vec<(u8, u8, u8)> {
        let all = |count: u8| (0..count).collect::<Vec<_>>();
        let of = |hours: Vec<u8>, minutes: Vec<u8>, seconds: Vec<u8>| {
            let mut times = Vec::new();
            for hour in &hours {
                for minute in &minutes {
                    times.extend(seconds.iter().map(|second| (*hour, *minute, *second)));
                }
            }
            times
        };
        if self.peek() == "every"
            && let Some(step) = self.words.get(self.at + 1).and_then(|word| word.parse::<usize>().ok())
        {
            self.at += 2;
            let round = |count: u8| {
                assert_eq!(usize::from(count) % step, 0, "it goes round");
                (0..count).step_by(step).collect::<Vec<_>>()
            };
            return match self.next() {
                "seconds" => of(all(24), all(60), round(60)),
                "minutes" => of(all(24), round(60), vec![0]),
                "hours" => of(round(24), vec![0], vec![0]),
                other => panic!("{other}"),
            };
        }
        if self.takes("every hour") {
            return of(all(24), vec![0], vec![0]);
        }
        let is_at = self.takes("at");
        if is_at && self.peek().contains(':') {
            let mut times = Vec::new();
            while self.peek().contains(':') {
                let mut parts = self.next().split(':').map(|part| part.parse().unwrap());
                times.push((parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap_or(0)));
            }
            return times;
        }
        let seconds = self.unit("second", 60);
        if let Some(seconds) = &seconds
            && !self.takes("of")
        {
            return of(all(24), all(60), seconds.clone());
        }
        let minutes = self.unit("minute", 60).expect("minutes");
        let hours = if self.takes("of") { self.unit("hour", 24).expect("hours") } else { all(24) };
        of(hours, minutes, seconds.unwrap_or_else(|| vec![0]))
    }

    fn weekdays(&mut self) -> Vec<u8> {
        // From Monday as 1 to Sunday as 7.
        let place =
            |word: &str| WEEKDAYS.iter().position(|name| *name == word).map(|place| [7, 1, 2, 3, 4, 5, 6][place]);
        self.list(place)
    }

    /// What is said of the days, by length, day and weekday from 1 for Monday.
    fn picks(&mut self) -> Vec<Pick> {
        let mut picks: Vec<Pick> = Vec::new();
        loop {
            if self.takes("day") || self.takes("days") {
                let days = self.list(|word| word.parse().ok());
                self.expect("of the month");
                picks.push(Box::new(move |_, day, _| days.contains(&day)));
            } else if self.takes("the last day of the month") {
                picks.push(Box::new(|length, day, _| day == length));
            } else if self.takes("the day before the last of the month") {
                picks.push(Box::new(|length, day, _| day + 1 == length));
            } else if self.takes("the day") {
                let before: u8 = self.next().parse().unwrap();
                self.expect("days before the last of the month");
                picks.push(Box::new(move |length, day, _| day + before == length));
            } else if self.takes("the working day nearest to day") {
                let to: u8 = self.next().parse().unwrap();
                self.expect("of the month");
                picks.push(Box::new(move |length, day, weekday| nearest(to, length, day, weekday)));
            } else if self.takes("the last working day of the month") {
                picks.push(Box::new(|length, day, weekday| {
                    // No day from Monday to Friday comes after it.
                    weekday <= 5 && (day + 1..=length).all(|later| (weekday + later - day - 1) % 7 + 1 > 5)
                }));
            } else if self.takes("the last") {
                let weekdays = self.weekdays();
                self.expect("of the month");
                picks.push(Box::new(move |length, day, weekday| weekdays.contains(&weekday) && length - day < 7));
            } else if self.takes("the") {
                let ordinal = self.next();
                let nth = ["first", "second", "third", "fourth", "fifth"].iter().position(|word| *word == ordinal);
                let nth = u8::try_from(nth.expect("an ordinal")).unwrap();
                let weekdays = self.weekdays();
                self.expect("of the month");
                picks.push(Box::new(move |_, day, weekday| weekdays.contains(&weekday) && (day - 1) / 7 == nth));
            } else if WEEKDAYS.contains(&self.peek()) {
                let weekdays = self.weekdays();
                picks.push(Box::new(move |_, _, weekday| weekdays.contains(&weekday)));
            } else {
                return picks;
            }
        }
    }
}

/// Whether a day from Monday to Friday is the nearest of its month to another day; before it and after it, Saturday
/// goes to Friday and Sunday to Monday.
fn nearest(to: u8, length: u8, day: u8, weekday: u8) -> bool {
    let weekday_of = |other: u8| (i16::from(weekday) + i16::from(other) - i16::from(day) - 1).rem_euclid(7) + 1;
    let distance = |other: u8| (i16::from(other) - i16::from(to)).abs();
    to <= length
        && (1..=length).filter(|other| weekday_of(*other) <= 5).min_by_key(|other| distance(*other)) == Some(day)
}

fn read_back(text: &str) -> Meaning {
    let mut reader = Reader::new(text);
    let times = reader.times();
    reader.takes("on");
    let picks = reader.picks();
    let only = if reader.takes("but only") { reader.picks() } else { Vec::new() };
    let months = if reader.takes("in") {
        reader.list(|word| MONTHS.iter().position(|name| *name == word).map(|place| u8::try_from(place + 1).unwrap()))
    } else {
        (1..=12).collect()
    };
    assert_eq!(reader.at, reader.words.len(), "`{text}` is read to its end");
    let any =
        |picks: &[Pick], length, day, weekday| picks.is_empty() || picks.iter().any(|pick| pick(length, day, weekday));
    let mut days = Vec::new();
    for length in KINDS {
        for first in 0..7 {
            let weekday = |day: u8| match (first + day - 1) % 7 {
                0 => 7,
                weekday => weekday,
            };
            let is_meant =
                |day: &u8| any(&picks, length, *day, weekday(*day)) && any(&only, length, *day, weekday(*day));
            days.push((1..=length).filter(is_meant).collect());
        }
    }
    Meaning { times, days, months }
}

fn meaning(expression: &Expression) -> Meaning {
    let of = |bits: u64| (0..60).filter(move |value| crate::has(bits, *value));
    let mut times = Vec::new();
    for hour in of(expression.hours) {
        for minute in of(expression.minutes) {
            times.extend(of(expression.seconds).map(|second| (hour, minute, second)));
        }
    }
    let table = match &expression.days {
        crate::days::Days::Every => Table::EVERY,
        crate::days::Days::Some(table) => **table,
    };
    let mut days = Vec::new();
    for length in KINDS {
        for first in 0..7 {
            let bits = u64::from(table.days(length, first));
            days.push((1..=length).filter(|day| crate::has(bits, *day)).collect());
        }
    }
    Meaning { times, days, months: of(expression.months).collect() }
}

/// One part of a field, as somebody may write it.
fn part(random: &mut Random, field: usize) -> String {
    let (lowest, greatest) = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7)][field];
    let mut number = || lowest + random.below(greatest - lowest + 1);
    let (a, b) = (number(), number());
    let (first, last) = (a.min(b), a.max(b));
    let range = format!("{first}-{last}");
    let step = 1 + random.below(9);
    match (random.below(8), field) {
        (0 | 1, _) => "*".to_owned(),
        (2, _) => format!("*/{step}"),
        (3, _) => range,
        (4, _) => format!("{range}/{step}"),
        (5, 3) => random.one_of(&["L", "LW", "L-1", "L-4", "15W", "1W", "31W", "?"]).to_owned(),
        (5, 5) => format!("{a}#{}", 1 + random.below(5)),
        (6, 5) => random.one_of(&["friL", "sun#L", "mon-wed#2", "1-5#L", "*/2#3", "sat-sun", "?"]).to_owned(),
        (5 | 6, 4) => random.one_of(&["jan", "feb-apr", "dec", "jun,jul"]).to_owned(),
        _ => a.to_string(),
    }
}

#[test]
fn no_sentence_is_wrong() {
    let mut random = Random(3);
    let mut checked = 0;
    for _ in 0..3_000 {
        let mut fields: Vec<_> = (0..6)
            .map(|field| {
                let parts: Vec<_> = (0..=random.below(4) / 2).map(|_| part(&mut random, field)).collect();
                parts.join(",")
            })
            .collect();
        if random.below(3) > 0 {
            fields.remove(0);
        }
        if random.below(6) == 0 {
            fields.last_mut().unwrap().insert(0, '+');
        }
        let text = fields.join(" ");
        let Ok(expression) = Expression::parse(&text) else { continue };
        let words = in_words(&text).unwrap();
        assert_eq!(read_back(&words), meaning(&expression), "`{text}` is told as `{words}`");
        checked += 1;
    }
    assert!(checked > 1_500, "{checked}");
}
