use crate::Place;
use driver::eventually;

const PROGRAM: &str = env!("CARGO_BIN_EXE_03-task-queue");
const TASKS: &str = "SELECT task, text FROM journal ORDER BY entry";

#[test]
fn one_worker_does_all_tasks_in_order_and_the_queue_holds_no_more_than_a_hundred() {
    let place = Place::new();
    let mut program = place.start(PROGRAM, &["--set", "tasks.count=250", "--set", "tasks.step=1ms"]);
    let enqueued = program.event("tasks enqueued");
    let mut database = place.database();
    // All are accepted, at most a hundred wait and one is under way: the others are in the journal.
    assert_eq!(enqueued["accepted"].as_i64(), Some(250));
    assert!(enqueued["waiting"].as_i64().unwrap() <= 100, "{enqueued}");
    assert!(database.number("SELECT count(*) FROM journal") >= 249 - 100);
    eventually("the last task", || (database.number("SELECT count(*) FROM journal") == 250).then_some(()));
    let expected: Vec<_> = (1..=250).map(|task| (task, "done".to_owned())).collect();
    assert_eq!(database.rows::<(i64, String)>(TASKS), expected);
    let ended = program.stopped();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
}

#[test]
fn at_stop_the_task_under_way_is_told_and_those_that_wait_are_done() {
    let place = Place::new();
    let mut program = place.start(PROGRAM, &["--set", "tasks.count=1000", "--set", "tasks.step=15ms"]);
    program.event("task ended");
    let ended = program.stopped();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    let accepted = ended.event("tasks enqueued").expect("it says how many were accepted")["accepted"].as_i64().unwrap();
    assert!(accepted < 1_000, "it was not stopped in the middle");

    let entries: Vec<(i64, String)> = place.database().rows(TASKS);
    let tasks: Vec<_> = entries.iter().map(|(task, _)| *task).collect();
    assert_eq!(tasks, (1..=accepted).collect::<Vec<_>>(), "each accepted task once, in order");
    let told: Vec<_> = entries.iter().filter(|(_, text)| text != "done").collect();
    assert!(told.len() <= 1, "only the one under way is told: {told:?}");
}
