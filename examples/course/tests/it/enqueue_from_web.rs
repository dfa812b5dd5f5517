use crate::Place;
use driver::{Program, eventually, request};

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

    let report = eventually("the report", || {
        let answer = request(&address, "GET", &location, "");
        (answer.status != 404).then_some(answer)
    });
    assert_eq!((report.status, report.body.as_str()), (200, r#"{"month":"2026-10","total":3455}"#));
    let reports: Vec<(String, i64)> = place.database().rows("SELECT month, total FROM reports");
    assert_eq!(reports, [("2026-10".to_owned(), 3455)]);

    assert_eq!(request(&address, "GET", "/api/reports/999", "").status, 404);
    assert_eq!(request(&address, "POST", GENERATE, r#"{"month":7}"#).status, 422);
    assert_eq!(request(&address, "GET", GENERATE, "").status, 405);
    let ended = program.stopped();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
}

#[test]
fn what_was_answered_with_202_is_done_before_the_program_ends() {
    let place = Place::new();
    let (program, address) = start(&place, &["--set", "queued.generate_report.concurrency=1"]);
    let accepted = (0..40).filter(|_| request(&address, "POST", GENERATE, r#"{"month":"2026-09"}"#).status == 202);
    let accepted = i64::try_from(accepted.count()).unwrap();
    assert!(accepted > 0);
    let ended = program.stopped();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    assert_eq!(place.database().number("SELECT count(*) FROM reports WHERE total = 1200"), accepted);
}

#[test]
fn a_full_queue_is_answered_with_503() {
    let place = Place::new();
    let (program, address) =
        start(&place, &["--set", "queued.generate_report.capacity=1", "--set", "queued.generate_report.concurrency=1"]);
    // Whoever writes now waits for this transaction, so the queue fills up. Requests write as well, so they wait, too:
    // they are sent beside each other and answered when it ends.
    let mut database = place.database();
    database.execute("BEGIN IMMEDIATE");
    let clients: Vec<_> = (0..30)
        .map(|_| {
            let address = address.clone();
            std::thread::spawn(move || request(&address, "POST", GENERATE, r#"{"month":"2026-09"}"#))
        })
        .collect();
    database.execute("COMMIT");
    let answers: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    assert!(answers.iter().all(|answer| matches!(answer.status, 202 | 503)), "{answers:?}");
    let accepted = answers.iter().filter(|answer| answer.status == 202).count();
    for refused in answers.iter().filter(|answer| answer.status == 503) {
        assert_eq!(refused.header("retry-after"), Some("5"));
    }
    assert_eq!(program.stopped().code, Some(0));
    let done = database.number("SELECT count(*) FROM reports WHERE total IS NOT NULL");
    assert_eq!(usize::try_from(done).unwrap(), accepted, "what was accepted is done, and what was refused is not");
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
