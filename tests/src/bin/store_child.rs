//! A program that uses a store in every way there is, keeps a ledger outside of it, and is killed by its tests.
//!
//! `store_child work DIRECTORY [ROUNDS]` works until it has done everything some times, `drain` until nothing waits; `fill`
//! enqueues some jobs and `fail` until that fails.

#![allow(clippy::print_stdout, reason = "its tests read what it prints")]

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hostkit::store::sqlite::SqliteStore;
use hostkit::store::sqlite::rusqlite::Connection;
use hostkit::store::{
    self, Applied, ClaimRequest, Claimed, ClaimedJob, Due, Enqueued, Filter, Finish, JobId, NewJob, OwnerId, Rate,
    Retention, State, Store, StoreUrl, Timestamp, Unique, UniqueMode, Verdict, Wanted, Worker,
};

const KINDS: [&str; 5] = ["plain", "keyed", "limited", "brief", "transfer"];
const ROUNDS: u32 = 6;
const SOON: Duration = Duration::from_millis(5);

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

struct Program {
    store: Arc<dyn Store>,
    sqlite: Arc<SqliteStore>,
    owner: OwnerId,
    ledger: File,
}

impl Program {
    async fn start(directory: &Path) -> Result<Self> {
        let ledger = OpenOptions::new().create(true).append(true).open(directory.join("ledger"))?;
        let url = format!("sqlite://{}?synchronous=normal", directory.join("jobs.db").display());
        let store = store::open(&StoreUrl::parse(&url)?).await?;
        let sqlite = Arc::clone(&store).as_sqlite().ok_or("it is one")?;
        let name = format!("child {}", std::process::id());
        let owner = store.register(Worker { name, lease: Duration::from_mins(1) }).await?;
        // Whoever was killed before is known to be dead at once.
        store.sweep().await?;
        Ok(Self { store, sqlite, owner, ledger })
    }

    /// One line, whole or not at all, whatever happens to this process.
    fn note(&mut self, line: &str) -> Result<()> {
        Ok(self.ledger.write_all(format!("{line}\n").as_bytes())?)
    }

    async fn enqueue(&mut self, jobs: Vec<NewJob>) -> Result<()> {
        let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
        for id in &ids {
            self.note(&format!("trying {id}"))?;
        }
        let answers = self.store.enqueue(jobs).await?;
        for (id, answer) in ids.iter().zip(answers) {
            if answer == Enqueued::Stored {
                self.note(&format!("stored {id}"))?;
            }
        }
        Ok(())
    }

    fn jobs(round: u32) -> Vec<NewJob> {
        let mut jobs: Vec<_> = (0..8).map(|number| NewJob::new("plain", vec![number])).collect();
        jobs[0].payload = vec![7; 5000];
        jobs[1].idempotency_key = Some(format!("{} {round}", std::process::id()));
        jobs[2].unique = Some(Unique { key: "alone".to_owned(), mode: UniqueMode::WhileActive });
        jobs.extend((0..4).map(|_| {
            let mut job = NewJob::new("keyed", *b"");
            job.serial_key = Some("one".to_owned());
            job
        }));
        jobs.extend((0..2).map(|_| {
            let mut job = NewJob::new("limited", *b"");
            job.unique = Some(Unique { key: "quiet".to_owned(), mode: UniqueMode::Debounce(SOON) });
            job
        }));
        jobs.push(NewJob::new("limited", *b""));
        jobs.extend((0..3).flat_map(|_| [NewJob::new("brief", *b""), NewJob::new("transfer", *b"")]));
        let mut delayed = NewJob::new("plain", *b"");
        delayed.due = Due::After(SOON);
        jobs.push(delayed);
        jobs
    }

    async fn claim(&mut self, free: u32) -> Result<(Vec<ClaimedJob>, Option<Duration>)> {
        let wanted = |kind: &&str| {
            let mut wanted = Wanted::new(*kind, free);
            if *kind == "keyed" {
                wanted.per_key = NonZeroU32::new(1);
            }
            if *kind == "limited" {
                wanted.rate = NonZeroU32::new(500).map(|count| Rate { count, per: Duration::from_secs(1) });
            }
            wanted
        };
        let request = ClaimRequest { owner: self.owner, kinds: KINDS.iter().map(wanted).collect() };
        let Claimed::Jobs { jobs, next } = self.store.claim(request).await? else { return Err("declared dead".into()) };
        for job in &jobs {
            self.note(&format!("began {} {}", job.claim.id, job.claim.epoch))?;
        }
        Ok((jobs, next))
    }

    /// Says what becomes of a job, and writes down what was answered.
    async fn finish(&mut self, job: &ClaimedJob, verdict: Verdict) -> Result<()> {
        let outcome = match &verdict {
            Verdict::Done => "done",
            Verdict::Dead { .. } => "dead",
            Verdict::Cancelled { .. } => "cancelled",
            _ => "again",
        };
        let finish = Finish { claim: job.claim, verdict };
        let applied = if matches!(&*job.kind, "brief" | "transfer") {
            let id = job.claim.id.to_string();
            let effect = move |connection: &Connection| {
                connection.execute("INSERT INTO effects (id) VALUES (?1)", [id])?;
                Ok(())
            };
            self.sqlite.finish_with(finish, Box::new(effect)).await?
        } else {
            self.store.finish(vec![finish]).await?[0]
        };
        if applied == Applied::Applied {
            self.note(&format!("finished {} {outcome}", job.claim.id))?;
        }
        Ok(())
    }

