//! Random programs: SQLite against the model in memory. Each answer must be the same, and in the end everything stored.
//!
//! `HOSTKIT_SEED=17 HOSTKIT_PROGRAMS=1` runs one program again and shows what it does.

use std::fmt::Debug;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use hostkit::store::{
    Claim, ClaimRequest, Claimed, Delivery, Due, Enqueued, Filter, Finish, JobId, NewJob, OwnerId, PAYLOAD_LIMIT,
    PageRequest, Rate, Retention, State, Store, StoreClock, Timestamp, Unique, UniqueMode, Verdict, Wanted, Worker,
    open_with_clock,
};

use crate::home::{Directory, LEASE, start};

const PROGRAMS: u64 = 150;
const STEPS: usize = 400;
const KINDS: [&str; 3] = ["mail", "report", "sync"];
const SECOND: Duration = Duration::from_secs(1);

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

/// What a program has done so far, as far as it needs that for its next step.
struct Program {
    random: Rng,
    clock: StoreClock,
    directory: Directory,
    memory: Arc<dyn Store>,
    sqlite: Arc<dyn Store>,
    owners: Vec<OwnerId>,
    /// Every claim there was, most of them stale.
    claims: Vec<Claim>,
    ids: Vec<JobId>,
    per_key: Option<NonZeroU32>,
    rate: Option<Rate>,
    is_shown: bool,
    answers: [u64; 4],
}

/// Asks both, compares, and answers.
macro_rules! both {
    ($program:ident, $what:expr, |$store:ident| $ask:expr) => {{
        let ours = {
            let $store = &$program.sqlite;
            $ask.await.unwrap()
        };
        let models = {
            let $store = &$program.memory;
            $ask.await.unwrap()
        };
        $program.compare(&$what, &ours, &models);
        models
    }};
}

impl Program {
    fn compare<T: PartialEq + Debug>(&self, what: &dyn Debug, ours: &T, models: &T) {
        if self.is_shown {
            println!("{what:?}\n    {ours:?}");
        }
        assert!(ours == models, "{what:?}\n  SQLite: {ours:?}\n  memory: {models:?}");
    }

    async fn new(seed: u64, is_shown: bool) -> Self {
        let mut random = Rng::with_seed(seed);
        let (clock, directory) = (StoreClock::manual(start()), Directory::new());
        let memory = open_with_clock(&"memory://".parse().unwrap(), clock.clone()).await.unwrap();
        let sqlite = open_with_clock(&directory.fast_url(), clock.clone()).await.unwrap();
        let per_key = NonZeroU32::new(random.u32(0..4));
        let rate = random.bool().then(|| Rate { count: NonZeroU32::new(random.u32(1..6)).unwrap(), per: SECOND * 10 });
        Self {
            random,
            clock,
            directory,
            memory,
            sqlite,
            owners: Vec::new(),
            claims: Vec::new(),
            ids: Vec::new(),
            per_key,
            rate,
            is_shown,
            answers: [0; 4],
        }
    }

    fn kind(&mut self) -> Arc<str> {
        (*self.random.choice(KINDS).unwrap()).into()
    }

    fn some_time(&mut self) -> Duration {
        let most = self.random.choice([0, 1, 5, 60, 3600, 100_000]).unwrap();
        SECOND * self.random.u32(0..=most)
    }

    fn id(&mut self) -> JobId {
        let known = self.random.choice(&self.ids).copied();
        known.filter(|_| self.random.u8(..) > 5).unwrap_or_else(JobId::new)
    }

    fn owner(&mut self) -> Option<OwnerId> {
        self.random.choice(&self.owners).copied()
    }

    fn filter(&mut self) -> Filter {
        let kind = self.random.bool().then(|| self.kind());
        Filter { kind, state: self.random.choice(State::ALL).filter(|_| self.random.bool()) }
    }

