//! What a store in a SQLite file costs: against a loop by hand over rusqlite, on the same disk, with the same pragmas and as many
//! jobs in each transaction.
//!
//! The loop by hand does what somebody would write who needs a queue of one kind in a table: a unique id, an index of what waits, an
//! epoch on every change. A second one has a table without any index, which is what the disk and SQLite alone cost.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its table, looks at the real clock and may panic"
)]
#![allow(missing_docs, reason = "a bench has no readers but its own")]

mod measure;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hostkit::store::sqlite::rusqlite::{Connection, params};
use hostkit::store::{
    self, ClaimRequest, Claimed, ClaimedJob, Enqueued, Finish, JobId, NewJob, OwnerId, Store, StoreUrl, Verdict,
    Wanted, Worker,
};
use tokio::runtime::Runtime;

use self::measure::{Bar, compare, cost, head, throughput, timed};

/// Callers that enqueue at once.
const CALLERS: usize = 64;
/// Jobs of one claim.
const BATCH: u32 = 256;
const PAYLOAD: &[u8] = br#"{"order_id":1234567,"customer":"somebody"}"#;
const KIND: &str = "process_order";
/// Kinds whose jobs are enqueued in turn.
const FOUR: [&str; 4] = [KIND, "send_mail", "make_report", "clean_up"];

/// A directory on the disk that is measured.
struct Disk(PathBuf);

