//! Processes that are suspended, and wall clocks that are set: real child processes.

use std::path::Path;
use std::time::Duration;

use crate::child::{Program, Running};
use crate::support::directory;

const CLOCKWORK: &str = env!("CARGO_BIN_EXE_clockwork");

/// One run: when it was scheduled, in seconds, and how many instants were missed.
type Run = (u64, u64);

/// The runs of one function, in order.
fn runs(said: &str, name: &str) -> Vec<Run> {
    let of_function = said.lines().filter_map(|line| line.split_once(&format!("\"{name} "))).filter_map(|(_, rest)| {
        let mut numbers = rest.split(' ').map(|number| number.parse().ok());
        Some((numbers.next()??, numbers.next()??))
    });
    of_function.collect()
}

fn sleep(seconds: u64) {
    std::thread::sleep(Duration::from_secs(seconds));
}

#[test]
fn a_suspended_process_makes_up_for_each_instant_as_its_policy_says_and_runs_none_twice() {
    let program = Program::new(CLOCKWORK, &directory("suspended")).variable("RUST_LOG", "info");
    let mut running = program.arguments(["--except", "hourly"]).start();
    running.has_said("every_all 1 ");
    running.signal("STOP");
    sleep(5);
    running.signal("CONT");
    sleep(3);
    running.signal("TERM");
    let said = running.ended().with_code(0).stderr;
    for schedule in ["every", "cron"] {
        let of = |policy: &str| runs(&said, &format!("{schedule}_{policy}"));
        // One run for all of them; the next is the one after the last of them.
        let once = of("once");
        assert!(once.iter().any(|(_, missed)| *missed >= 4), "{said}");
        assert!(once.windows(2).all(|pair| pair[1].0 == pair[0].0 + pair[0].1.max(1)), "{schedule}: {once:?}");
        // A run for each of them.
        let all = of("all");
        assert!(all.iter().filter(|(_, missed)| *missed == 1).count() >= 4, "{said}");
        assert!(all.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1), "{schedule}: {all:?}");
        // None for any of them, and the next says how many.
        let skip = of("skip");
        assert!(skip.iter().any(|(_, missed)| *missed >= 3), "{said}");
        assert!(skip.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1 + pair[1].1), "{schedule}: {skip:?}");
    }
}

/// Where Debian puts the library that lies about the time.
const FAKE: [&str; 2] =
    ["/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"];

/// Runs the clockwork with a wall clock that follows the file; none if the library is not there.
#[allow(clippy::print_stderr, reason = "what is skipped is named")]
fn with_a_clock_to_set(test: &str, file: &Path) -> Option<Running> {
    let Some(library) = FAKE.iter().find(|library| Path::new(library).exists()) else {
        assert!(std::env::var_os("CI").is_none(), "{test} needs Debian's package faketime");
        eprintln!("skipped: {test} needs Debian's package faketime");
        return None;
    };
    let program = Program::new(CLOCKWORK, &directory(test))
        .variable("RUST_LOG", "info,hostkit::periodic=debug")
        .variable("LD_PRELOAD", library)
        .variable("FAKETIME_TIMESTAMP_FILE", file)
        .variable("FAKETIME_NO_CACHE", "1")
        // Nobody sets the monotonic clock.
        .variable("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .variable("DONT_FAKE_MONOTONIC", "1");
    let mut running = program.arguments(["--only", "every_once", "--only", "cron_once", "--only", "hourly"]).start();
    running.has_said("every_once 1 ");
    Some(running)
}

/// Seconds to set the clock ahead by, such that the next full hour is a while away.
fn half_past() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    1800 - i64::try_from(now % 3600).unwrap()
}

fn set(file: &Path, seconds: i64) {
    // A rename, so that nobody reads half of it.
    let new = file.with_extension("new");
    std::fs::write(&new, format!("{seconds:+}\n")).unwrap();
    std::fs::rename(new, file).unwrap();
}

#[test]
fn a_clock_that_is_set_by_an_hour_either_way_moves_no_period_and_repeats_no_instant() {
    let test = "set_clock";
    let file = directory("set_clock_file").join("faketime");
    let start = half_past();
    set(&file, start);
    let Some(mut running) = with_a_clock_to_set(test, &file) else { return };

    set(&file, start + 3600);
    // Its timer is half an hour away: only who watches the clock can tell.
    running.has_said("\"hourly ");
    sleep(3);
    set(&file, start);
    sleep(9);
    set(&file, start + 3600);
    sleep(9);
    running.signal("TERM");
    let said = running.ended().with_code(0).stderr;

    let every = runs(&said, "every_once");
    assert!(every.len() > 15, "{said}");
    assert!(every.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1), "{every:?}");
    assert!(every.iter().all(|(_, missed)| *missed == 0), "{every:?}");

    // The full hour that was jumped over, once and late.
    let hourly = runs(&said, "hourly");
    assert!(matches!(hourly[..], [(time, 1)] if time % 3600 == 0), "{hourly:?}\n{said}");

    // The seconds that were jumped over are counted as far as anybody counts; the hour that came again is quiet.
    let cron = runs(&said, "cron_once");
    assert!(cron.windows(2).all(|pair| pair[1].0 > pair[0].0), "an instant twice: {cron:?}");
    let late: Vec<_> = cron.iter().filter(|(_, missed)| *missed >= 1000).collect();
    assert_eq!(late.len(), 1, "{cron:?}");
    assert!(cron.last().unwrap().0 > late[0].0 + 3600 + 5, "it goes on when the clock is where it was: {cron:?}");
}
