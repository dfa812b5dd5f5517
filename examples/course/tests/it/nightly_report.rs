use crate::Place;
use driver::{Program, eventually};

const PROGRAM: &str = env!("CARGO_BIN_EXE_08-nightly-report");
const REPORTS: &str = "SELECT orders, total FROM reports ORDER BY up_to";

#[test]
fn it_says_when_it_runs_in_words_and_in_its_zone() {
    let place = Place::new();
    let ended = Program::run(PROGRAM, &place.directory, ["list"]);
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    let list = String::from_utf8(ended.stdout).unwrap();
    let line = list.lines().find(|line| line.contains("Monday to Friday")).unwrap_or_else(|| panic!("{list}"));
    assert!(line.starts_with("report"), "{line}");
    assert!(line.contains("at 06:30, Monday to Friday (Europe/Zurich)"), "{line}");
    assert_eq!(line.matches(" 06:30:00 +0").count(), 3, "the next three times: {line}");
    assert!(!line.contains("Sat ") && !line.contains("Sun "), "{line}");
}

#[test]
fn triggered_it_reports_each_order_once_and_says_how_it_ended() {
    let place = Place::new();
    let mut database = place.database();
    let trigger = || place.start(PROGRAM, &["trigger", "report"]).ended();
    let ended = trigger();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    assert_eq!(ended.event("reported").expect("it says so")["orders"].as_u64(), Some(24));
    assert!(ended.event("done").is_some(), "{:#?}", ended.log);
    database.execute("INSERT INTO orders (placed_at, total) VALUES ((SELECT up_to FROM reports), 7)");
    // In another second, for a report of its own.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(trigger().code, Some(0));
    assert_eq!(database.rows::<(i64, i64)>(REPORTS), [(24, 30_000), (1, 7)]);
    database.execute("DROP TABLE reports; CREATE VIEW reports AS SELECT 0 AS up_to, 0 AS orders, 0 AS total");
    let ended = trigger();
    assert_eq!(ended.code, Some(1), "{:#?}", ended.log);
    assert!(ended.log.iter().any(|line| line.contains("triggered run failed")), "{:#?}", ended.log);
}

#[test]
fn the_schedule_is_configured_and_runs_by_the_clock() {
    let place = Place::new();
    let mut database = place.database();
    let program = place.start(PROGRAM, &["--set", "periodic.report.cron=* * * * * *"]);
    eventually("two reports", || program.log().iter().filter(|line| line.contains("reported")).nth(1).map(drop));
    let ended = program.stopped();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    let reports = database.rows::<(i64, i64)>(REPORTS);
    assert_eq!((reports[0], reports[1]), ((24, 30_000), (0, 0)));
}
