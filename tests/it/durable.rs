//! Durable queues: jobs in memory on a paused clock, and in a SQLite file where it is about what survives.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hostkit::store::{Filter, State, Store, StoreUrl};
use hostkit::{CancellationToken, Enqueue, Ext, Host, HostBuilder, JobContext, JobId, Queue, RunningHost, Verdict};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use tracing::Level;

use crate::support::{Log, SECOND, Traced, directory, started, until};

/// Waits until something is so, for some hours of a paused clock at most.
async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let polling = async {
        while !is_so() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SECOND * 7200, polling).await.unwrap_or_else(|_| panic!("waited for long: {what}"));
}

/// Jobs wait here until a test lets them go on.
type Gate = Arc<Semaphore>;

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Order {
    number: u32,
    customer: String,
}

fn order(number: u32) -> Order {
    Order { number, customer: format!("customer {}", number % 3) }
}

#[hostkit::queued(durable)]
async fn plain(order: Order, log: Ext<Log>) {
    log.say(order.number);
}

/// A host on a store in memory.
fn in_memory(log: &Log) -> HostBuilder {
    let mut host = Host::empty();
    host.set("store.url", "memory://").provide(log.clone());
    host
}

/// A host on a file.
fn on_file(path: &Path, log: &Log) -> HostBuilder {
    let mut host = Host::empty();
    host.set("store.url", format!("sqlite://{}", path.display())).provide(log.clone());
    host
}

