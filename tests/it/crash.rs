//! Programs with durable jobs that are killed, called from a command line, and robbed of their store.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use hostkit::store::sqlite::rusqlite::Connection;
use hostkit::store::{Counts, NewJob, State, StoreUrl};

use crate::child::Program;
use crate::support::directory;

fn clerk(directory: &Path) -> Program {
    Program::new(env!("CARGO_BIN_EXE_clerk"), directory)
}

fn run(directory: &Path, arguments: &[&str]) -> crate::child::Ended {
    clerk(directory).arguments(arguments).run()
}

fn ledger(directory: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(directory.join("ledger")).unwrap_or_default();
    text.lines().map(ToOwned::to_owned).collect()
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited for long: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn store(directory: &Path) -> std::sync::Arc<dyn hostkit::store::Store> {
    let url = StoreUrl::parse(&format!("sqlite://{}", directory.join("jobs.db").display())).unwrap();
    runtime().block_on(hostkit::store::open(&url)).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn counts(directory: &Path) -> BTreeMap<String, Counts> {
    let store = store(directory);
    let counts = runtime().block_on(store.counts()).unwrap();
    counts.into_iter().map(|counts| (counts.kind.to_string(), counts)).collect()
}

#[test]
fn a_job_whose_process_is_killed_runs_again_within_a_second_of_the_restart() {
    let directory = directory("crash-restart");
    for number in 0..3 {
        let json = format!("{{\"number\":{number},\"takes\":60000}}");
        let ended = run(&directory, &["enqueue", "write", "--json", &json]).with_code(0);
        assert_eq!(ended.stdout.trim().len(), 36, "the name of the job: {ended:#?}");
        assert_eq!(ended.stderr, "");
    }
    let mut first = clerk(&directory).start();
    first.has_said("serving");
    wait_for("all run", || ledger(&directory).len() == 3);
    first.signal("KILL");
    assert_eq!(first.ended().killed_by(), Some(9));

    let mut second = clerk(&directory).start();
    second.has_said("serving");
    let began = Instant::now();
    wait_for("one runs again", || ledger(&directory).len() > 3);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    // What was running in a crash runs alone, so the others wait for it.
    assert_eq!(ledger(&directory)[3].split_once(" attempt").unwrap().1, " 1 fence 2 crashes 1");
    second.has_said("a process that ran jobs has died");
    second.signal("TERM");
    // Its jobs take the stop's whole time, and are dropped at its end: by then they are known to be interrupted.
    second.signal("TERM");
    assert_eq!(second.ended().code(), Some(143));
}

#[test]
fn a_job_that_kills_every_process_is_put_away_after_the_third() {
    let directory = directory("crash-poison");
    run(&directory, &["enqueue", "poison", "--json", "7"]).with_code(0);
    run(&directory, &["enqueue", "write", "--json", "{\"number\":1,\"takes\":1}"]).with_code(0);
    for _ in 0..3 {
        let ended = clerk(&directory).run();
        assert_eq!(ended.killed_by(), Some(6), "{ended:#?}");
    }
    let mut last = clerk(&directory).start();
    last.has_said("\"quarantined\":1");
    wait_for("the other is done", || ledger(&directory).iter().any(|line| line.starts_with("end 1 ")));
    last.signal("TERM");
    last.ended().with_code(0);
    let poisoned = ledger(&directory).into_iter().filter(|line| line.starts_with("poison")).collect::<Vec<_>>();
    assert_eq!(
        poisoned,
        [
            "poison 7 attempt 1 fence 1 crashes 0",
            "poison 7 attempt 1 fence 2 crashes 1",
            "poison 7 attempt 1 fence 3 crashes 2"
        ]
    );
    let counts = counts(&directory);
    assert_eq!((counts["poison"].of(State::Quarantined), counts["write"].of(State::Done)), (1, 1));
}

/// One of several processes on a file is killed again and again; `HOSTKIT_SEED` repeats a run, `HOSTKIT_ROUNDS` makes it longer.
#[test]
fn whoever_is_killed_nothing_is_lost_and_every_effect_happens_once() {
    const JOBS: u32 = 600;
    let directory = directory("crash-random");
    let path = directory.join("jobs.db");
    let number =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let seed = number("HOSTKIT_SEED", fastrand::u64(..));
    let rounds = number("HOSTKIT_ROUNDS", 12);
    eprintln!("HOSTKIT_SEED={seed} HOSTKIT_ROUNDS={rounds}");
    let mut random = fastrand::Rng::with_seed(seed);
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE bookings (amount INTEGER)").unwrap();
    let acknowledged = {
        let store = store(&directory);
        let jobs = (0..JOBS).map(|amount| NewJob::new("book", amount.to_string())).collect();
        runtime().block_on(store.enqueue(jobs)).unwrap().len()
    };
    assert_eq!(acknowledged, JOBS as usize);
    let mut workers: Vec<_> = (0..3).map(|_| clerk(&directory).start()).collect();
    for _ in 0..rounds {
        std::thread::sleep(Duration::from_millis(random.u64(20..250)));
        let killed = random.usize(..workers.len());
        workers[killed].signal("KILL");
        let next = clerk(&directory).start();
        assert_eq!(std::mem::replace(&mut workers[killed], next).ended().killed_by(), Some(9));
    }
    // Heal: three crashes put a job away, which is not lost, and a human brings it back.
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let book = &counts(&directory)["book"];
        if book.of(State::Done) == u64::from(JOBS) {
            break;
        }
        if book.of(State::Quarantined) > 0 {
            run(&directory, &["dead", "redrive", "--all"]);
        }
        assert!(Instant::now() < deadline, "{book:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    for worker in workers {
        worker.signal("TERM");
        worker.ended().with_code(0);
    }
    let connection = Connection::open(&path).unwrap();
    let sum = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(sum("SELECT COUNT(*) FROM bookings"), JOBS, "HOSTKIT_SEED={seed}");
    assert_eq!(sum("SELECT COUNT(DISTINCT amount) FROM bookings"), JOBS, "HOSTKIT_SEED={seed}");
    assert_eq!(run(&directory, &["store", "check"]).with_code(0).stderr, "");
}

#[test]
fn enqueue_says_what_is_wrong_with_it() {
    let directory = directory("crash-enqueue");
    let check = |arguments: &[&str], code, expected: &str| {
        let ended = run(&directory, arguments).with_code(code);
        assert!(ended.stderr.contains(expected), "{arguments:?}: {ended:#?}");
        assert_eq!(ended.stdout, "");
    };
    check(
        &["enqueue", "write", "--json", "{\"number\":true}"],
        1,
        "this is no `Letter`: invalid type: boolean `true`, expected u32",
    );
    check(&["enqueue", "write", "--json", "7 letters"], 1, "this is no `Letter`");
    check(&["enqueue", "wirte", "--json", "7"], 2, "write");
    check(&["enqueue", "serve", "--json", "7"], 2, "`serve` is background_service and has no queue");
    check(&["enqueue", "book"], 2, "--json");
    check(&["enqueue", "book", "--json", "7", "--delay", "soon"], 1, "the delay `soon` is not a duration");
    check(&["enqueue", "book", "--json", "7", "--priority", "300"], 2, "300");
    check(
        &["enqueue", "book", "--json", "7", "--set", "store.url=sqlite:///no/such/place/jobs.db"],
        75,
        "/no/such/place",
    );

    let options = ["--delay", "1h", "--key", "invoice 7", "--priority", "-3"];
    let enqueue: Vec<_> = ["enqueue", "book", "--json", "7"].into_iter().chain(options).collect();
    let id = run(&directory, &enqueue).with_code(0).stdout.trim().to_owned();
    check(&enqueue, 1, &format!("the job is the same as job {id}"));
    let shown = run(&directory, &["jobs", "show", &id]).with_code(0).stdout;
    assert!(shown.contains("waiting") && shown.contains("-3"), "{shown}");
}

#[test]
fn a_durable_function_is_triggered_with_a_payload_and_nothing_is_stored_of_it() {
    let directory = directory("crash-trigger");
    let trigger = |arguments: &[&str]| {
        let arguments: Vec<_> = ["trigger"].iter().chain(arguments).copied().collect();
        run(&directory, &arguments)
    };
    trigger(&["write", "--json", "{\"number\":4,\"takes\":1}"]).with_code(0);
    assert_eq!(ledger(&directory), ["begin 4 attempt 1 fence 1 crashes 0", "end 4 attempt 1 fence 1 crashes 0"]);
    assert!(counts(&directory).is_empty());
    for (arguments, code, expected) in [
        (&["write"][..], 2, "give one with --json"),
        (&["write", "--json", "{}"], 1, "the payload is no `Letter`"),
        (&["book", "--json", "4"], 1, "enqueue one"),
        (&["serve", "--json", "4"], 2, "`serve` takes no payload"),
    ] {
        let ended = trigger(arguments).with_code(code);
        assert!(ended.stderr.contains(expected), "{arguments:?}: {ended:#?}");
    }
}

#[test]
fn a_host_whose_store_is_taken_away_does_not_live_on_without_a_worker() {
    let directory = directory("crash-gone");
    let mut running = clerk(&directory).start();
    running.has_said("serving");
    wait_for("the store is there", || directory.join("jobs.db").exists());
    for file in ["jobs.db", "jobs.db-wal", "jobs.db-shm"] {
        std::fs::rename(directory.join(file), directory.join(format!("{file}.moved"))).unwrap();
    }
    // The next thing that it writes is a beat, or what a sweep finds.
    let ended = running.ended().with_code(1);
    assert!(ended.stderr.contains("its store has failed"), "{ended:#?}");
}
