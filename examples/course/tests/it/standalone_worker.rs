use std::process::Command;

use driver::{Directory, Program, Sqlite, eventually};

const PROGRAM: &str = env!("CARGO_BIN_EXE_07-standalone-worker");
const STOCK: &str = "SELECT article, quantity FROM stock ORDER BY article";

/// With its database named by the environment, as a container would.
fn start(directory: &Directory) -> Program {
    let mut command = Command::new(PROGRAM);
    command
        .current_dir(directory.path())
        .env("HOSTKIT__DATABASE__URL", format!("sqlite:{}", directory.join("worker.db").display()))
        .env("HOSTKIT__CONSUMER__POLL", "10ms");
    Program::spawn(command)
}

/// A database with 1,000 events, two of which nobody can read.
fn fill(directory: &Directory) -> Sqlite {
    let mut database = Sqlite::open(&directory.join("worker.db"));
    database.execute(include_str!("../../src/bin/07-standalone-worker/schema.sql"));
    database.execute(
        r#"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
           INSERT INTO events (body) SELECT CASE
               WHEN i = 300 THEN '{"kind":"lost"}'
               WHEN i = 700 THEN 'not even JSON'
               WHEN i % 3 = 0 THEN '{"kind":"sold","article":"A","quantity":1}'
               ELSE '{"kind":"received","article":"A","quantity":2}'
           END FROM n"#,
    );
    database
}

/// Of the numbers up to 1,000, 333 are divisible by three; 300 is one of them and 700 is not.
fn expected_stock() -> Vec<(String, i64)> {
    vec![("A".to_owned(), 2 * (667 - 1) - (333 - 1))]
}

#[test]
fn events_are_applied_as_they_come_and_what_cannot_be_read_is_set_aside() {
    let directory = Directory::new();
    let mut database = fill(&directory);
    let program = start(&directory);
    let reached = "SELECT last_event FROM progress";
    eventually("the events that were there", || (database.number(reached) == 1_000).then_some(()));
    assert_eq!(database.rows::<(String, i64)>(STOCK), expected_stock());
    let aside: Vec<(i64,)> = database.rows("SELECT event FROM set_aside ORDER BY event");
    assert_eq!(aside, [(300,), (700,)]);

    database.execute(r#"INSERT INTO events (body) VALUES ('{"kind":"received","article":"B","quantity":7}')"#);
    eventually("the event that came later", || (database.number(reached) == 1_001).then_some(()));
    assert_eq!(database.rows::<(String, i64)>(STOCK)[1], ("B".to_owned(), 7));
    let ended = program.stopped();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    assert_eq!(ended.log.iter().filter(|line| line.contains("event set aside")).count(), 2);
}

#[test]
fn killed_again_and_again_it_applies_every_event_once() {
    let directory = Directory::new();
    let mut database = fill(&directory);
    let reached = "SELECT last_event FROM progress";
    for at_least in [60, 300, 600] {
        let program = start(&directory);
        eventually("some more events", || (database.number(reached) >= at_least).then_some(()));
        program.kill();
    }
    let program = start(&directory);
    eventually("all events", || (database.number(reached) == 1_000).then_some(()));
    assert_eq!(program.stopped().code, Some(0));
    assert_eq!(database.rows::<(String, i64)>(STOCK), expected_stock());
}

#[test]
fn configuration_comes_from_its_file_and_the_environment_and_it_says_which() {
    let directory = Directory::new();
    let mut command = Command::new(PROGRAM);
    command
        .current_dir(directory.path())
        .args(["config", "show"])
        .env("HOSTKIT__DATABASE__URL", "sqlite:/somewhere/else.db");
    let ended = Program::spawn(command).ended();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    let shown = String::from_utf8(ended.stdout).unwrap();
    let line = |key: &str| shown.lines().find(|line| line.starts_with(key)).unwrap_or_else(|| panic!("{key}: {shown}"));
    assert!(line("database.url").contains("/somewhere/else.db"), "{shown}");
    assert!(line("database.url").contains("HOSTKIT__DATABASE__URL"), "{shown}");
    assert!(line("consumer.batch").contains("20") && line("consumer.batch").contains("hostkit.toml"), "{shown}");
    assert!(line("background_service.consume_events.backoff").contains("500ms..30s"), "{shown}");
}

#[test]
fn everything_wrong_with_the_configuration_is_said_at_once() {
    let directory = Directory::new();
    let arguments = ["--set", "consumer.batch=0", "--set", "database.url=postgres://db/shop", "check"];
    let ended = Program::run(PROGRAM, &directory, arguments);
    assert_eq!(ended.code, Some(78), "{:#?}", ended.log);
    let report = ended.log.join("\n");
    for fault in ["2 problems", "`batch` is at least 1", "`batch` is set by --set", "`url` begins with"] {
        assert!(report.contains(fault), "{fault}: {report}");
    }
}
