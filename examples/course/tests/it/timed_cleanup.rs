use std::process::Command;

use crate::Place;
use driver::{Program, Sqlite, eventually};

const PROGRAM: &str = env!("CARGO_BIN_EXE_06-timed-cleanup");
const AGES: &str = "SELECT id FROM visits ORDER BY id";

/// Rows around the age of thirty days; the ones with even numbers are older.
fn fill(database: &mut Sqlite) {
    database.execute(
        "CREATE TABLE IF NOT EXISTS visits (id INTEGER PRIMARY KEY, seen_at INTEGER NOT NULL);
         INSERT INTO visits (id, seen_at) VALUES
             (1, unixepoch()),
             (3, unixepoch() - 86400),
             (5, unixepoch() - 29 * 86400),
             (7, unixepoch() - 30 * 86400 + 600),
             (2, unixepoch() - 30 * 86400 - 1),
             (4, unixepoch() - 31 * 86400),
             (6, unixepoch() - 365 * 86400)",
    );
}

#[test]
fn it_deletes_exactly_the_rows_older_than_thirty_days_and_logs_how_many() {
    let place = Place::new();
    let mut database = place.database();
    fill(&mut database);
    let mut program = place.start(PROGRAM, &[]);
    assert_eq!(program.event("old rows deleted")["deleted"].as_u64(), Some(3));
    let ended = program.stopped();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    assert_eq!(database.rows::<(i64,)>(AGES), [(1,), (3,), (5,), (7,)]);
    assert_eq!(ended.log.iter().filter(|line| line.contains("old rows deleted")).count(), 1, "the next is in an hour");
}

#[test]
fn the_schedule_and_the_age_are_configured_from_a_file_and_the_environment() {
    let place = Place::new();
    let mut database = place.database();
    fill(&mut database);
    std::fs::write(
        place.directory.join("hostkit.toml"),
        "[periodic.cleanup]\nevery = \"1m\"\nrun_at_start = false\n[cleanup]\nkeep_days = 300\n",
    )
    .unwrap();
    let mut command = Command::new(PROGRAM);
    command
        .current_dir(place.directory.path())
        .env("HOSTKIT__DATABASE__URL", format!("sqlite:{}", place.directory.join("data.db").display()))
        .env("HOSTKIT__PERIODIC__CLEANUP__EVERY", "20ms");
    let mut program = Program::spawn(command);
    program.event("old rows deleted");
    eventually("the row older than 300 days", || (database.number("SELECT count(*) FROM visits") == 6).then_some(()));
    database.execute("INSERT INTO visits (id, seen_at) VALUES (8, unixepoch() - 301 * 86400)");
    eventually("a later run", || (database.number("SELECT count(*) FROM visits") == 6).then_some(()));
    assert_eq!(database.rows::<(i64,)>(AGES), [(1,), (2,), (3,), (4,), (5,), (7,)]);
    let ended = program.stopped();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
}

#[test]
fn a_run_that_fails_is_logged_and_rolled_back_and_the_next_one_comes() {
    let place = Place::new();
    let mut database = place.database();
    fill(&mut database);
    database.execute(
        "CREATE TRIGGER keep BEFORE DELETE ON visits WHEN OLD.id = 6 BEGIN SELECT RAISE(ABORT, 'six is kept'); END",
    );
    let program = place.start(PROGRAM, &["--set", "periodic.cleanup.every=50ms"]);
    let failures = |log: &[String]| log.iter().filter(|line| line.contains("six is kept")).count();
    eventually("two failed runs", || (failures(&program.log()) >= 2).then_some(()));
    assert_eq!(database.number("SELECT count(*) FROM visits"), 7);
    database.execute("DROP TRIGGER keep");
    eventually("a run that succeeds", || (database.number("SELECT count(*) FROM visits") == 4).then_some(()));
    assert_eq!(program.stopped().code, Some(0));
}
