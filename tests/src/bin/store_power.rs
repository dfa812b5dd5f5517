//! A program that uses one store from several threads while its system calls are recorded, and says in a ledger what the store
//! answered: `store_power DIRECTORY SYNCHRONOUS ROUNDS`.
//!
//! A line of the ledger is one system call, made after the answer came and before the next thing is asked. So the record
//! shows what the disk had been told when somebody was told that a job is safe.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hostkit::store::sqlite::SqliteStore;
use hostkit::store::sqlite::rusqlite::Connection;
use hostkit::store::{
    self, Applied, ClaimRequest, Claimed, ClaimedJob, Enqueued, Finish, JobId, NewJob, OwnerId, Retention, Store,
    StoreUrl, Timestamp, Verdict, Wanted, Worker,
};

const THREADS: u32 = 4;
/// So often the store is closed and opened again, which takes the log away and makes a new one.
const LIVES: u32 = 3;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// One of the threads.
struct Caller {
    name: String,
    number: u32,
    store: Arc<dyn Store>,
    sqlite: Arc<SqliteStore>,
    owner: OwnerId,
    ledger: File,
}

impl Caller {
    fn note(&mut self, line: &str) -> Result<()> {
        Ok(self.ledger.write_all(format!("{line} {}\n", self.name).as_bytes())?)
    }

    /// A job that carries its own id, over and over: so what is left of it can be told from anything else.
    fn job(&mut self, kind: &str, size: usize) -> Result<NewJob> {
        let mut job = NewJob::new(kind, Vec::new());
        job.payload = job.id.as_bytes().iter().copied().cycle().take(size).collect();
        self.note(&format!("trying {} {size}", job.id))?;
        Ok(job)
    }

    async fn enqueue(&mut self, round: u32) -> Result<()> {
        let mut jobs = Vec::new();
        for number in 0..=(round + self.number) % 4 {
            // Now and then one that is stored beside its row.
            let size = if (round + number).is_multiple_of(7) { 5000 } else { 30 + 90 * number as usize };
            let kind = ["plain", "transfer", "keyed", "brief"][(number + round) as usize % 4];
            let mut job = self.job(kind, size)?;
            job.serial_key = (kind == "keyed").then(|| format!("key {}", round % 3));
            job.idempotency_key = (kind == "plain").then(|| format!("{} {round} {number}", self.name));
            jobs.push(job);
        }
        let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
        let answers = self.store.enqueue(jobs).await?;
        for (id, answer) in ids.iter().zip(answers) {
            assert_eq!(answer, Enqueued::Stored, "each is another");
            self.note(&format!("stored {id}"))?;
        }
        if round.is_multiple_of(5) {
            let job = self.job("plain", 10)?;
            let (id, instant) = (job.id, i64::from(round + 1));
            let answer = self.store.enqueue_occurrence(&self.name, Timestamp::from_micros(instant), job).await?;
            assert_eq!(answer, Enqueued::Stored, "each schedule has one caller");
            self.note(&format!("stored {id}"))?;
            self.note(&format!("occurred {id} {instant}"))?;
        }
        Ok(())
    }

    async fn claim(&mut self) -> Result<Vec<ClaimedJob>> {
        let mut kinds: Vec<_> = ["plain", "transfer", "keyed", "brief"].map(|kind| Wanted::new(kind, 2)).into();
        kinds[2].per_key = NonZeroU32::new(1);
        let Claimed::Jobs { jobs, .. } = self.store.claim(ClaimRequest { owner: self.owner, kinds }).await? else {
            return Err("its lease is long".into());
        };
        for job in &jobs {
            self.note(&format!("began {} {}", job.claim.id, job.claim.epoch))?;
        }
        Ok(jobs)
    }

