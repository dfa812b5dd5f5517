use driver::{Directory, Program};

const PROGRAM: &str = env!("CARGO_BIN_EXE_01-smallest");

#[test]
fn it_beats_until_it_is_told_to_stop() {
    let directory = Directory::new();
    let mut program = Program::start(PROGRAM, &directory, ["--set", "periodic.heartbeat.every=20ms"]);
    program.event("started: every service is ready");
    driver::eventually("three beats", || {
        let log = program.log();
        (log.iter().filter(|line| line.contains("still here")).count() >= 3).then_some(())
    });
    let ended = program.stopped();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    assert_eq!(ended.event("signal received").expect("it says why it stops")["signal"], "SIGTERM");
    assert!(ended.event("stopped").is_some(), "{:#?}", ended.log);
    assert!(ended.stdout.is_empty(), "a log is no data");
}

#[test]
fn it_lists_itself_and_starts_nothing() {
    let ended = Program::run(PROGRAM, &Directory::new(), ["list"]);
    assert_eq!((ended.code, ended.log.len()), (Some(0), 0), "{:#?}", ended.log);
    let list = String::from_utf8(ended.stdout).unwrap();
    for part in ["heartbeat", "every 1s", "Says that it is there.", "01-smallest.rs"] {
        assert!(list.contains(part), "{part}: {list}");
    }
}
