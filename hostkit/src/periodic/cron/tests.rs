//! Schedules in zones: edges by hand, every change of every zone by a reading of its own, twenty years of every zone.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use hostkit_cron::Expression;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::Cron;

const FROM: &str = "2010-01-01T00:00:00Z";
const TO: &str = "2030-01-01T00:00:00Z";

fn cron(text: &str, zone: &TimeZone) -> Cron {
    Cron::new(text, Expression::parse(text).unwrap(), zone.clone())
}

fn instant(text: &str) -> Timestamp {
    Timestamp::from_str(text).unwrap()
}

fn zones() -> BTreeMap<String, TimeZone> {
    let names = jiff::tz::db().available().map(|name| name.to_string());
    // These two are no places.
    let names = names.filter(|name| !name.starts_with("posix") && !name.starts_with("right"));
    names.filter_map(|name| Some((name.clone(), TimeZone::get(&name).ok()?))).collect()
}

/// The instants from one moment on, as the zone's clocks show them.
#[track_caller]
fn check(text: &str, zone: &str, from: &str, expected: &[&str]) {
    let zone = TimeZone::get(zone).unwrap();
    let cron = cron(text, &zone);
    let mut at = instant(from);
    let mut shown = Vec::new();
    for _ in expected {
        at = cron.after_timestamp(at).expect("it comes again");
        shown.push(at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %:z").to_string());
    }
    assert_eq!(shown, expected, "{text} from {from}");
}

#[test]
fn a_time_in_a_gap_is_due_once_at_its_end() {
    check(
        "30 2 * * *",
        "Europe/Zurich",
        "2024-03-30T00:00:00Z",
        &["2024-03-30 02:30 +01:00", "2024-03-31 03:00 +02:00", "2024-04-01 02:30 +02:00"],
    );
    check(
        "*/15 2 * * *",
        "Europe/Zurich",
        "2024-03-31T00:00:00Z",
        &["2024-03-31 03:00 +02:00", "2024-04-01 02:00 +02:00"],
    );
    // Both are due then, once.
    check(
        "0 2,3 * * *",
        "Europe/Zurich",
        "2024-03-31T00:00:00Z",
        &["2024-03-31 03:00 +02:00", "2024-04-01 02:00 +02:00", "2024-04-01 03:00 +02:00"],
    );
    // The first and the last moment of the gap.
    check(
        "0 2 * * *",
        "America/New_York",
        "2024-03-09T12:00:00Z",
        &["2024-03-10 03:00 -04:00", "2024-03-11 02:00 -04:00"],
    );
    check(
        "59 59 2 * * *",
        "America/New_York",
        "2024-03-09T12:00:00Z",
        &["2024-03-10 03:00 -04:00", "2024-03-11 02:59 -04:00"],
    );
    // Midnight is no time of that day.
    check("@daily", "Africa/Cairo", "2024-04-25T00:00:00Z", &["2024-04-26 01:00 +03:00", "2024-04-27 00:00 +03:00"]);
    // Half an hour.
    check(
        "15 2 * * *",
        "Australia/Lord_Howe",
        "2024-10-05T00:00:00Z",
        &["2024-10-06 02:30 +11:00", "2024-10-07 02:15 +11:00"],
    );
    // A day that did not take place.
    check(
        "0 12 * * *",
        "Pacific/Apia",
        "2011-12-29T00:00:00Z",
        &["2011-12-29 12:00 -10:00", "2011-12-31 00:00 +14:00", "2011-12-31 12:00 +14:00"],
    );
}

#[test]
fn a_time_that_the_clocks_show_twice_is_due_at_the_first() {
    check(
        "30 2 * * *",
        "Europe/Zurich",
        "2024-10-26T12:00:00Z",
        &["2024-10-27 02:30 +02:00", "2024-10-28 02:30 +01:00"],
    );
    check(
        "*/30 2 * * *",
        "Europe/Zurich",
        "2024-10-26T12:00:00Z",
        &["2024-10-27 02:00 +02:00", "2024-10-27 02:30 +02:00", "2024-10-28 02:00 +01:00"],
    );
    check(
        "0 3 * * *",
        "Europe/Zurich",
        "2024-10-26T12:00:00Z",
        &["2024-10-27 03:00 +01:00", "2024-10-28 03:00 +01:00"],
    );
    check(
        "45 1 * * *",
        "Australia/Lord_Howe",
        "2024-04-06T00:00:00Z",
        &["2024-04-07 01:45 +11:00", "2024-04-08 01:45 +10:30"],
    );
    // Asked in the midst of the second time.
    check("30 2 * * *", "Europe/Zurich", "2024-10-27T01:10:00Z", &["2024-10-28 02:30 +01:00"]);
    check("30 2 * * *", "Europe/Zurich", "2024-10-27T01:00:00Z", &["2024-10-28 02:30 +01:00"]);
    check("30 2 * * *", "Europe/Zurich", "2024-10-27T00:59:59.999Z", &["2024-10-28 02:30 +01:00"]);
    check(
        "0 0 * * *",
        "America/Havana",
        "2024-11-02T12:00:00Z",
        &["2024-11-03 00:00 -04:00", "2024-11-04 00:00 -05:00"],
    );
}

#[test]
fn a_schedule_without_an_hour_follows_the_clocks() {
    check(
        "30 * * * *",
        "Europe/Zurich",
        "2024-03-31T00:00:00Z",
        &["2024-03-31 01:30 +01:00", "2024-03-31 03:30 +02:00", "2024-03-31 04:30 +02:00"],
    );
    check(
        "30 * * * *",
        "Europe/Zurich",
        "2024-10-27T00:00:00Z",
        &["2024-10-27 02:30 +02:00", "2024-10-27 02:30 +01:00", "2024-10-27 03:30 +01:00"],
    );
    check(
        "0 */1 * * *",
        "Europe/Zurich",
        "2024-10-26T23:30:00Z",
        &["2024-10-27 02:00 +02:00", "2024-10-27 02:00 +01:00", "2024-10-27 03:00 +01:00"],
    );
    check(
        "*/20 * * * *",
        "Australia/Lord_Howe",
        "2024-04-06T14:30:00Z",
        &["2024-04-07 01:40 +11:00", "2024-04-07 01:40 +10:30", "2024-04-07 02:00 +10:30"],
    );
}

#[test]
fn offsets_with_seconds_and_fractions_of_a_second_are_no_trouble() {
    check(
        "0 3 * * *",
        "Africa/Monrovia",
        "1971-12-31T00:00:00.25Z",
        &["1971-12-31 03:00 -00:44:30", "1972-01-01 03:00 -00:44:30"],
    );
    check("@hourly", "UTC", "2024-01-01T00:00:00Z", &["2024-01-01 01:00 +00:00"]);
    check("@hourly", "UTC", "2023-12-31T23:59:59.999999999Z", &["2024-01-01 00:00 +00:00"]);
    check("* * * * * *", "UTC", "2023-12-31T23:59:58.5Z", &["2023-12-31 23:59 +00:00", "2024-01-01 00:00 +00:00"]);
}

#[test]
fn a_calendar_ends() {
    assert_eq!(cron("0 0 1 1 *", &TimeZone::UTC).after_timestamp(instant("9999-06-01T00:00:00Z")), None);
}

/// A minute at a time: what is due in this span, with what the clocks showed before taken into account.
fn by_hand(
    minutes: &BTreeSet<i8>,
    hours: &BTreeSet<i8>,
    zone: &TimeZone,
    from: Timestamp,
    to: Timestamp,
) -> Vec<Timestamp> {
    const MINUTE: SignedDuration = SignedDuration::from_mins(1);
    let is_meant = |at: DateTime| minutes.contains(&at.minute()) && hours.contains(&at.hour()) && at.second() == 0;
    let is_hourly = hours.len() == 24;
    let mut shown = BTreeSet::new();
    let mut due = Vec::new();
    let (mut at, mut latest) = (from, zone.to_datetime(from));
    while at < to {
        let clock = zone.to_datetime(at);
        let mut skipped = latest.checked_add(MINUTE).unwrap();
        let mut is_due = is_meant(clock) && (is_hourly || !shown.contains(&clock));
        while !is_hourly && skipped < clock {
            is_due |= is_meant(skipped);
            skipped = skipped.checked_add(MINUTE).unwrap();
        }
        if is_due {
            due.push(at);
        }
        shown.insert(clock);
        latest = clock.max(latest);
        if is_hourly {
            latest = clock;
        }
        at = at.checked_add(MINUTE).unwrap();
    }
    due
}

#[test]
fn every_change_of_every_zone_is_read_as_by_hand() {
    let all: BTreeSet<i8> = (0..24).collect();
    let set = |values: &[i8]| values.iter().copied().collect::<BTreeSet<_>>();
    let schedules = [
        ("30 2 * * *", set(&[30]), set(&[2])),
        ("0 0 * * *", set(&[0]), set(&[0])),
        ("*/15 1,2,3 * * *", set(&[0, 15, 30, 45]), set(&[1, 2, 3])),
        ("10 */2 * * *", set(&[10]), all.iter().copied().filter(|hour| hour % 2 == 0).collect()),
        ("5,35 * * * *", set(&[5, 35]), all.clone()),
    ];
    // Zones change in the same few ways at the same few times.
    let thorough = std::env::var_os("HOSTKIT_EVERY_CHANGE").is_some();
    let (from, to) = (instant(FROM), instant(TO));
    let mut seen: BTreeSet<(Offset, Offset, DateTime)> = BTreeSet::new();
    let (mut changes, mut zones_seen) = (0, 0);
    for (name, zone) in zones() {
        zones_seen += 1;
        let mut before = zone.to_offset(from);
        for change in zone.following(from).take_while(|change| change.timestamp() < to) {
            let (at, after) = (change.timestamp(), change.offset());
            let former = std::mem::replace(&mut before, after);
            let day = former.to_datetime(at).with().year(2000).month(1).day(1).build().unwrap();
            if former == after || (!thorough && !seen.insert((former, after, day))) {
                continue;
            }
            changes += 1;
            let shift = SignedDuration::from_secs(i64::from(after.seconds() - former.seconds())).abs();
            let margin = SignedDuration::from_hours(5) + shift;
            let (start, end) = (at.checked_sub(margin).unwrap(), at.checked_add(margin).unwrap());
            for (text, minutes, hours) in &schedules {
                let cron = cron(text, &zone);
                let mut ours = Vec::new();
                let mut last = start.checked_sub(SignedDuration::from_secs(1)).unwrap();
                while let Some(next) = cron.after_timestamp(last).filter(|next| *next < end) {
                    assert!(next > last, "{name} {text}: {next} after {last}");
                    ours.push(next);
                    last = next;
                }
                assert_eq!(ours, by_hand(minutes, hours, &zone, start, end), "{name} {text} at {at}");
            }
        }
    }
    assert!(zones_seen > 400 && changes > 50, "{zones_seen} zones, {changes} changes");
}

#[test]
fn twenty_years_of_every_zone_have_a_run_a_day() {
    let thorough = std::env::var_os("HOSTKIT_EVERY_CHANGE").is_some();
    let (from, to) = (instant(FROM), instant(TO));
    let mut seen = BTreeSet::new();
    for (name, zone) in zones() {
        let changes: Vec<_> = zone.following(from).take_while(|change| change.timestamp() < to).collect();
        let kind: Vec<_> = changes.iter().map(|change| (change.timestamp(), change.offset())).collect();
        // Zones with the same changes are the same; far from a change there is nothing to see.
        if !seen.insert((zone.to_offset(from), kind)) {
            continue;
        }
        let cron = cron("30 1 * * *", &zone);
        let mut at = cron.after_timestamp(from).unwrap();
        let mut day = zone.to_datetime(at).date();
        while let Some(next) = cron.after_timestamp(at).filter(|next| *next < to) {
            assert!(next > at, "{name}");
            let clock = zone.to_datetime(next);
            let in_gap = clock.time() != jiff::civil::Time::constant(1, 30, 0, 0);
            // None skipped and none doubled: one for each day that took place, and one for one that did not.
            let tomorrow = day.tomorrow().unwrap();
            let did_not = clock.date() > tomorrow && zone.to_ambiguous_zoned(tomorrow.at(12, 0, 0, 0)).is_ambiguous();
            assert!(clock.date() == tomorrow || did_not, "{name}: {clock} after {day}");
            if in_gap {
                let gap = cron_gap(&changes, next);
                assert!(gap, "{name}: {clock} is not 01:30 and no end of a gap");
            }
            day = if did_not { tomorrow } else { clock.date() };
            at = next;
            if !thorough {
                let ahead = changes
                    .iter()
                    .find(|change| change.timestamp() > at)
                    .map_or(to, jiff::tz::TimeZoneTransition::timestamp);
                let jump = ahead.checked_sub(SignedDuration::from_hours(4 * 24)).unwrap();
                if jump > at {
                    at = cron.after_timestamp(jump).unwrap();
                    day = zone.to_datetime(at).date();
                }
            }
        }
    }
    assert!(seen.len() > 100, "{} kinds of zones", seen.len());
}

fn cron_gap(changes: &[jiff::tz::TimeZoneTransition<'_>], at: Timestamp) -> bool {
    changes.iter().any(|change| change.timestamp() == at)
}

#[test]
fn a_zone_that_does_not_exist_says_which_was_meant() {
    assert_eq!(super::zone("Europe/Zürich").map(drop), Err("did you mean \"Europe/Zurich\"?".to_owned()));
    assert!(super::zone("Mars/Olympus_Mons").is_err_and(|help| help.contains("IANA")));
    assert!(super::zone("UTC").is_ok());
}