    fn job(&mut self) -> NewJob {
        let size = match self.random.u32(0..100) {
            0 => PAYLOAD_LIMIT + 1,
            1..=10 => self.random.usize(1000..3000),
            _ => self.random.usize(0..30),
        };
        let mut job = NewJob::new(self.kind(), vec![self.random.u8(..); size]);
        if self.random.u8(..) < 5 {
            job.id = self.id();
        }
        job.priority = self.random.choice([0, 0, 0, 1, -1, i8::MAX, i8::MIN]).unwrap();
        job.due = match self.random.u8(0..6) {
            0 => Due::After(self.some_time()),
            1 => Due::At(self.clock.now().before(self.some_time())),
            _ => Due::Now,
        };
        let key = |random: &mut Rng| random.choice(["a", "b", "c"]).unwrap().to_owned();
        job.serial_key = (self.random.u8(0..2) == 0).then(|| key(&mut self.random));
        job.idempotency_key = (self.random.u8(0..6) == 0).then(|| key(&mut self.random));
        if self.random.u8(0..3) == 0 {
            let period = self.some_time();
            let modes = [
                UniqueMode::WhilePending,
                UniqueMode::WhileActive,
                UniqueMode::Throttle(period),
                UniqueMode::Debounce(period),
            ];
            job.unique = Some(Unique { key: key(&mut self.random), mode: self.random.choice(modes).unwrap() });
        }
        job.capacity = (self.random.u8(0..4) == 0).then(|| self.random.u64(1..20));
        job.envelope.version = self.random.u32(0..3);
        job
    }

    fn verdict(&mut self) -> Verdict {
        let text = || "because".to_owned();
        match self.random.u8(0..12) {
            0 | 1 => Verdict::Retry { after: self.some_time(), error: text() },
            2 => Verdict::Dead { error: text() },
            3 => Verdict::Undecodable { error: text() },
            4 => Verdict::Snoozed { after: self.some_time() },
            5 => Verdict::Released,
            6 => Verdict::Cancelled { reason: text() },
            _ => Verdict::Done,
        }
    }

    async fn step(&mut self) {
        match self.random.u32(0..100) {
            0..=24 => self.enqueue().await,
            25..=44 => self.claim().await,
            45..=64 => self.finish().await,
            65..=74 => {
                let time = self.some_time();
                self.clock.advance(time);
            }
            75..=77 => {
                let worker = Worker { name: "a program".to_owned(), lease: LEASE * self.random.u32(1..20) };
                let owner = both!(self, "register", |store| store.register(worker.clone()));
                self.owners.push(owner);
            }
            78..=81 => {
                let Some(owner) = self.owner() else { return };
                both!(self, ("beat", owner), |store| store.beat(owner));
            }
            82..=84 => {
                both!(self, "sweep", |store| store.sweep());
            }
            85..=88 => {
                let id = self.id();
                both!(self, ("cancel", id), |store| store.cancel(id, "an operator"));
            }
            89..=91 => {
                let id = self.id();
                both!(self, ("retry", id), |store| store.retry(id));
            }
            92 => {
                let id = self.id();
                both!(self, ("delete", id), |store| store.delete(id));
            }
            93 => {
                let (filter, limit) = (self.filter(), self.random.u32(1..10));
                both!(self, ("redrive", &filter, limit), |store| store.redrive(filter.clone(), limit));
            }
            94 => {
                let (filter, limit) = (self.filter(), self.random.u32(1..10));
                both!(self, ("purge", &filter, limit), |store| store.purge(filter.clone(), limit));
            }
            95 => {
                let retention = Retention { kind: self.kind(), done: self.some_time(), dead: self.some_time() };
                let limit = self.random.u32(1..20);
                both!(self, ("prune", &retention, limit), |store| store.prune(retention.clone(), limit));
            }
            96 => {
                let Some(owner) = self.owner() else { return };
                let held: Vec<_> = self.claims.iter().copied().filter(|_| self.random.bool()).collect();
                both!(self, ("reconcile", owner, &held), |store| store.reconcile(owner, held.clone()));
            }
            97 => {
                let Some(owner) = self.owner() else { return };
                both!(self, ("leave", owner), |store| store.leave(owner));
            }
            98 => {
                let (filter, limit) = (self.filter(), self.random.u32(1..20));
                let page = PageRequest { limit, after: None };
                let jobs = both!(self, ("list", &filter, limit), |store| {
                    let page = store.list(filter.clone(), page);
                    async move { page.await.map(|page| page.jobs) }
                });
                drop(jobs);
            }
            _ => {
                self.sqlite.close().await.unwrap();
                self.sqlite = open_with_clock(&self.directory.fast_url(), self.clock.clone()).await.unwrap();
            }
        }
    }

