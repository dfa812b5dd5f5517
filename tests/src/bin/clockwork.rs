//! Schedules that say when they run, for tests that stop the process and set the clock.
//!
//! A line is: name, the whole seconds of the instant by the schedule's own clock, how many were missed.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use hostkit::Tick;
use tokio::time::Instant;

/// Of a period: seconds since the instant of its first run.
fn by_period(first: &OnceLock<Instant>, tick: Tick) -> u64 {
    let first = *first.get_or_init(|| tick.scheduled());
    (tick.scheduled() - first + Duration::from_millis(1)).as_secs()
}

fn by_clock(tick: Tick) -> u64 {
    tick.scheduled_time().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn say(name: &str, seconds: u64, tick: Tick) {
    tracing::info!("{name} {seconds} {} .", tick.missed());
}

static FIRST: [OnceLock<Instant>; 3] = [const { OnceLock::new() }; 3];

#[hostkit::periodic(every = "1s")]
async fn every_once(tick: Tick) {
    say("every_once", by_period(&FIRST[0], tick), tick);
}

#[hostkit::periodic(every = "1s", missed = "skip")]
async fn every_skip(tick: Tick) {
    say("every_skip", by_period(&FIRST[1], tick), tick);
}

#[hostkit::periodic(every = "1s", missed = "all")]
async fn every_all(tick: Tick) {
    say("every_all", by_period(&FIRST[2], tick), tick);
}

#[hostkit::periodic(cron = "* * * * * *")]
async fn cron_once(tick: Tick) {
    say("cron_once", by_clock(tick), tick);
}

#[hostkit::periodic(cron = "* * * * * *", missed = "skip")]
async fn cron_skip(tick: Tick) {
    say("cron_skip", by_clock(tick), tick);
}

#[hostkit::periodic(cron = "* * * * * *", missed = "all")]
async fn cron_all(tick: Tick) {
    say("cron_all", by_clock(tick), tick);
}

/// On the hour, which is never near when a test of an hour's step begins: the test says when.
#[hostkit::periodic(cron = "@hourly", tz = "Europe/Zurich")]
async fn hourly(tick: Tick) {
    say("hourly", by_clock(tick), tick);
}

hostkit::main!(link(self = none));
