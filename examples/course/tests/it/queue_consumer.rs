use crate::Place;
use driver::eventually;

const PROGRAM: &str = env!("CARGO_BIN_EXE_04-queue-consumer");

#[test]
fn each_order_is_handled_once_and_in_a_scope_of_its_own() {
    let place = Place::new();
    let mut program = place.start(PROGRAM, &[]);
    program.event("forty orders taken in");
    let mut database = place.database();
    eventually("all orders", || (database.number("SELECT count(*) FROM audit") == 40).then_some(()));
    let ended = program.stopped();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);

    let handled: Vec<(i64, i64)> = database.rows("SELECT order_id, visit FROM handled ORDER BY order_id");
    let audited: Vec<(i64, i64)> = database.rows("SELECT order_id, visit FROM audit ORDER BY order_id");
    assert_eq!(handled, audited, "both components of a scope saw the same visit");
    let orders: Vec<_> = handled.iter().map(|(order, _)| *order).collect();
    assert_eq!(orders, (1..=40).collect::<Vec<_>>());
    let mut visits: Vec<_> = handled.iter().map(|(_, visit)| *visit).collect();
    visits.sort_unstable();
    visits.dedup();
    assert_eq!(visits.len(), 40, "no two orders shared a scope");
}