    async fn enqueue(&mut self) {
        let jobs: Vec<_> = (0..self.random.usize(1..6)).map(|_| self.job()).collect();
        if self.random.u8(0..20) == 0 {
            let (job, instant) = (jobs[0].clone(), Timestamp::from_micros(self.random.i64(0..10)));
            let schedule = self.random.choice(["nightly", "weekly"]).unwrap();
            let what = ("occurrence", schedule, instant, &job);
            both!(self, what, |store| store.enqueue_occurrence(schedule, instant, job.clone()));
            both!(self, "last", |store| store.last_occurrence(schedule));
            self.ids.push(job.id);
            return;
        }
        let answers = both!(self, ("enqueue", &jobs), |store| store.enqueue(jobs.clone()));
        for answer in answers {
            self.answers[match answer {
                Enqueued::Stored => 0,
                Enqueued::Replaced(_) => 1,
                Enqueued::Rejected(_) => 2,
            }] += 1;
        }
        self.ids.extend(jobs.iter().map(|job| job.id));
    }

    async fn claim(&mut self) {
        let Some(owner) = self.owner() else { return };
        let mut kinds = Vec::new();
        for kind in KINDS {
            let mut wanted = Wanted::new(kind, self.random.u32(0..6));
            wanted.per_key = self.per_key;
            wanted.rate = self.rate.filter(|_| kind == "mail");
            if kind == "report" && self.random.u8(0..4) == 0 {
                wanted.delivery = Delivery::AtMostOnce;
            }
            kinds.push(wanted);
        }
        let request = ClaimRequest { owner, kinds };
        let claimed = both!(self, ("claim", &request), |store| store.claim(request.clone()));
        if let Claimed::Jobs { jobs, .. } = claimed {
            self.answers[3] += jobs.len() as u64;
            self.claims.extend(jobs.iter().map(|job| job.claim));
        }
    }

    async fn finish(&mut self) {
        let mut finishes = Vec::new();
        for _ in 0..self.random.usize(1..6) {
            // The latest are the ones that may count.
            let from = self.claims.len().saturating_sub(self.random.choice([8, 8, 8, 1000]).unwrap());
            let Some(claim) = self.random.choice(&self.claims[from..]).copied() else { return };
            finishes.push(Finish { claim, verdict: self.verdict() });
        }
        both!(self, ("finish", &finishes), |store| store.finish(finishes.clone()));
    }

    /// Compares all that is stored.
    async fn compare_everything(&mut self) {
        let page = PageRequest { limit: u32::MAX, after: None };
        let all = both!(self, "everything", |store| {
            let page = store.list(Filter::default(), page);
            async move { page.await.map(|page| page.jobs) }
        });
        both!(self, "counts", |store| store.counts());
        assert_eq!(self.sqlite.check().await.unwrap(), Vec::<String>::new());
        let counted: u64 = self.memory.counts().await.unwrap().iter().map(hostkit::store::Counts::all).sum();
        assert_eq!(counted, all.len() as u64);
    }
}

#[test]
fn random_programs_agree_with_the_model() {
    let programs = number("HOSTKIT_PROGRAMS").unwrap_or(PROGRAMS);
    let first = number("HOSTKIT_SEED").unwrap_or(1);
    let mut answers = [0; 4];
    for seed in first..first + programs {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut program = Program::new(seed, programs == 1).await;
                for step in 0..STEPS {
                    program.step().await;
                    if step % 50 == 0 {
                        program.compare_everything().await;
                    }
                }
                program.compare_everything().await;
                program.answers
            })
        };
        let ran = std::panic::catch_unwind(run);
        let ran = ran.unwrap_or_else(|panic| {
            eprintln!("run it again with HOSTKIT_SEED={seed} HOSTKIT_PROGRAMS=1");
            std::panic::resume_unwind(panic)
        });
        answers.iter_mut().zip(ran).for_each(|(all, more)| *all += more);
    }
    let [stored, replaced, rejected, claimed] = answers;
    println!(
        "{programs} programs from seed {first}: {stored} stored, {replaced} replaced, {rejected} rejected, {claimed} claimed"
    );
    assert!(programs < PROGRAMS || (stored > 10_000 && replaced > 100 && rejected > 1000 && claimed > 5000));
}
