//! What expressions mean: by hand, by croner, and by systemd.

mod elements;
mod words;

use std::process::Command;
use std::str::FromStr;

use croner::Cron;
use jiff::civil::DateTime;

use crate::{Civil, Expression};

fn parsed(text: &str) -> Expression {
    Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn civil(text: &str) -> Civil {
    of(DateTime::from_str(text).unwrap())
}

fn of(at: DateTime) -> Civil {
    let part = |value: i8| u8::try_from(value).unwrap();
    Civil {
        year: at.year(),
        month: part(at.month()),
        day: part(at.day()),
        hour: part(at.hour()),
        minute: part(at.minute()),
        second: part(at.second()),
    }
}

fn to_jiff(at: Civil) -> DateTime {
    let part = |value: u8| i8::try_from(value).unwrap();
    let Civil { year, month, day, hour, minute, second } = at;
    DateTime::new(year, part(month), part(day), part(hour), part(minute), part(second), 0).unwrap()
}

fn shown(at: Civil) -> String {
    to_jiff(at).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// The first times that are not before this one.
fn times(text: &str, from: &str, count: usize) -> Vec<String> {
    let expression = parsed(text);
    let mut from = civil(from);
    let mut times = Vec::new();
    while times.len() < count {
        let Some(time) = expression.first_from(from) else { break };
        times.push(shown(time));
        from = of(to_jiff(time).checked_add(jiff::Span::new().seconds(1)).unwrap());
    }
    times
}

#[track_caller]
fn check(text: &str, from: &str, expected: &[&str]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|time| if time.len() == 10 { format!("{time}T00:00:00") } else { format!("{time}:00") })
        .collect();
    assert_eq!(times(text, from, expected.len()), expected, "{text} from {from}");
}

#[test]
fn fields_are_minute_hour_day_month_and_weekday() {
    check("5 4 * * *", "2024-01-01T04:06", &["2024-01-02T04:05", "2024-01-03T04:05"]);
    check("0 0 1 6 *", "2024-06-02T00:00", &["2025-06-01"]);
    check("0 0 * * 1", "2024-01-02T00:00", &["2024-01-08", "2024-01-15"]);
    assert_eq!(
        times("*/20 59 23 31 12 *", "2024-01-01T00:00", 4),
        ["2024-12-31T23:59:00", "2024-12-31T23:59:20", "2024-12-31T23:59:40", "2025-12-31T23:59:00"]
    );
}

#[test]
fn lists_ranges_and_steps_start_with_the_range() {
    check(
        "7,3,5-6 0 1 1 *",
        "2024-01-01T00:00",
        &["2024-01-01T00:03", "2024-01-01T00:05", "2024-01-01T00:06", "2024-01-01T00:07"],
    );
    check(
        "10-40/15 0 1 1 *",
        "2024-01-01T00:00",
        &["2024-01-01T00:10", "2024-01-01T00:25", "2024-01-01T00:40", "2025-01-01T00:10"],
    );
    // A step starts anew with every hour.
    check(
        "*/25 * * * *",
        "2024-01-01T00:00",
        &["2024-01-01T00:00", "2024-01-01T00:25", "2024-01-01T00:50", "2024-01-01T01:00"],
    );
    check("0 0 */10 * *", "2024-01-02T00:00", &["2024-01-11", "2024-01-21", "2024-01-31", "2024-02-01"]);
}

#[test]
fn names_stand_for_months_and_weekdays_in_any_case() {
    check("0 0 1 feb,Nov *", "2024-01-01T00:00", &["2024-02-01", "2024-11-01"]);
    check("0 0 * * fri-SUN", "2024-01-01T00:00", &["2024-01-05", "2024-01-06", "2024-01-07", "2024-01-12"]);
    check("0 0 * * SUN-TUE", "2024-01-03T00:00", &["2024-01-07", "2024-01-08", "2024-01-09", "2024-01-14"]);
}

#[test]
fn sunday_is_0_and_7() {
    for text in ["0 0 * * 0", "0 0 * * 7", "0 0 * * sun", "@weekly"] {
        check(text, "2024-01-01T00:00", &["2024-01-07", "2024-01-14"]);
    }
    check("0 0 * * 6-7", "2024-01-01T00:00", &["2024-01-06", "2024-01-07", "2024-01-13"]);
}

#[test]
fn a_day_is_in_one_of_two_fields_that_restrict_and_in_both_if_one_begins_with_a_star() {
    check(
        "0 0 13 * 5",
        "2024-09-01T00:00",
        &["2024-09-06", "2024-09-13", "2024-09-20", "2024-09-27", "2024-10-04", "2024-10-11", "2024-10-13"],
    );
    // The first, the eleventh, … that is a Monday: crontab looks at the star.
    check("0 0 */10 * 1", "2024-01-01T00:00", &["2024-01-01", "2024-03-11", "2024-04-01"]);
    check("0 0 13 * */2", "2024-09-01T00:00", &["2024-10-13", "2025-02-13", "2025-03-13"]);
    check("0 0 13 * +5", "2024-01-01T00:00", &["2024-09-13", "2024-12-13"]);
    check("0 0 ? * 1", "2024-01-02T00:00", &["2024-01-08"]);
}

#[test]
fn l_w_and_the_number_sign_count_within_the_month() {
    check("0 0 L * *", "2024-01-01T00:00", &["2024-01-31", "2024-02-29", "2024-03-31"]);
    check("0 0 L-3 * *", "2023-01-01T00:00", &["2023-01-28", "2023-02-25", "2023-03-28"]);
    check("0 0 L-30 * *", "2023-01-01T00:00", &["2023-01-01", "2023-03-01", "2023-05-01"]);
    check("0 0 LW * *", "2024-03-01T00:00", &["2024-03-29", "2024-04-30", "2024-05-31", "2024-06-28"]);
    check("0 0 15W * *", "2024-06-01T00:00", &["2024-06-14", "2024-07-15", "2024-08-15", "2024-09-16"]);
    check("0 0 1W * *", "2024-06-01T00:00", &["2024-06-03", "2024-07-01"]);
    check("0 0 * * 5L", "2024-01-01T00:00", &["2024-01-26", "2024-02-23", "2024-03-29"]);
    check("0 0 * * friL", "2024-01-01T00:00", &["2024-01-26"]);
    check("0 0 * * 5#3", "2024-01-01T00:00", &["2024-01-19", "2024-02-16", "2024-03-15"]);
    check("0 0 * * mon#5", "2024-01-01T00:00", &["2024-01-29", "2024-04-29"]);
    // Lists of them.
    check("0 0 L,LW * *", "2024-03-01T00:00", &["2024-03-29", "2024-03-31", "2024-04-30"]);
    check("0 0 1,L-1,15W * *", "2024-06-01T00:00", &["2024-06-01", "2024-06-14", "2024-06-29", "2024-07-01"]);
    check("0 0 * * 1#1,3#2", "2024-01-01T00:00", &["2024-01-01", "2024-01-10", "2024-02-05"]);
}

#[test]
fn nicknames_are_whole_expressions() {
    for (nickname, text) in [
        ("@yearly", "0 0 1 1 *"),
        ("@Annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
    ] {
        assert_eq!(parsed(nickname), parsed(text));
    }
}

#[test]
fn rare_times_come() {
    check("0 0 29 2 *", "2096-03-01T00:00", &["2104-02-29"]);
    check("0 0 29 2 +mon", "2024-03-01T00:00", &["2044-02-29"]);
    check("0 0 29 2 +mon#5", "2024-03-01T00:00", &["2044-02-29"]);
    assert_eq!(parsed("0 0 1 1 *").first_from(civil("9999-01-01T00:01")), None);
}

#[test]
fn what_is_no_expression_says_which_part_is_wrong() {
    for (text, expected) in [
        ("", "five fields"),
        ("* * * *", "this one has 4"),
        ("* * * * * * *", "this one has 7"),
        ("60 * * * *", "`60` is no minute: number out of bounds (it takes 0 to 59)"),
        ("* 24 * * *", "`24` is no hour"),
        ("* * 0 * *", "`0` is no day of the month"),
        ("* * 32 * *", "`32` is no day of the month"),
        ("* * * 13 *", "`13` is no month"),
        ("* * * * 8", "`8` is no day of the week"),
        ("60 * * * * *", "`60` is no second"),
        ("5-1 * * * *", "`5-1` is no minute: range out of bounds"),
        ("*/0 * * * *", "`*/0` is no minute: step cannot be zero"),
        ("5/10 * * * *", "`5/10` is no minute: a step needs a range, as in `*/10`"),
        ("1,,2 * * * *", "a part of the list is empty"),
        ("+5 * * * *", "`+` means nothing here"),
        ("MON * * * *", "`MON` means nothing here"),
        ("* * MON * *", "`MON` means nothing here"),
        ("* * * MON *", "`MON` is no month: `MON` means nothing here"),
        ("* * * * JAN", "`JAN` is no day of the week"),
        ("* * * * FRIDAY", "`FRIDAY` means nothing here"),
        ("* * * * L", "`L` stands after a weekday"),
        ("* * L-31 * *", "from 0 to 30"),
        ("* * 15W3 * *", "`W` means nothing here"),
        ("* * 32W * *", "out of bounds"),
        ("* * * * 5#6", "out of bounds"),
        ("* L * * *", "`L` means nothing here"),
        ("0 0 31 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
        ("0 0 30W 2 *", "never comes"),
        ("0 0 30 2 +1", "never comes"),
        ("@reboot", "run_at_start"),
        ("@dayly", "unknown cron nickname `@dayly`"),
        ("@every 5m", "unknown cron nickname"),
    ] {
        let error = Expression::parse(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

/// Expressions of which crontab and croner think alike.
const SHARED: &[&str] = &[
    "* * * * *",
    "*/7 * * * *",
    "0 3 * * *",
    "15,45 8-18/2 * * 1-5",
    "0 0 13 * 5",
    "0 0 1,15 * *",
    "30 2 29 2 *",
    "0 0 L * *",
    "0 0 LW * *",
    "0 0 15W * *",
    "0 0 31W * *",
    "0 0 1W * *",
    "0 0 * * 5L",
    "0 0 * * 5#3",
    "0 0 * * 1#5",
    "0 0 L * 2",
    "0 0 15W 3-6 0",
    "0 12 13 * +5",
    "*/13 */11 */5 5-22/3 2-12/5 *",
    "59 59 23 31 12 *",
    "0 0 1 1 7",
    "0 0 * 2 *",
    "5 5 31 * *",
    "0 0 29,30 2,3 *",
    "1 0 8-14 * +SUN",
    "@hourly",
    "@weekly",
    "0 6 * * mon-fri#2",
];

/// Numbers that look like any, and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

#[test]
fn croner_finds_the_same_times() {
    let mut random = Random(7);
    for text in SHARED {
        let (ours, croners) = (parsed(text), Cron::from_str(text).unwrap());
        for _ in 0..40 {
            let seconds = i64::try_from(random.below(40 * 366 * 86_400)).unwrap();
            let mut at = DateTime::constant(2000, 1, 1, 0, 0, 0, 0)
                .checked_add(jiff::SignedDuration::from_secs(seconds))
                .unwrap();
            for _ in 0..4 {
                let theirs = croners.find_next_occurrence(&at, true).unwrap();
                assert_eq!(ours.first_from(of(at)).map(shown), Some(shown(of(theirs))), "{text} from {at}");
                at = theirs.checked_add(jiff::Span::new().seconds(1)).unwrap();
            }
        }
    }
}

/// What systemd can say, too.
const SYSTEMD: &[(&str, &str)] = &[
    ("30 9 * * 1-5", "Mon..Fri *-*-* 09:30:00"),
    ("*/7 * * * *", "*-*-* *:00/7:00"),
    ("15,45 8-18/2 * * *", "*-*-* 08..18/2:15,45:00"),
    ("0 0 1,15 * *", "*-*-01,15 00:00:00"),
    ("0 0 29 2 *", "*-02-29 00:00:00"),
    ("0 0 L * *", "*-*~01 00:00:00"),
    ("0 0 L-2 * *", "*-*~03 00:00:00"),
    ("0 0 13 * +5", "Fri *-*-13 00:00:00"),
    ("0 12 * * 5L", "Fri *-*~01..07 12:00:00"),
    ("0 12 * * 1#2", "Mon *-*-08..14 12:00:00"),
    ("*/20 30 4 * 6-8 *", "*-06..08-* 04:30:00/20"),
    ("@monthly", "monthly"),
    ("@yearly", "yearly"),
];

#[test]
fn systemd_finds_the_same_times() {
    const COUNT: usize = 30;
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        assert!(std::env::var_os("CI").is_none(), "systemd-analyze is not installed (Debian package systemd)");
        eprintln!("skipped: systemd-analyze is not installed");
        return;
    };
    assert!(version.status.success());
    for (cron, calendar) in SYSTEMD {
        // Not from the new year on: systemd 252 has `*:00/7` elapse at 00:07 first and never at 00:00 of that day.
        let output = Command::new("systemd-analyze")
            .args(["calendar", "--base-time=2024-01-02 12:00:30 UTC", &format!("--iterations={COUNT}"), calendar])
            .env("TZ", "UTC")
            .env("LC_ALL", "C")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let theirs: Vec<_> = text
            .lines()
            .filter(|line| line.contains("Next elapse:") || line.contains("Iter"))
            .map(|line| {
                let words: Vec<_> = line.split_whitespace().collect();
                let place = words.iter().position(|word| word.len() == 10 && word.as_bytes()[4] == b'-').unwrap();
                format!("{}T{}", words[place], words[place + 1])
            })
            .collect();
        assert_eq!(theirs.len(), COUNT, "{calendar}: {text}");
        assert_eq!(times(cron, "2024-01-02T12:00:31", COUNT), theirs, "{cron} and {calendar}");
    }
}
