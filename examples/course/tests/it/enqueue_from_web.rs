use crate::Place;
use driver::{Program, UnderWay, eventually, listens, request};

const PROGRAM: &str = env!("CARGO_BIN_EXE_05-enqueue-from-web");
const GENERATE: &str = "/api/reports/generate";

/// Starts the server on a free port and returns its address.
fn start(place: &Place, arguments: &[&str]) -> (Program, String) {
    let all: Vec<_> = ["--set", "web.listen=127.0.0.1:0"].iter().chain(arguments).copied().collect();
    let mut program = place.start(PROGRAM, &all);
    let address = program.event("listening")["address"].as_str().expect("it logs its address").to_owned();
    (program, address)
}

#[test]
fn the_endpoint_answers_202_and_then_the_report_exists() {
    let place = Place::new();
    let (program, address) = start(&place, &[]);
    let accepted = request(&address, "POST", GENERATE, r#"{"month":"2026-10"}"#);
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let location = accepted.header("location").expect("it says where the report will be").to_owned();
    assert_eq!(location, "/api/reports/2026-10");

    let report = eventually("the report", || {
        let answer = request(&address, "GET", &location, "");
        (answer.status != 404).then_some(answer)
    });
    assert_eq!((report.status, report.body.as_str()), (200, r#"{"month":"2026-10","total":3455}"#));
    let reports: Vec<(String, i64)> = place.database().rows("SELECT month, total FROM reports");
    assert_eq!(reports, [("2026-10".to_owned(), 3455)]);

    assert_eq!(request(&address, "GET", "/api/reports/2025-01", "").status, 404);
    assert_eq!(request(&address, "POST", GENERATE, r#"{"month":7}"#).status, 422);
    assert_eq!(request(&address, "GET", GENERATE, "").status, 405);
    let ended = program.stopped();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
}

#[test]
fn what_was_answered_with_202_is_done_before_the_program_ends() {
    let place = Place::new();
    let (program, address) = start(&place, &["--set", "queued.generate_report.concurrency=1"]);
    let accepted: Vec<_> = (1..=40)
        .map(|number| format!("month {number:02}"))
        .filter(|month| request(&address, "POST", GENERATE, &format!(r#"{{"month":"{month}"}}"#)).status == 202)
        .collect();
    let ended = program.stopped();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    let done: Vec<(String,)> = place.database().rows("SELECT month FROM reports ORDER BY month");
    assert_eq!(done.into_iter().map(|(month,)| month).collect::<Vec<_>>(), accepted);
    assert!(!accepted.is_empty());
}

#[test]
fn a_triggered_server_has_the_queues_that_its_handlers_reach() {
    let place = Place::new();
    let (program, address) = start(&place, &["trigger", "web"]);
    assert_eq!(request(&address, "POST", GENERATE, r#"{"month":"2026-10"}"#).status, 202);
    let report = eventually("the report", || {
        let answer = request(&address, "GET", "/api/reports/2026-10", "");
        (answer.status != 404).then_some(answer)
    });
    assert_eq!(report.status, 200, "{report:?}");
    assert_eq!(program.stopped().code, Some(0));
}

#[test]
fn a_request_under_way_at_the_stop_is_answered_and_what_it_enqueued_is_done() {
    let place = Place::new();
    let (program, address) = start(&place, &[]);
    let under_way = UnderWay::begin(&address, "POST", GENERATE, r#"{"month":"2026-10"}"#);
    program.terminate();
    eventually("the server listens no more", || (!listens(&address)).then_some(()));
    assert_eq!(under_way.finish().status, 202);
    let ended = program.ended();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    let reports: Vec<(String, i64)> = place.database().rows("SELECT month, total FROM reports");
    assert_eq!(reports, [("2026-10".to_owned(), 3455)]);
}

#[test]
fn a_full_queue_is_answered_with_503() {
    let place = Place::new();
    let small = ["--set", "queued.generate_report.capacity=1", "--set", "queued.generate_report.concurrency=1"];
    let (program, address) = start(&place, &small);
    // Reports cannot be written for as long as this lasts: one is under way, one waits.
    let mut database = place.database();
    database.execute("BEGIN IMMEDIATE");
    let mut accepted = 0;
    let refused = loop {
        let answer = request(&address, "POST", GENERATE, &format!(r#"{{"month":"month {accepted}"}}"#));
        if answer.status != 202 {
            break answer;
        }
        accepted += 1;
    };
    database.execute("COMMIT");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")));
    assert!((1..=2).contains(&accepted), "{accepted}");
    assert_eq!(program.stopped().code, Some(0));
    assert_eq!(database.number("SELECT count(*) FROM reports"), accepted, "what was accepted is done");
}

#[test]
fn an_address_that_is_taken_fails_the_start() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let ended = place.start(PROGRAM, &["--set", &format!("web.listen={address}")]).ended();
    assert_eq!(ended.code, Some(1), "{:#?}", ended.log);
    let report = ended.log.join("\n");
    assert!(report.contains("`web` failed") && report.contains(&format!("listen on {address}")), "{report}");
}