    async fn work(&mut self, rounds: u32) -> Result<()> {
        for round in 0..rounds {
            self.enqueue(Self::jobs(round)).await?;
            let job = NewJob::new("plain", *b"");
            let id = job.id;
            self.note(&format!("trying {id}"))?;
            let instant = Timestamp::from_micros(i64::from(std::process::id()) * 1000 + i64::from(round));
            if self.store.enqueue_occurrence("nightly", instant, job).await? == Enqueued::Stored {
                self.note(&format!("stored {id}"))?;
            }
            let (jobs, _) = self.claim(3).await?;
            self.store.beat(self.owner).await?;
            for (number, job) in jobs.iter().enumerate() {
                let text = || "because".to_owned();
                let verdict = match (&*job.kind, number % 6) {
                    ("brief" | "transfer", _) => Verdict::Done,
                    (_, 0) => Verdict::Retry { after: SOON, error: text() },
                    (_, 1) => Verdict::Dead { error: text() },
                    (_, 2) => {
                        self.store.cancel(job.claim.id, "an operator").await?;
                        self.store.beat(self.owner).await?;
                        Verdict::Cancelled { reason: text() }
                    }
                    // It is forgotten, and found again below.
                    (_, 3) => continue,
                    (_, 4) => Verdict::Snoozed { after: SOON },
                    _ => Verdict::Done,
                };
                self.finish(job, verdict).await?;
            }
            self.store.reconcile(self.owner, Vec::new()).await?;
            self.manage().await?;
            if round == ROUNDS / 2 {
                let former = self.owner;
                self.owner =
                    self.store.register(Worker { name: "again".to_owned(), lease: Duration::from_mins(1) }).await?;
                self.store.leave(former).await?;
            }
        }
        Ok(())
    }

    async fn manage(&mut self) -> Result<()> {
        let page = |limit| store::PageRequest { limit, after: None };
        let of = |kind: &str, state| Filter { kind: Some(kind.into()), state: Some(state) };
        for job in self.store.list(of("keyed", State::Waiting), page(1)).await?.jobs {
            self.note(&format!("cancelling {}", job.id))?;
            self.store.cancel(job.id, "an operator").await?;
        }
        for job in self.store.list(of("plain", State::Dead), page(1)).await?.jobs {
            self.note(&format!("retrying {}", job.id))?;
            self.store.retry(job.id).await?;
        }
        let now = Duration::ZERO;
        self.store.prune(Retention { kind: "brief".into(), done: now, dead: Duration::from_hours(1) }, 2).await?;
        self.store.sweep().await?;
        Ok(())
    }

    async fn drain(&mut self) -> Result<()> {
        loop {
            let (jobs, next) = self.claim(50).await?;
            let (with_effect, plain): (Vec<_>, Vec<_>) =
                jobs.iter().partition(|job| matches!(&*job.kind, "brief" | "transfer"));
            for job in with_effect {
                self.finish(job, Verdict::Done).await?;
            }
            let done = |job: &&ClaimedJob| Finish { claim: job.claim, verdict: Verdict::Done };
            let answers = self.store.finish(plain.iter().map(done).collect()).await?;
            for (job, _) in plain.iter().zip(answers).filter(|(_, applied)| *applied == Applied::Applied) {
                self.note(&format!("finished {} done", job.claim.id))?;
            }
            let counts = self.store.counts().await?;
            let left: u64 = counts.iter().map(|kind| kind.of(State::Waiting) + kind.of(State::Running)).sum();
            if left == 0 {
                return Ok(());
            }
            if jobs.is_empty() {
                tokio::time::sleep(next.unwrap_or(SOON).min(SOON)).await;
            }
        }
    }
}

/// Enqueues some jobs, and prints each answer.
async fn fill(directory: &Path) -> Result<()> {
    let url = format!("sqlite://{}", directory.join("jobs.db").display());
    let store = store::open(&StoreUrl::parse(&url)?).await?;
    for _ in 0..300 {
        match store.enqueue(vec![NewJob::new("mail", vec![7; 1000])]).await {
            Ok(_) => println!("stored"),
            Err(error) if error.is_disk_full() && error.is_transient() && !error.is_unknown() => println!("full"),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Enqueues until the store takes nothing more, and prints each answer.
async fn fail(directory: &Path) -> Result<()> {
    let url = format!("sqlite://{}", directory.join("jobs.db").display());
    let store = store::open(&StoreUrl::parse(&url)?).await?;
    loop {
        match store.enqueue(vec![NewJob::new("mail", *b"")]).await {
            Ok(_) => println!("stored"),
            Err(error) => {
                let known = if error.is_unknown() { "unknown" } else { "not done" };
                println!("{known} {}", if error.is_fatal() { "fatal" } else { "transient" });
                if !error.is_unknown() {
                    return Ok(());
                }
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().ok_or("what?")?;
    let directory = PathBuf::from(arguments.next().ok_or("where?")?);
    if what == "fill" {
        return fill(&directory).await;
    }
    if what == "fail" {
        return fail(&directory).await;
    }
    let mut program = Program::start(&directory).await?;
    if what == "drain" {
        program.drain().await?;
    } else {
        let rounds = arguments.next().map_or(Ok(ROUNDS), |rounds| rounds.parse())?;
        program.work(rounds).await?;
    }
    program.store.leave(program.owner).await?;
    program.store.close().await?;
    Ok(())
}