impl Disk {
    fn new() -> Self {
        let root = std::env::var_os("HOSTKIT_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let path = root.join(format!("hostkit-bench-{}-{}", std::process::id(), JobId::new()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A store and its one worker.
struct Ours {
    store: Arc<dyn Store>,
    owner: OwnerId,
    _disk: Disk,
}

impl Ours {
    fn open(runtime: &Runtime) -> Self {
        let disk = Disk::new();
        runtime.block_on(async {
            let url = StoreUrl::parse(&format!("sqlite://{}/ours.db", disk.0.display())).unwrap();
            let store = store::open(&url).await.unwrap();
            let worker = Worker { name: "bench".to_owned(), lease: Duration::from_hours(1) };
            let owner = store.register(worker).await.unwrap();
            Self { store, owner, _disk: disk }
        })
    }

    async fn fill(&self, count: u32) {
        self.fill_with(&[KIND], count).await;
    }

    async fn fill_with(&self, kinds: &[&str], count: u32) {
        for from in (0..count).step_by(1000) {
            let kinds = kinds.iter().cycle().take((count - from).min(1000) as usize);
            let jobs = kinds.map(|kind| NewJob::new(*kind, PAYLOAD)).collect();
            self.store.enqueue(jobs).await.unwrap();
        }
    }

    async fn claim(&self, kinds: &[&str]) -> Vec<ClaimedJob> {
        let kinds = kinds.iter().map(|kind| Wanted::new(*kind, BATCH / kinds.len() as u32)).collect();
        let request = ClaimRequest { owner: self.owner, kinds };
        match self.store.claim(request).await.unwrap() {
            Claimed::Jobs { jobs, .. } => jobs,
            Claimed::Lost => panic!("its lease is long"),
        }
    }

    /// Claims and finishes so many batches: what was claimed is finished together with the next claim.
    async fn drain(&self, kinds: &[&str], batches: u32) {
        let mut jobs = self.claim(kinds).await;
        for turn in 1..=batches {
            assert_eq!(jobs.len(), BATCH as usize);
            let finishes = jobs.iter().map(|job| Finish { claim: job.claim, verdict: Verdict::Done }).collect();
            let finish = self.store.finish(finishes);
            if turn == batches {
                finish.await.unwrap();
            } else {
                let (answers, next) = tokio::join!(finish, self.claim(kinds));
                answers.unwrap();
                jobs = next;
            }
        }
    }
}

/// The same by hand.
struct ByHand {
    connection: Connection,
    _disk: Disk,
}

impl ByHand {
    fn open() -> Self {
        let disk = Disk::new();
        let connection = Connection::open(disk.0.join("theirs.db")).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
                PRAGMA cache_size = -16384;
                CREATE TABLE jobs (
                    seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, state INTEGER NOT NULL,
                    priority INTEGER NOT NULL, due INTEGER NOT NULL, epoch INTEGER NOT NULL, ended_at INTEGER,
                    payload BLOB NOT NULL
                );
                CREATE INDEX waiting ON jobs (kind, priority, due) WHERE state = 0;
                CREATE TABLE bare (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL);",
            )
            .unwrap();
        Self { connection, _disk: disk }
    }

    fn insert(&self) {
        self.insert_of(KIND);
    }

    fn insert_of(&self, kind: &str) {
        let sql = "INSERT INTO jobs (id, kind, state, priority, due, epoch, payload) VALUES (?1, ?2, 0, 0, ?3, 0, ?4)";
        let mut statement = self.connection.prepare_cached(sql).unwrap();
        statement.execute(params![JobId::new().as_bytes(), kind, 1, PAYLOAD]).unwrap();
    }

    fn insert_bare(&self) {
        let mut statement = self.connection.prepare_cached("INSERT INTO bare (payload) VALUES (?1)").unwrap();
        statement.execute([PAYLOAD]).unwrap();
    }

    fn together(&self, count: usize, each: impl Fn(&Self)) {
        self.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        (0..count).for_each(|_| each(self));
        self.connection.execute_batch("COMMIT").unwrap();
    }

    fn fill_with(&self, kinds: &[&str], count: u32) {
        for from in (0..count).step_by(1000) {
            self.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            let kinds = kinds.iter().cycle().take((count - from).min(1000) as usize);
            kinds.for_each(|kind| self.insert_of(kind));
            self.connection.execute_batch("COMMIT").unwrap();
        }
    }

    fn claim(&self, kinds: &[&str]) -> Vec<(i64, i64, Vec<u8>)> {
        let each = BATCH / kinds.len() as u32;
        kinds.iter().flat_map(|kind| self.claim_of(kind, each)).collect()
    }

    fn claim_of(&self, kind: &str, count: u32) -> Vec<(i64, i64, Vec<u8>)> {
        let sql = "UPDATE jobs SET state = 1, epoch = epoch + 1 WHERE seq IN (
                SELECT seq FROM jobs INDEXED BY waiting WHERE state = 0 AND kind = ?1 AND priority = 0 AND due <= ?2
                ORDER BY due LIMIT ?3
            ) RETURNING seq, epoch, payload";
        let mut statement = self.connection.prepare_cached(sql).unwrap();
        let rows = statement.query_map(params![kind, 2, count], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        rows.unwrap().map(Result::unwrap).collect()
    }

    fn finish(&self, jobs: &[(i64, i64, Vec<u8>)]) {
        let sql = "UPDATE jobs SET state = 2, ended_at = ?3 WHERE seq = ?1 AND epoch = ?2 AND state = 1";
        let mut statement = self.connection.prepare_cached(sql).unwrap();
        for (seq, epoch, _) in jobs {
            assert_eq!(statement.execute(params![seq, epoch, 3]).unwrap(), 1);
        }
    }

    fn drain(&self, kinds: &[&str], batches: u32) {
        let begin = || self.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        let commit = || self.connection.execute_batch("COMMIT").unwrap();
        begin();
        let mut jobs = self.claim(kinds);
        commit();
        for turn in 1..=batches {
            assert_eq!(jobs.len(), BATCH as usize);
            begin();
            self.finish(&jobs);
            if turn < batches {
                jobs = self.claim(kinds);
            }
            commit();
        }
    }
}

/// 64 callers, one job each call.
async fn enqueue(store: &Arc<dyn Store>, count: usize) {
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                for _ in 0..count / CALLERS {
                    let answers = store.enqueue(vec![NewJob::new(KIND, PAYLOAD)]).await.unwrap();
                    assert_eq!(answers, [Enqueued::Stored]);
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

fn enqueues(runtime: &Runtime) {
    const COUNT: usize = CALLERS * 40;
    const ALONE: u32 = 100;
    head("One job stored, synced: 64 callers at once, against groups of 64 by hand");
    let (ours, hand) = (Ours::open(runtime), ByHand::open());
    let count = u32::try_from(COUNT).unwrap();
    let mine = || timed(|| runtime.block_on(enqueue(&ours.store, COUNT)));
    let by_hand = |each: fn(&ByHand)| {
        let hand = &hand;
        move || timed(|| (0..COUNT / CALLERS).for_each(|_| hand.together(CALLERS, each)))
    };
    throughput(
        "a table with an id and an index of what waits",
        count,
        compare(31, mine, by_hand(ByHand::insert)),
        Bar::AtLeast(0.6),
    );
    throughput("a table without any index", count, compare(31, mine, by_hand(ByHand::insert_bare)), Bar::None);
    let alone = || timed(|| (0..ALONE).for_each(|_| hand.together(1, ByHand::insert))) * (count / ALONE);
    throughput("one commit for each job", count, compare(11, mine, alone), Bar::AtLeast(20.0));
    let one = || {
        timed(|| {
            runtime.block_on(async {
                for _ in 0..ALONE {
                    ours.fill(1).await;
                }
            });
        })
    };
    let one_by_hand = || timed(|| (0..ALONE).for_each(|_| hand.together(1, ByHand::insert)));
    throughput("one caller against one commit for each job", ALONE, compare(11, one, one_by_hand), Bar::None);
}

fn drains(runtime: &Runtime) {
    const BATCHES: u32 = 40;
    head("One job claimed and finished, synced: in batches of 256, each claim with the former's outcomes");
    let (ours, hand) = (Ours::open(runtime), ByHand::open());
    for (what, kinds) in [("10,240 jobs a turn", &[KIND][..]), ("10,240 jobs a turn, of four kinds in turn", &FOUR)] {
        let mine = || {
            runtime.block_on(ours.fill_with(kinds, BATCHES * BATCH));
            timed(|| runtime.block_on(ours.drain(kinds, BATCHES)))
        };
        let by_hand = || {
            hand.fill_with(kinds, BATCHES * BATCH);
            timed(|| hand.drain(kinds, BATCHES))
        };
        throughput(what, BATCHES * BATCH, compare(11, mine, by_hand), Bar::AtLeast(0.5));
    }
}

fn backlogs(runtime: &Runtime) {
    const BATCHES: u32 = 3;
    head("The same at a backlog (theirs: at 1,000)");
    let small = Ours::open(runtime);
    runtime.block_on(small.fill(1000));
    for backlog in [10_000, 100_000, 1_000_000] {
        let large = Ours::open(runtime);
        runtime.block_on(large.fill(backlog));
        let turn = |ours: &Ours| {
            let took = timed(|| runtime.block_on(ours.drain(&[KIND], BATCHES)));
            runtime.block_on(ours.fill(BATCHES * BATCH));
            took
        };
        let compared = compare(101, || turn(&large), || turn(&small));
        cost(&format!("{backlog} jobs wait"), BATCHES * BATCH, compared, Bar::AtMost(1.2));
    }
}

/// Does one thing alone, for `strace -c -f`: prints how many jobs it was.
fn alone(runtime: &Runtime, case: &str, count: u32) {
    let ours = Ours::open(runtime);
    match case {
        "enqueue" => runtime.block_on(enqueue(&ours.store, count as usize)),
        "drain" => runtime.block_on(async {
            ours.fill(count / BATCH * BATCH).await;
            let began = Instant::now();
            ours.drain(&[KIND], count / BATCH).await;
            println!("drained {} jobs in {:?}", count / BATCH * BATCH, began.elapsed());
        }),
        "fill" => runtime.block_on(ours.fill(count)),
        other => panic!("there is no case {other}"),
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if let Some((case, count)) = measure::alone() {
        alone(&runtime, &case, count);
        return;
    }
    let only = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    let wants = |part: &str| only.as_deref().is_none_or(|only| only == part);
    if wants("enqueue") {
        enqueues(&runtime);
    }
    if wants("drain") {
        drains(&runtime);
    }
    if wants("backlog") {
        backlogs(&runtime);
    }
}