    async fn finish(&mut self, job: &ClaimedJob, verdict: Verdict) -> Result<()> {
        let outcome = match &verdict {
            Verdict::Done => "done",
            Verdict::Dead { .. } => "dead",
            _ => "again",
        };
        let id = job.claim.id;
        self.note(&format!("finishing {id} {outcome}"))?;
        let finish = Finish { claim: job.claim, verdict };
        let applied = if &*job.kind == "transfer" {
            let id = id.to_string();
            let effect = move |connection: &Connection| {
                connection.execute("INSERT INTO effects (id) VALUES (?1)", [id])?;
                Ok(())
            };
            self.sqlite.finish_with(finish, Box::new(effect)).await?
        } else {
            self.store.finish(vec![finish]).await?[0]
        };
        assert_eq!(applied, Applied::Applied, "nobody is declared dead");
        self.note(&format!("finished {id} {outcome}"))
    }

    async fn work(mut self, rounds: u32) -> Result<()> {
        for round in 0..rounds {
            self.enqueue(round).await?;
            for (number, job) in self.claim().await?.iter().enumerate() {
                let because = || "because".to_owned();
                let verdict = match (&*job.kind, number % 5) {
                    ("plain" | "keyed", 0) => Verdict::Retry { after: Duration::from_millis(1), error: because() },
                    ("plain" | "keyed", 1) => Verdict::Dead { error: because() },
                    // It stays as it is until its owner leaves.
                    (_, 4) => continue,
                    _ => Verdict::Done,
                };
                self.finish(job, verdict).await?;
            }
            if round % 8 == 7 {
                let retention = Retention { kind: "brief".into(), done: Duration::ZERO, dead: Duration::ZERO };
                self.store.prune(retention, 5).await?;
            }
        }
        Ok(())
    }
}

/// Moves the log into the file in each way there is, as other programs that use the file do.
fn checkpoint(path: &Path, is_over: &AtomicBool) -> Result<()> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_millis(50))?;
    for mode in ["PASSIVE", "RESTART", "PASSIVE", "FULL", "TRUNCATE"].iter().cycle() {
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))?;
        std::thread::sleep(Duration::from_millis(40));
    }
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// Opens the store, has everybody work, and closes it.
fn live(directory: &Path, synchronous: &str, life: u32, rounds: u32) -> Result<()> {
    let runtime_of_main = runtime()?;
    let path = directory.join("jobs.db");
    let url = StoreUrl::parse(&format!("sqlite://{}?synchronous={synchronous}", path.display()))?;
    let store = runtime_of_main.block_on(store::open(&url))?;
    Connection::open(&path)?.execute_batch("CREATE TABLE IF NOT EXISTS effects (id TEXT NOT NULL)")?;
    let sqlite = Arc::clone(&store).as_sqlite().ok_or("it is one")?;
    let worker = Worker { name: "a caller".to_owned(), lease: Duration::from_mins(1) };
    let owner = runtime_of_main.block_on(store.register(worker))?;
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| -> Result<()> {
        let checkpoints = scope.spawn(|| checkpoint(&path, &is_over));
        let callers: Vec<_> = (0..THREADS)
            .map(|number| {
                let (store, sqlite) = (Arc::clone(&store), Arc::clone(&sqlite));
                scope.spawn(move || {
                    let ledger = OpenOptions::new().create(true).append(true).open(directory.join("ledger"))?;
                    let name = format!("{life}.{number}");
                    let caller = Caller { name, number, store, sqlite, owner, ledger };
                    runtime()?.block_on(caller.work(rounds))
                })
            })
            .collect();
        let ended: Vec<_> = callers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        is_over.store(true, Ordering::SeqCst);
        for ended in ended {
            ended.map_err(|_panic| "a caller panicked")??;
        }
        checkpoints.join().map_err(|_panic| "the checkpoints panicked")?
    })?;
    drop(sqlite);
    runtime_of_main.block_on(store.leave(owner))?;
    Ok(runtime_of_main.block_on(store.close())?)
}

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().collect();
    let [_, directory, synchronous, rounds] = &arguments[..] else { return Err("where, how and how long?".into()) };
    let rounds = rounds.parse()?;
    (0..LIVES).try_for_each(|life| live(Path::new(directory), synchronous, life, rounds))
}
