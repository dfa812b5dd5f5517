use serde_json::Value;

use crate::Place;
use driver::{Program, eventually};

const PROGRAM: &str = env!("CARGO_BIN_EXE_09-durable-invoices");
const LETTERS: &str = "SELECT count(*) FROM letters";
/// All but the one that is paid and the one without an address.
const SENT: i64 = 38;

/// One of the commands on jobs, beside whatever runs; what it prints.
fn command(place: &Place, arguments: &[&str]) -> String {
    let ended = Program::run(PROGRAM, &place.directory, arguments.iter().copied());
    assert_eq!(ended.code, Some(0), "{arguments:?}: {:#?}", ended.log);
    String::from_utf8(ended.stdout).expect("what is printed is text")
}

/// The same as JSON.
fn read(place: &Place, arguments: &[&str]) -> Value {
    let printed = command(place, arguments);
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

/// How many jobs are in each of these states.
fn counts<const N: usize>(place: &Place, states: [&str; N]) -> [u64; N] {
    let counts = read(place, &["jobs", "counts", "--json"]);
    let kinds = counts["kinds"].as_array().unwrap_or_else(|| panic!("{counts}"));
    let of = |state| kinds.iter().map(|of| of[state].as_u64().unwrap_or_else(|| panic!("{state}: {counts}"))).sum();
    states.map(of)
}

#[test]
fn killed_again_and_again_it_sends_every_invoice_and_each_is_one_job() {
    let place = Place::new();
    let mut database = place.database();
    for at_least in [6, 14] {
        let program = place.start(PROGRAM, &["--set", "post.takes=50ms"]);
        eventually("some more letters", || {
            let is_there = database.number("SELECT count(*) FROM sqlite_schema WHERE name = 'letters'") == 1;
            (is_there && database.number(LETTERS) >= at_least).then_some(())
        });
        program.kill();
    }
    let program = place.start(PROGRAM, &["--set", "post.takes=50ms"]);
    eventually("an outcome for all", || (counts(&place, ["done", "dead"]) == [38, 1]).then_some(()));
    let ended = program.stopped();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    assert_eq!(database.number(LETTERS), SENT);
    let outcomes = counts(&place, ["done", "dead", "cancelled", "waiting", "running", "quarantined"]);
    assert_eq!(outcomes, [38, 1, 1, 0, 0, 0], "forty orders are forty jobs");
}

#[test]
fn what_failed_for_good_waits_for_somebody_who_mends_the_reason() {
    let place = Place::new();
    let mut database = place.database();
    let program = place.start(PROGRAM, &["--set", "post.takes=1ms"]);
    eventually("a dead letter", || program.log().iter().any(|line| line.contains("dead letter")).then_some(()));
    // What is said in the log is in the store a moment later.
    eventually("it is in the store", || (counts(&place, ["dead"]) == [1]).then_some(()));
    let dead = command(&place, &["dead", "list"]);
    assert!(dead.contains("Dora has no address"), "{dead}");

    database.execute("UPDATE customers SET address = '4 Main Street' WHERE name = 'Dora'");
    command(&place, &["dead", "redrive", "--all"]);
    let hers = "SELECT count(*) FROM letters WHERE address = '4 Main Street'";
    eventually("her letter", || (database.number(hers) == 1).then_some(()));
    assert_eq!(program.stopped().code, Some(0));
}

#[test]
fn a_stop_in_the_middle_spends_no_attempt() {
    let place = Place::new();
    let mut program = place.start(PROGRAM, &["--set", "post.takes=1h", "--set", "host.stop_timeout=2s"]);
    program.event("store opened");
    eventually("letters on their way", || (counts(&place, ["running"]) != [0]).then_some(()));
    let ended = program.stopped();
    // They were dropped at the deadline of the stop, which is said and is code 1.
    assert_eq!(ended.code, Some(1), "{:#?}", ended.log);
    assert_eq!(counts(&place, ["running", "done", "dead", "quarantined"]), [0, 0, 0, 0]);
    let list = read(&place, &["jobs", "list", "--state", "waiting", "--json"]);
    let jobs = list["jobs"].as_array().unwrap_or_else(|| panic!("{list}"));
    let had_their_turn = jobs.iter().filter(|job| job["epoch"] != 0).count();
    assert!(had_their_turn > 0, "{list}");
    assert!(jobs.iter().all(|job| job["failures"] == 0 && job["crashes"] == 0), "{list}");
}