async fn look(path: &Path) -> Arc<dyn Store> {
    let url = StoreUrl::parse(&format!("sqlite://{}", path.display())).unwrap();
    hostkit::store::open(&url).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_enqueued_is_worked_off_and_the_receipt_names_the_job() {
    let log = Log::default();
    let running = started(in_memory(&log).with::<plain>()).await;
    let queue = running.queue::<plain>().unwrap();
    let first: JobId = queue.enqueue(order(1)).await.unwrap();
    let second = queue.enqueue(order(2)).await.unwrap();
    assert!(first < second, "names sort by time");
    until("both are done", || log.lines().len() == 2).await;
    assert_eq!(log.lines(), ["1", "2"]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_was_enqueued_and_not_begun_is_there_after_a_restart() {
    let (log, path) = (Log::default(), directory("durable-restart").join("jobs.db"));
    let running = started(on_file(&path, &log).with::<plain>().except(["plain"]).with::<idle>()).await;
    let queue = running.queue::<plain>().expect("whoever does not work may enqueue all the same");
    for number in 0..10 {
        queue.enqueue(order(number)).await.unwrap();
    }
    running.stop().await.unwrap();
    assert_eq!(log.lines(), [""; 0]);

    let running = started(on_file(&path, &log).with::<plain>()).await;
    until("all are done", || log.lines().len() == 10).await;
    running.stop().await.unwrap();
    assert_eq!(log.lines(), (0..10).map(|number| number.to_string()).collect::<Vec<_>>());
    let store = look(&path).await;
    let counts = store.counts().await.unwrap();
    assert_eq!((counts[0].of(State::Done), counts[0].all()), (10, 10));
}

#[hostkit::background_service]
async fn idle(stop: CancellationToken) {
    stop.cancelled().await;
}

/// What a job does, in its first attempts and then for good.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
enum Act {
    Succeed,
    Fail(String),
    Panic,
    Hang,
    Discard,
    Snooze(u64),
    RetryAfter(u64),
    /// Succeeds when it is let go on, and fails if it is told to stop before.
    Wait,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Play {
    name: String,
    acts: Vec<Act>,
}

fn play(name: &str, acts: impl IntoIterator<Item = Act>) -> Play {
    Play { name: name.to_owned(), acts: acts.into_iter().collect() }
}

#[derive(Default)]
#[hostkit::singleton]
struct Began {
    #[inject(default)]
    runs: std::sync::Mutex<std::collections::HashMap<String, usize>>,
}

#[hostkit::queued(durable, attempts = 3, backoff = "4s..1m", timeout = "30s", concurrency = 2)]
async fn scripted(
    play: Play,
    job: JobContext,
    stop: CancellationToken,
    began: &Began,
    gate: Ext<Gate>,
    log: Ext<Log>,
) -> Result<Verdict, String> {
    let run = {
        let mut runs = began.runs.lock().unwrap();
        let run = runs.entry(play.name.clone()).or_default();
        *run += 1;
        *run
    };
    log.say(format_args!("{} attempt {} fence {}", play.name, job.attempt(), job.fence()));
    assert!(job.id().is_some());
    match play.acts.get(run - 1).or(play.acts.last()).cloned().unwrap_or(Act::Succeed) {
        Act::Succeed => Ok(job.done()),
        Act::Fail(error) => Err(error),
        Act::Panic => panic!("as it was asked to"),
        Act::Hang => std::future::pending().await,
        Act::Discard => Ok(job.discard("nobody needs it")),
        Act::Snooze(seconds) => Ok(job.snooze(Duration::from_secs(seconds))),
        Act::RetryAfter(seconds) => Ok(job.retry_after(Duration::from_secs(seconds), "not yet")),
        Act::Wait => tokio::select! {
            permit = gate.acquire() => {
                permit.unwrap().forget();
                log.say(format_args!("{} goes on", play.name));
                Ok(job.done())
            }
            () = stop.cancelled() => {
                log.say(format_args!("{} is told", play.name));
                Err("it was told to stop".to_owned())
            }
        },
    }
}

struct Stage {
    running: RunningHost,
    queue: Queue<scripted>,
    gate: Gate,
    log: Log,
}

impl Stage {
    async fn on(mut host: HostBuilder, log: Log) -> Self {
        let gate = Gate::new(Semaphore::new(0));
        let running = started(host.with::<scripted>().provide(Arc::clone(&gate))).await;
        let queue = running.queue::<scripted>().unwrap();
        Self { running, queue, gate, log }
    }

    async fn in_memory() -> Self {
        let log = Log::default();
        Self::on(in_memory(&log), log).await
    }

    fn counts(&self) -> hostkit::QueueCounts {
        self.running.status()[0].queue.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_is_tried_again_after_a_growing_wait_that_holds_no_worker() {
    let stage = Stage::in_memory().await;
    let (logged, _listening) = Traced::listen(Level::WARN);
    let began = Instant::now();
    let acts = [Act::Fail("first".into()), Act::Panic, Act::Succeed];
    stage.queue.enqueue(play("slow", acts)).await.unwrap();
    eventually("the first attempt", || stage.counts().retried == 1).await;
    for number in 0..10 {
        stage.queue.enqueue(play(&format!("other {number}"), [Act::Succeed])).await.unwrap();
    }
    until("the others are done", || stage.counts().done == 10).await;
    assert!(began.elapsed() < SECOND * 2, "{:?}", began.elapsed());
    eventually("it is done", || stage.counts().done == 11).await;
    // From half of 4 s to all of it, then twice as much.
    assert!((SECOND * 6..SECOND * 13).contains(&began.elapsed()), "{:?}", began.elapsed());
    let attempts: Vec<_> = stage.log.lines().into_iter().filter(|line| line.starts_with("slow")).collect();
    assert_eq!(attempts, ["slow attempt 1 fence 1", "slow attempt 2 fence 2", "slow attempt 3 fence 3"]);
    let again = logged.containing("job failed; it is tried again");
    assert_eq!(again.len(), 2, "{again:#?}");
    assert!(
        again[0].contains("WARN") && again[0].contains("error=\"first\"") && again[0].contains("attempt=1"),
        "{again:#?}"
    );
    assert!(again[1].contains("ERROR") && again[1].contains("as it was asked to"), "{again:#?}");
    stage.running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_for_good_is_a_dead_letter_and_harms_nobody() {
    let stage = Stage::in_memory().await;
    let (logged, _listening) = Traced::listen(Level::ERROR);
    stage.queue.enqueue(play("bad", [Act::Fail("no such customer".into())])).await.unwrap();
    eventually("it is dead", || stage.counts().failed == 1).await;
    assert_eq!((stage.counts().retried, stage.log.lines().len()), (2, 3));
    let dead = logged.containing("it is a dead letter");
    assert!(dead.len() == 1 && dead[0].contains("no such customer") && dead[0].contains("attempts=3"), "{dead:#?}");
    stage.queue.enqueue(play("good", [Act::Succeed])).await.unwrap();
    until("the next is done", || stage.counts().done == 1).await;
    stage.running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_job_that_takes_too_long_has_failed() {
    let stage = Stage::in_memory().await;
    let began = Instant::now();
    stage.queue.enqueue(play("hangs", [Act::Hang, Act::Succeed])).await.unwrap();
    eventually("it is done", || stage.counts().done == 1).await;
    assert!(began.elapsed() >= SECOND * 32, "{:?}", began.elapsed());
    assert_eq!(stage.counts().retried, 1);
    stage.running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn verdicts_discard_snooze_and_set_the_time_of_the_next_attempt() {
    let stage = Stage::in_memory().await;
    let began = Instant::now();
    let acts = [Act::Snooze(100), Act::Snooze(100), Act::RetryAfter(50), Act::Discard];
    stage.queue.enqueue(play("picky", acts)).await.unwrap();
    eventually("four runs", || stage.log.lines().len() == 4).await;
    assert_eq!(
        stage.log.lines(),
        ["picky attempt 1 fence 1", "picky attempt 1 fence 2", "picky attempt 1 fence 3", "picky attempt 2 fence 4"]
    );
    assert!((SECOND * 250..SECOND * 256).contains(&began.elapsed()), "{:?}", began.elapsed());
    let counts = stage.counts();
    assert_eq!((counts.done, counts.failed, counts.retried), (0, 0, 1));
    stage.running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn options_of_one_job_delay_it_put_it_first_and_make_it_safe_to_repeat() {
    let stage = Stage::in_memory().await;
    let began = Instant::now();
    let later = Enqueue::new().delay("1h").key("invoice 17");
    let id = stage.queue.enqueue_with(play("later", []), later.clone()).await.unwrap();
    let again = stage.queue.enqueue_with(play("later", []), later).await.unwrap_err();
    assert_eq!(again.duplicate_of(), Some(id));
    assert!(!again.is_unknown() && again.to_string().contains(&id.to_string()), "{again}");
    assert_eq!(again.into_payload().name, "later");

    // Both workers are busy, so what comes meanwhile waits and can be told apart.
    for name in ["a", "b"] {
        stage.queue.enqueue(play(name, [Act::Wait])).await.unwrap();
    }
    until("both workers are busy", || stage.counts().running == 2).await;
    for (name, priority) in [("low", -1), ("plain", 0), ("high", 9)] {
        let options = Enqueue::new().priority(priority);
        stage.queue.enqueue_with(play(name, []), options).await.unwrap();
    }
    stage.gate.add_permits(1);
    until("those are done", || stage.log.lines().len() == 6).await;
    let names: Vec<_> = stage.log.lines()[3..].iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(names, ["high", "plain", "low"]);
    stage.gate.add_permits(1);
    eventually("the late one is done", || stage.counts().done == 6).await;
    assert!((SECOND * 3600..SECOND * 3610).contains(&began.elapsed()), "{:?}", began.elapsed());

    let wrong = stage.queue.enqueue_with(play("never", []), Enqueue::new().delay("soon")).await.unwrap_err();
    assert!(wrong.to_string().starts_with("the delay `soon` is not a duration: "), "{wrong}");
    stage.running.stop().await.unwrap();
}

#[hostkit::queued(durable, unique = "while-pending", capacity = 3, concurrency = 1)]
async fn unique(order: Order, gate: Ext<Gate>, log: Ext<Log>) {
    gate.acquire().await.unwrap().forget();
    log.say(order.number);
}

#[tokio::test(start_paused = true)]
async fn a_queue_refuses_what_is_there_already_and_what_finds_no_room() {
    let (log, gate) = (Log::default(), Gate::new(Semaphore::new(0)));
    let running = started(in_memory(&log).with::<unique>().provide(Arc::clone(&gate))).await;
    let queue = running.queue::<unique>().unwrap();
    queue.enqueue(order(0)).await.unwrap();
    until("the first runs", || running.status()[0].queue.unwrap().running == 1).await;
    // It has begun, so its key is free again.
    let waiting = queue.enqueue(order(0)).await.unwrap();
    assert_eq!(queue.enqueue(order(0)).await.unwrap_err().duplicate_of(), Some(waiting));
    for number in 1..=2 {
        queue.enqueue(order(number)).await.unwrap();
    }
    let refused = queue.enqueue(order(3)).await.unwrap_err();
    assert!(refused.is_full(), "{refused}");
    assert_eq!(refused.into_payload(), order(3));
    let large = Order { customer: "x".repeat(300_000), ..order(4) };
    let refused = queue.enqueue(large).await.unwrap_err();
    assert!(refused.is_too_large() && refused.to_string().contains("store what is large elsewhere"), "{refused}");
    gate.add_permits(10);
    until("all are done", || log.lines().len() == 4).await;
    running.stop().await.unwrap();
    let refused = queue.enqueue(order(5)).await.unwrap_err();
    assert!(refused.is_closed(), "{refused}");
}

fn customer(order: &Order) -> &str {
    &order.customer
}

#[hostkit::queued(durable, per_key = 1, key = customer, concurrency = 8)]
async fn by_customer(order: Order, log: Ext<Log>) {
    log.say(format_args!("begin {}", order.customer));
    sleep(SECOND).await;
    log.say(format_args!("end {}", order.customer));
}

#[tokio::test(start_paused = true)]
async fn jobs_with_one_key_run_one_after_the_other_and_others_beside_them() {
    let log = Log::default();
    let running = started(in_memory(&log).with::<by_customer>()).await;
    let began = Instant::now();
    let queue = running.queue::<by_customer>().unwrap();
    let stored = queue.enqueue_all((0..9).map(order)).await.unwrap();
    assert_eq!((stored.stored, stored.duplicates), (9, 0));
    until("all are done", || log.lines().len() == 18).await;
    assert!((SECOND * 3..SECOND * 4).contains(&began.elapsed()), "{:?}", began.elapsed());
    let mut under_way = std::collections::BTreeSet::new();
    for line in log.lines() {
        let (what, key) = line.split_once(' ').unwrap();
        let fits = if what == "begin" { under_way.insert(key.to_owned()) } else { under_way.remove(key) };
        assert!(fits, "{:#?}", log.lines());
    }
    running.stop().await.unwrap();
}

#[hostkit::queued(durable, rate = "10/1m", concurrency = 100)]
async fn rated(_number: u32, log: Ext<Log>) {
    log.say("ran");
}

#[tokio::test(start_paused = true)]
async fn a_rate_holds_whatever_waits() {
    let log = Log::default();
    let running = started(in_memory(&log).with::<rated>()).await;
    let began = Instant::now();
    running.queue::<rated>().unwrap().enqueue_all(0..30).await.unwrap();
    until("the first ones", || log.lines().len() == 10).await;
    sleep(SECOND).await;
    assert_eq!(log.lines().len(), 10);
    eventually("all", || log.lines().len() == 30).await;
    assert!((SECOND * 119..SECOND * 126).contains(&began.elapsed()), "{:?}", began.elapsed());
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_interrupts_what_takes_the_token_and_lets_the_rest_finish() {
    let stage = Stage::in_memory().await;
    for name in ["a", "b", "c"] {
        stage.queue.enqueue(play(name, [Act::Wait])).await.unwrap();
    }
    until("two run", || stage.counts().running == 2).await;
    let (logged, _listening) = Traced::listen(Level::INFO);
    let Stage { running, log, .. } = stage;
    running.stop().await.unwrap();
    let lines = log.lines();
    assert_eq!(lines.len(), 4, "the third was never begun: {lines:?}");
    assert!(lines.contains(&"a is told".to_owned()) && lines.contains(&"b is told".to_owned()), "{lines:?}");
    assert_eq!(logged.containing("job interrupted; it waits again").len(), 2, "{:#?}", logged.lines());
    assert_eq!(logged.containing("job failed"), [""; 0]);
}

#[tokio::test]
async fn what_a_stop_interrupted_runs_again_as_the_same_attempt() {
    let (log, path) = (Log::default(), directory("durable-interrupted").join("jobs.db"));
    let stage = Stage::on(on_file(&path, &log), log.clone()).await;
    stage.queue.enqueue(play("a", [Act::Wait])).await.unwrap();
    until("it runs", || stage.counts().running == 1).await;
    stage.running.stop().await.unwrap();
    let stage = Stage::on(on_file(&path, &log), log.clone()).await;
    stage.gate.add_permits(1);
    eventually("it is done", || stage.counts().done == 1).await;
    assert_eq!(log.lines(), ["a attempt 1 fence 1", "a is told", "a attempt 1 fence 2", "a goes on"]);
    stage.running.stop().await.unwrap();
}

#[hostkit::queued(durable)]
async fn deaf(number: u32, gate: Ext<Gate>, log: Ext<Log>) {
    log.say(format_args!("{number} begins"));
    gate.acquire().await.unwrap().forget();
    log.say(format_args!("{number} ends"));
}

#[tokio::test]
async fn who_does_not_end_by_the_deadline_is_dropped_named_and_runs_again() {
    let (log, path) = (Log::default(), directory("durable-deaf").join("jobs.db"));
    let gate = Gate::new(Semaphore::new(0));
    let mut host = on_file(&path, &log);
    host.set("host.stop_timeout", "1s").with::<deaf>().provide(Arc::clone(&gate));
    let running = started(&mut host).await;
    running.queue::<deaf>().unwrap().enqueue(7).await.unwrap();
    until("it runs", || log.lines().len() == 1).await;
    let error = running.stop().await.unwrap_err();
    assert!(error.is_stuck() && error.to_string().contains("`deaf` was still draining"), "{error}");

    gate.add_permits(1);
    let running = started(on_file(&path, &log).with::<deaf>().provide(gate)).await;
    until("it is done", || log.lines().len() == 3).await;
    assert_eq!(log.lines(), ["7 begins", "7 begins", "7 ends"]);
    running.stop().await.unwrap();
    let job = &look(&path).await.list(Filter::default(), one_page()).await.unwrap().jobs[0];
    assert_eq!((job.state, job.failures, job.crashes, job.epoch), (State::Done, 0, 0, 2));
}

fn one_page() -> hostkit::store::PageRequest {
    hostkit::store::PageRequest { limit: 100, after: None }
}

#[tokio::test]
async fn a_payload_that_nobody_can_read_is_a_dead_letter_as_it_is() {
    let (log, path) = (Log::default(), directory("durable-unreadable").join("jobs.db"));
    let store = look(&path).await;
    let bad = [&b"{\"number\": 1}"[..], b"no JSON", b"{\"number\": \"secret\", \"customer\": \"x\"}"];
    let jobs = bad.iter().map(|bytes| hostkit::store::NewJob::new("plain", *bytes)).collect();
    store.enqueue(jobs).await.unwrap();
    let (logged, _listening) = Traced::listen(Level::ERROR);
    let running = started(on_file(&path, &log).with::<plain>()).await;
    until("all are dead", || running.status()[0].queue.unwrap().failed == 3).await;
    running.stop().await.unwrap();
    let jobs = store.list(Filter::default(), one_page()).await.unwrap().jobs;
    for job in &jobs {
        assert_eq!((job.state, job.failures), (State::Dead, 0));
        assert!(bad.contains(&&job.payload[..]), "it is kept as it was");
        assert!(job.reason.as_ref().unwrap().starts_with("the payload is no `Order`: "), "{job:?}");
    }
    assert_eq!(logged.containing("the payload cannot be read").len(), 3);
    assert_eq!(logged.containing("secret"), [""; 0], "payloads are never logged");
    assert_eq!(log.lines(), [""; 0]);
}

#[tokio::test]
async fn several_hosts_on_one_file_run_each_job_once() {
    let (log, path) = (Log::default(), directory("durable-hosts").join("jobs.db"));
    let mut hosts = Vec::new();
    for _ in 0..3 {
        hosts.push(started(on_file(&path, &log).with::<plain>().set("queued.plain.concurrency", 4)).await);
    }
    let queue = hosts[0].queue::<plain>().unwrap();
    let stored = queue.enqueue_all((0..2000).map(order)).await.unwrap();
    assert_eq!(stored.stored, 2000);
    until("all are done", || log.lines().len() >= 2000).await;
    for host in hosts {
        host.stop().await.unwrap();
    }
    let mut ran: Vec<u32> = log.lines().iter().map(|line| line.parse().unwrap()).collect();
    ran.sort_unstable();
    assert_eq!(ran, (0..2000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_job_that_somebody_cancels_is_told_and_ends_as_cancelled() {
    let (log, path) = (Log::default(), directory("durable-cancel").join("jobs.db"));
    let mut host = on_file(&path, &log);
    host.set("store.lease", "1s");
    let stage = Stage::on(host, log.clone()).await;
    let id = stage.queue.enqueue(play("a", [Act::Wait])).await.unwrap();
    until("it runs", || stage.counts().running == 1).await;
    let store = look(&path).await;
    store.cancel(id, "the customer is gone").await.unwrap();
    until("it is told", || log.lines().contains(&"a is told".to_owned())).await;
    stage.running.stop().await.unwrap();
    let job = store.show(id).await.unwrap().unwrap();
    assert_eq!((job.state, job.failures), (State::Cancelled, 0));
}

#[hostkit::queued(durable, attempts = 1, on_failure = "stop-host")]
async fn fatal(_number: u32) -> Result<(), &'static str> {
    Err("the cable is cut")
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_for_good_may_stop_the_host() {
    let mut running = started(in_memory(&Log::default()).with::<fatal>()).await;
    running.queue::<fatal>().unwrap().enqueue(1).await.unwrap();
    let error = running.wait().await.unwrap_err();
    assert!(error.to_string().contains("`fatal` failed: the cable is cut"), "{error}");
}

#[hostkit::scoped]
struct Unit {
    #[inject(default)]
    _nothing: (),
}

#[hostkit::queued(durable, attempts = 2, backoff = "1s")]
async fn in_unit(number: u32, unit: &Commit, log: Ext<Log>) -> Result<(), String> {
    log.say(format_args!("{number} works with {}", unit.name));
    Ok(())
}

struct Commit {
    name: &'static str,
    log: Ext<Log>,
}

#[hostkit::scoped]
impl Commit {
    async fn new(log: Ext<Log>, _unit: Arc<Unit>) -> Self {
        Self { name: "a transaction", log }
    }

    async fn dispose(self, outcome: hostkit::Outcome) -> Result<(), String> {
        let failures = self.log.lines().iter().filter(|line| line.starts_with("commit")).count();
        self.log.say(format_args!("commit {outcome:?}"));
        if failures == 0 { Err("the database is gone".to_owned()) } else { Ok(()) }
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_is_done_when_its_scope_has_ended_well() {
    let log = Log::default();
    let running = started(in_memory(&log).with::<in_unit>()).await;
    running.queue::<in_unit>().unwrap().enqueue(5).await.unwrap();
    let counts = || running.status()[0].queue.unwrap();
    until("it is done", || counts().done == 1).await;
    assert_eq!(counts().retried, 1, "the commit of the first attempt failed");
    assert_eq!(log.lines().iter().filter(|line| line.starts_with("commit Succeeded")).count(), 2, "{:?}", log.lines());
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_keeps_the_host_from_starting() {
    let path = directory("durable-no-store").join("missing").join("jobs.db");
    let error = super::support::built(on_file(&path, &Log::default()).with::<plain>()).await.start().await.unwrap_err();
    assert_eq!(error.exit_code(), 75);
    assert!(error.to_string().starts_with("the host did not start: its store cannot be opened: "), "{error}");
    assert!(error.to_string().contains("missing"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn configured_options_are_checked_when_the_host_is_built() {
    let mut host = in_memory(&Log::default());
    host.with::<plain>()
        .set("queued.plain.rate", "fast")
        .set("queued.plain.full", "wait")
        .set("queued.plain.unique", "debounce")
        .set("queued.plain.priority", 200)
        .set("queued.plain.timeout", "none");
    let report = crate::support::refused(&mut host).await.to_string();
    for expected in [
        "`rate` of queued `plain` is not a rate: `fast`",
        "`full` of queued `plain` is not an option of a durable function: `wait`",
        "`unique` of queued `plain` needs the option `unique_for`",
        "`priority` of queued `plain` is not a whole number between -128 and 127: `200`",
        "4 problems",
    ] {
        assert!(report.contains(expected), "{expected}\n{report}");
    }
}

#[hostkit::queued(durable, attempts = 2, backoff = "50ms")]
async fn book(amount: i64, tx: hostkit::JobTransaction, job: JobContext) -> Result<(), String> {
    let attempt = i64::from(job.attempt());
    tx.on_commit(move |connection| {
        connection.execute("INSERT INTO bookings (amount, attempt) VALUES (?1, ?2)", [amount, attempt]).map(drop)
    });
    if amount == 13 && attempt == 1 {
        tx.on_commit(|_| Err("13 is refused at first".to_owned()));
    }
    if amount < 0 { Err("it is negative".to_owned()) } else { Ok(()) }
}

#[tokio::test]
async fn effects_are_committed_with_the_acknowledgement_or_not_at_all() {
    use hostkit::store::sqlite::rusqlite::Connection;

    let (log, path) = (Log::default(), directory("durable-transaction").join("app.db"));
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE bookings (amount INTEGER, attempt INTEGER)").unwrap();
    let running = started(on_file(&path, &log).with::<book>()).await;
    let queue = running.queue::<book>().unwrap();
    for amount in [5, 13, -1] {
        queue.enqueue(amount).await.unwrap();
    }
    let counts = || running.status()[0].queue.unwrap();
    until("two are done and one is dead", || (counts().done, counts().failed) == (2, 1)).await;
    running.stop().await.unwrap();
    let mut statement = connection.prepare("SELECT amount, attempt FROM bookings ORDER BY amount").unwrap();
    let rows: Vec<(i64, i64)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows, [(5, 1), (13, 2)]);
    let jobs = look(&path).await.list(Filter::default(), one_page()).await.unwrap().jobs;
    let mut states: Vec<_> = jobs.iter().map(|job| (job.state, job.failures)).collect();
    states.sort_unstable();
    assert_eq!(states, [(State::Done, 0), (State::Done, 1), (State::Dead, 2)]);
}

#[tokio::test]
async fn jobs_are_enqueued_in_a_transaction_of_the_users() {
    use hostkit::store::sqlite::{enqueue_in, rusqlite::Connection};

    let (log, path) = (Log::default(), directory("durable-enqueue-in").join("app.db"));
    let running = started(on_file(&path, &log).with::<plain>()).await;
    let queue = running.queue::<plain>().unwrap();
    let mut connection = Connection::open(&path).unwrap();
    for (number, is_committed) in [(1, true), (2, false), (3, true)] {
        let tx = connection.transaction().unwrap();
        let job = queue.job(&order(number), &Enqueue::new()).unwrap();
        enqueue_in(&tx, &job).unwrap();
        if is_committed { tx.commit().unwrap() } else { tx.rollback().unwrap() }
    }
    until("two are done", || log.lines().len() == 2).await;
    running.stop().await.unwrap();
    let mut lines = log.lines();
    lines.sort();
    assert_eq!(lines, ["1", "3"]);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_needs_a_store_that_has_one() {
    let report = crate::support::refused(in_memory(&Log::default()).with::<book>()).await.to_string();
    assert!(
        report.contains(
            "service `book` takes a `JobTransaction` (parameter `tx`), and `memory://` has none with the program's data"
        ),
        "{report}"
    );
}

#[hostkit::periodic(durable, every = "1m", attempts = 2, backoff = "1s")]
async fn minutely(tick: hostkit::Tick, log: Ext<Log>) -> Result<(), String> {
    let second = tick.scheduled_time().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    log.say(format_args!("{} missed {}", second % 60, tick.missed()));
    if log.lines().len() == 2 { Err("the second fails".to_owned()) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn a_durable_schedule_runs_at_the_instants_of_the_calendar() {
    let log = Log::default();
    let running = started(in_memory(&log).with::<minutely>()).await;
    eventually("four runs", || log.lines().len() >= 4).await;
    running.stop().await.unwrap();
    // The second is tried again, for which it may be late but is not.
    assert_eq!(log.lines(), ["0 missed 0", "0 missed 0", "0 missed 0", "0 missed 0"]);
}

#[hostkit::periodic(durable, every = "1s", missed = "all", overlap = "allow")]
async fn secondly(tick: hostkit::Tick, log: Ext<Log>) {
    log.say(tick.scheduled_time().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis());
}

#[tokio::test]
async fn several_hosts_run_each_instant_once_and_make_up_for_what_they_missed() {
    let (log, path) = (Log::default(), directory("durable-schedule").join("jobs.db"));
    let host = || async { started(on_file(&path, &log).with::<secondly>()).await };
    let hosts = [host().await, host().await, host().await];
    eventually("some runs", || log.lines().len() >= 2).await;
    for host in hosts {
        host.stop().await.unwrap();
    }
    sleep(Duration::from_millis(2500)).await;
    let host = host().await;
    let before = log.lines().len();
    eventually("some more", || log.lines().len() >= before + 4).await;
    host.stop().await.unwrap();
    let mut instants: Vec<u64> = log.lines().iter().map(|line| line.parse().unwrap()).collect();
    instants.sort_unstable();
    let first = instants[0];
    let expected: Vec<u64> = (0..instants.len() as u64).map(|number| first + number * 1000).collect();
    assert_eq!(instants, expected, "each once, none left out");
}

#[tokio::test]
async fn what_nobody_here_knows_is_left_to_who_does() {
    let (log, path) = (Log::default(), directory("durable-unknown").join("jobs.db"));
    let store = look(&path).await;
    let mut newer = hostkit::store::NewJob::new("plain", serde_json::to_vec(&order(1)).unwrap());
    newer.envelope.version = 3;
    let unknown = hostkit::store::NewJob::new("another_programs", *b"1");
    let ids = [newer.id, unknown.id];
    store.enqueue(vec![newer, unknown]).await.unwrap();
    let (logged, _listening) = Traced::listen(Level::WARN);
    let running = started(on_file(&path, &log).with::<plain>()).await;
    until("the newer one was looked at", || logged.containing("of a newer version").len() == 1).await;
    running.stop().await.unwrap();
    for (id, epoch) in ids.into_iter().zip([1, 0]) {
        let job = store.show(id).await.unwrap().unwrap();
        assert_eq!((job.state, job.failures, job.epoch), (State::Waiting, 0, epoch));
    }
    let mut host = on_file(&path, &log);
    store.retry(ids[0]).await.unwrap();
    let running = started(host.with::<plain>().set("queued.plain.version", 3)).await;
    until("it is done", || log.lines() == ["1"]).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_was_kept_long_enough_is_deleted() {
    let (log, path) = (Log::default(), directory("durable-retention").join("jobs.db"));
    let running = started(on_file(&path, &log).with::<plain>().set("queued.plain.keep_done", "0s")).await;
    running.queue::<plain>().unwrap().enqueue_all((0..5).map(order)).await.unwrap();
    until("all are done", || log.lines().len() == 5).await;
    let store = look(&path).await;
    let deadline = Instant::now() + SECOND * 20;
    // The first time within a second of the start, then once a minute; whatever is done by the first is deleted by it.
    while store.counts().await.unwrap().iter().map(hostkit::store::Counts::all).sum::<u64>() > 0 {
        assert!(Instant::now() < deadline, "{:?}", store.counts().await);
        sleep(Duration::from_millis(20)).await;
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_hundred_thousand_payloads_stream_into_the_store() {
    let (log, path) = (Log::default(), directory("durable-stream").join("jobs.db"));
    let running = started(on_file(&path, &log).with::<plain>().with::<idle>().except(["plain"])).await;
    let queue = running.queue::<plain>().unwrap();
    let mut made = 0_u32;
    let payloads = std::iter::from_fn(|| {
        made += 1;
        (made <= 100_000).then(|| order(made))
    });
    assert_eq!(queue.enqueue_all(payloads).await.unwrap().stored, 100_000);
    running.stop().await.unwrap();
    let counts = look(&path).await.counts().await.unwrap();
    assert_eq!(counts[0].of(State::Waiting), 100_000);
}

#[hostkit::queued(durable, delivery = "at-most-once")]
async fn once(number: u32, gate: Ext<Gate>, log: Ext<Log>) -> Result<(), String> {
    log.say(number);
    if number == 0 {
        return Err("it failed".to_owned());
    }
    gate.acquire().await.unwrap().forget();
    Ok(())
}

#[tokio::test]
async fn what_runs_at_most_once_is_never_begun_again() {
    let (log, path) = (Log::default(), directory("durable-once").join("jobs.db"));
    let gate = Gate::new(Semaphore::new(0));
    let mut host = on_file(&path, &log);
    host.set("host.stop_timeout", "1s").with::<once>().provide(Arc::clone(&gate));
    let running = started(&mut host).await;
    let queue = running.queue::<once>().unwrap();
    let ids = [queue.enqueue(0).await.unwrap(), queue.enqueue(1).await.unwrap(), queue.enqueue(2).await.unwrap()];
    until("the second runs", || log.lines() == ["0", "1"]).await;
    running.stop().await.unwrap_err();
    let store = look(&path).await;
    let mut ended = Vec::new();
    for id in ids {
        let job = store.show(id).await.unwrap().unwrap();
        ended.push((job.state, job.reason));
    }
    let reason = |text: &str| Some(text.to_owned());
    assert_eq!(
        ended,
        [
            (State::Dead, reason("it failed")),
            (State::Dead, reason("it was interrupted, and runs at most once")),
            (State::Waiting, None)
        ]
    );

    let mut host = on_file(&path, &log);
    host.with::<once>().provide(gate).set("queued.once.attempts", 3);
    let report = crate::support::refused(&mut host).await.to_string();
    assert!(report.contains("`attempts` of queued `once` is more than \"at-most-once\" allows: `3`"), "{report}");
}
