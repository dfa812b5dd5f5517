//! What only the inside can see: how SQLite searches, and how many steps it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::batch::Batch;
use super::schema::{Older, prepare};
use super::{claim, finish, slots};
use crate::store::{ClaimRequest, Claimed, Finish, OwnerId, Retention, Timestamp, Verdict, Wanted, Worker};

const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);
const WORKER: &str = "a test";

/// So many jobs are many, unless `HOSTKIT_ROWS=1000000` says otherwise.
fn many() -> u32 {
    std::env::var("HOSTKIT_ROWS").ok().map_or(100_000, |rows| rows.parse().unwrap())
}

/// Tables with so many jobs of one kind that wait, and as many that are done.
fn filled(count: u32) -> (Connection, OwnerId) {
    filled_in(Connection::open_in_memory().unwrap(), count)
}

fn filled_in(mut connection: Connection, count: u32) -> (Connection, OwnerId) {
    prepare(&mut connection, Older::Refuse).unwrap();
    connection.execute("INSERT INTO hostkit_kinds VALUES (1, 'mail')", []).unwrap();
    for (place, ended_at) in [(0, "NULL"), (4, "due")] {
        let sql = format!(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)
            INSERT INTO hostkit_jobs (
                id, kind, place, priority, due, epoch, failures, crashes, at_most_once, cancel_requested, enqueued_at,
                ended_at, version, payload
            ) SELECT randomblob(16), 1, {place}, n % 3, n, 0, 0, 0, 0, 0, n, {ended_at}, 0, x'00' FROM (
                SELECT n, n AS due FROM numbers
            )"
        );
        connection.execute(&sql, [count]).unwrap();
        connection.execute("INSERT INTO hostkit_counts VALUES (1, ?1, ?2)", [place, count]).unwrap();
    }
    let worker = Worker { name: WORKER.to_owned(), lease: Duration::from_hours(1) };
    let owner = Batch::new(&connection, NOW).register(&worker, "no lock").unwrap();
    (connection, owner)
}

/// How many steps of its machine SQLite takes for something.
fn steps(connection: &Connection, what: impl FnOnce(&mut Batch<'_>)) -> u64 {
    let count = Arc::new(AtomicU64::new(0));
    let counting = Arc::clone(&count);
    let handler = move || {
        counting.fetch_add(1, Ordering::Relaxed);
        false
    };
    connection.progress_handler(1, Some(handler)).unwrap();
    let mut batch = Batch::new(connection, NOW);
    what(&mut batch);
    batch.close().unwrap();
    connection.progress_handler(0, None::<fn() -> bool>).unwrap();
    count.load(Ordering::Relaxed)
}

fn claim_and_finish(batch: &mut Batch<'_>, owner: OwnerId) {
    let request = ClaimRequest { owner, kinds: vec![Wanted::new("mail", 64)] };
    let Claimed::Jobs { jobs, .. } = batch.claim(&request).unwrap() else { panic!("it is registered") };
    assert_eq!(jobs.len(), 64);
    let finishes: Vec<_> = jobs.iter().map(|job| Finish { claim: job.claim, verdict: Verdict::Done }).collect();
    batch.finish_all(&finishes).unwrap();
}

#[test]
fn every_search_of_a_claim_and_of_a_finish_is_a_seek() {
    let (connection, _) = filled(10);
    let all = claim::SEARCHES.into_iter().chain(slots::SEARCHES).map(ToOwned::to_owned);
    for sql in all.chain(finish::searches()) {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        for number in 1..=statement.parameter_count() {
            statement.raw_bind_parameter(number, 1).unwrap();
        }
        let mut rows = statement.raw_query();
        let mut plan = Vec::<String>::new();
        while let Some(row) = rows.next().unwrap() {
            plan.push(row.get(3).unwrap());
        }
        let is_a_seek = |step: &String| step.starts_with("SEARCH ") && step.contains('(') && !step.contains("(kind=?)");
        let any_of_a_kind = sql.contains("LIMIT ?2");
        assert!(plan.len() == 1 && (is_a_seek(&plan[0]) || any_of_a_kind), "{sql}\n{plan:?}");
        assert!(plan.iter().all(|step| step.starts_with("SEARCH") && !step.contains("TEMP B-TREE")), "{sql}\n{plan:?}");
    }
}

#[test]
fn what_a_claim_costs_does_not_grow_with_what_waits_and_what_is_done() {
    let costs = [1000, many()].map(|count| {
        let (connection, owner) = filled(count);
        // The first time statements are prepared.
        steps(&connection, |batch| claim_and_finish(batch, owner));
        let claimed = steps(&connection, |batch| claim_and_finish(batch, owner));
        let beat = steps(&connection, |batch| drop(batch.beat(owner).unwrap()));
        let retention = Retention { kind: "mail".into(), done: Duration::ZERO, dead: Duration::ZERO };
        let pruned = steps(&connection, |batch| {
            assert_eq!(batch.prune(&retention, 50).unwrap().changed, 50);
        });
        [claimed, beat, pruned]
    });
    println!("steps to claim and finish 64, to beat, to prune 50: {costs:?}");
    assert_eq!(costs[0], costs[1]);
}

/// What this thread has read from files so far, in bytes.
#[cfg(target_os = "linux")]
fn read_so_far() -> u64 {
    let said = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    let read = said.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap();
    read.parse().unwrap()
}

/// How many pages something reads from the file of a store by a connection that knows none of them yet.
#[cfg(target_os = "linux")]
fn pages(path: &std::path::Path, what: impl FnOnce(&mut Batch<'_>)) -> u64 {
    const PAGE: u64 = 4096;
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "cache_size", -16_384).unwrap();
    // The schema is read before anything else, and by every connection once.
    connection.query_row("SELECT count(*) FROM hostkit_meta", [], |_| Ok(())).unwrap();
    connection.execute_batch("BEGIN").unwrap();
    let mut batch = Batch::new(&connection, NOW);
    let before = read_so_far();
    what(&mut batch);
    batch.close().unwrap();
    let read = (read_so_far() - before) / PAGE;
    connection.execute_batch("ROLLBACK").unwrap();
    read
}

/// Each page that is opened is read once, for none is known. Deeper trees have one more on the way.
#[cfg(target_os = "linux")]
#[test]
fn the_pages_that_a_claim_reads_grow_no_more_than_the_trees_are_high() {
    /// A table and its indexes, of which each may be two levels higher.
    const HIGHER: u64 = 2 * 5;
    let read = [1000, many()].map(|count| {
        let path = std::env::temp_dir().join(format!("hostkit-pages-{}-{count}.db", std::process::id()));
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA synchronous = OFF").unwrap();
        let (_, owner) = filled_in(connection, count);
        let claimed = pages(&path, |batch| {
            let request = ClaimRequest { owner, kinds: vec![Wanted::new("mail", 64)] };
            let Claimed::Jobs { jobs, .. } = batch.claim(&request).unwrap() else { panic!("it is registered") };
            assert_eq!(jobs.len(), 64);
        });
        let finished = pages(&path, |batch| claim_and_finish(batch, owner));
        std::fs::remove_file(&path).unwrap();
        [claimed, finished]
    });
    println!("pages read to claim 64, to claim and finish 64, at 1,000 and at {}: {read:?}", many());
    for (few, many) in read[0].iter().zip(&read[1]) {
        assert!(*few > 5 && *many <= few + HIGHER, "{read:?}");
    }
}

#[test]
fn the_bundled_version_is_new_enough() {
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}
