use crate::Place;
use driver::eventually;

const PROGRAM: &str = env!("CARGO_BIN_EXE_02-polling-worker");

#[test]
fn it_processes_what_is_pending_logs_what_fails_and_goes_on() {
    let place = Place::new();
    let mut program = place.start(PROGRAM, &["--set", "worker.pause=10ms"]);
    program.event("started: every service is ready");
    let mut database = place.database();
    let pending = "SELECT count(*) FROM orders WHERE state = 'pending'";
    eventually("the orders that were there", || (database.number(pending) == 0).then_some(()));
    database.execute("INSERT INTO orders (id, quantity) VALUES (100, 1), (101, 0), (102, 5)");
    eventually("the orders that came later", || (database.number(pending) == 0).then_some(()));

    assert_eq!(database.number("SELECT count(*) FROM orders WHERE state = 'processed' AND quantity > 0"), 9);
    let failed: Vec<(i64,)> = database.rows("SELECT id FROM orders WHERE state = 'failed' ORDER BY id");
    assert_eq!(failed, [(3,), (101,)], "what cannot be processed, and nothing else");

    let ended = program.stopped();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    let failures: Vec<_> = ended.log.iter().filter(|line| line.contains("order failed")).collect();
    assert_eq!(failures.len(), 2, "each is logged once: {failures:#?}");
    assert!(failures.iter().all(|line| line.contains("WARN") && line.contains("nothing was ordered")));
}

#[test]
fn a_second_start_finds_everything_as_it_was() {
    let place = Place::new();
    let mut database = place.database();
    database.execute(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, quantity INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'pending');
         INSERT INTO orders VALUES (1, 1, 'processed'), (2, 2, 'failed'), (3, 3, 'pending')",
    );
    let mut program = place.start(PROGRAM, &[]);
    program.event("order processed");
    assert_eq!(program.stopped().code, Some(0));
    let states: Vec<(i64, String)> = database.rows("SELECT id, state FROM orders ORDER BY id");
    let state = |id: i64, state: &str| (id, state.to_owned());
    assert_eq!(states, [state(1, "processed"), state(2, "failed"), state(3, "processed")]);
}
