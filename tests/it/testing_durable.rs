//! The test kit on durable queues and durable schedules, whose jobs are in memory.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use hostkit::store::State;
use hostkit::testing::{EventKind, Fault, RunEnd, TestClock};
use hostkit::{Enqueue, Ext, Host, HostBuilder, JobContext, Queue, Tick, Verdict};

use crate::support::{Log, SECOND, directory};

#[hostkit::queued(durable, attempts = 3, backoff = "4s..1m", timeout = "30s")]
async fn send(to: String, log: Ext<Log>) -> Result<(), String> {
    log.say(&to);
    if to == "nobody" { Err("there is no nobody".to_owned()) } else { Ok(()) }
}

/// Enqueues something every hour.
#[hostkit::periodic(every = "1h")]
async fn remind(mails: Queue<send>) {
    mails.enqueue("ada".to_owned()).await.unwrap();
}

fn of_send(log: &Log) -> HostBuilder {
    let mut host = Host::empty();
    host.with::<send>().provide(log.clone());
    host
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn jobs_of_a_test_are_in_memory_unless_it_names_a_store() {
    let log = Log::default();
    let host = of_send(&log).test().await;
    host.enqueue::<send>("ada".to_owned()).await.unwrap();
    host.drain::<send>().await;
    assert!(!std::path::Path::new("hostkit.db").exists());
    host.stop().await.unwrap();
    // A new host knows nothing of it.
    let host = of_send(&log).test().await;
    assert_eq!(host.jobs::<send>().await, []);
    host.stop().await.unwrap();

    let text = said_at_start(of_send(&log).set("store.url", "sqlit://jobs.db")).await;
    assert!(text.contains("no store is called `sqlit://`"), "{text}");
}

/// Why a host does not start.
async fn said_at_start(host: &mut HostBuilder) -> String {
    let started = std::panic::AssertUnwindSafe(host.test()).catch_unwind().await;
    started.expect_err("it was to fail").downcast_ref::<String>().cloned().expect("a text")
}

#[tokio::test]
async fn a_durable_queue_is_held_looked_at_taken_from_and_drained() {
    let log = Log::default();
    let host = of_send(&log).with::<remind>().test().await;
    host.hold::<send>();
    host.advance("3h").await;
    host.assert_enqueued::<send>(&names(&["ada", "ada", "ada"]));
    let waiting = || host.status().into_iter().find(|service| service.name == "send").unwrap().queue.unwrap().waiting;
    assert_eq!((waiting(), log.lines().len()), (3, 0));
    assert_eq!(host.take::<send>(), names(&["ada", "ada", "ada"]));
    assert_eq!((waiting(), host.take::<send>()), (0, Vec::new()));
    let taken = host.jobs::<send>().await;
    assert!(taken.iter().all(|job| job.state == State::Cancelled), "{taken:?}");

    host.enqueue::<send>("grace".to_owned()).await.unwrap();
    // It is exact at once, and not when somebody counts next.
    assert_eq!(waiting(), 1);
    host.settle().await;
    assert_eq!(log.lines(), [""; 0]);
    let drained = host.drain::<send>().await;
    assert_eq!((drained.done, drained.failed, drained.retried), (1, 0, 0));
    // It was held, so it is held again.
    host.enqueue::<send>("alan".to_owned()).await.unwrap();
    host.settle().await;
    assert_eq!(log.lines(), ["grace"]);
    host.release::<send>();
    host.settle().await;
    assert_eq!(log.lines(), ["grace", "alan"]);
    // What is held stays in the store when the host stops.
    host.hold::<send>();
    host.enqueue::<send>("left".to_owned()).await.unwrap();
    host.stop().await.unwrap();
    assert_eq!(log.lines(), ["grace", "alan"]);
}

#[tokio::test]
async fn draining_waits_for_retries_and_says_what_became_of_each_job() {
    let log = Log::default();
    let host = of_send(&log).test().await;
    let began = host.now();
    for to in ["ada", "nobody"] {
        host.enqueue::<send>(to.to_owned()).await.unwrap();
    }
    let drained = host.drain::<send>().await;
    assert_eq!((drained.done, drained.failed, drained.retried), (1, 1, 2));
    assert_eq!(drained.errors, ["there is no nobody"; 3]);
    let took = host.now().duration_since(began).unwrap();
    // From half of 4 s to all of it, then twice as much: no more than the backoff, however often something looks.
    assert!((SECOND * 6..SECOND * 13).contains(&took), "{took:?}");
    let jobs = host.jobs::<send>().await;
    let states: Vec<_> = jobs.iter().map(|job| (job.state, job.failures, job.reason.as_deref())).collect();
    assert_eq!(states, [(State::Done, 0, None), (State::Dead, 3, Some("there is no nobody"))]);
    // Nothing to do takes no time.
    let before = host.now();
    assert_eq!(host.drain::<send>().await, hostkit::testing::Drained::default());
    assert_eq!(host.now(), before);
    host.stop().await.unwrap();
}

#[tokio::test]
async fn a_job_that_waits_to_be_tried_again_is_not_taken() {
    let log = Log::default();
    let host = of_send(&log).test().await;
    host.enqueue::<send>("nobody".to_owned()).await.unwrap();
    host.settle().await;
    host.hold::<send>();
    host.enqueue::<send>("ada".to_owned()).await.unwrap();
    assert_eq!(host.take::<send>(), ["ada"]);
    assert_eq!(host.drain::<send>().await.failed, 1);
    host.stop().await.unwrap();
}

#[tokio::test]
async fn draining_waits_for_a_job_that_is_due_later_but_not_for_ever() {
    let log = Log::default();
    let host = of_send(&log).test().await;
    host.queue::<send>().enqueue_with("ada".to_owned(), Enqueue::new().delay("20h")).await.unwrap();
    let began = host.now();
    assert_eq!(host.drain::<send>().await.done, 1);
    let took = host.now().duration_since(began).unwrap();
    assert!((SECOND * 72_000..SECOND * 72_010).contains(&took), "{took:?}");

    host.queue::<send>().enqueue_with("grace".to_owned(), Enqueue::new().delay("30h")).await.unwrap();
    let drained = std::panic::AssertUnwindSafe(host.drain::<send>()).catch_unwind().await;
    let text = drained.expect_err("it was to fail").downcast_ref::<String>().cloned().unwrap();
    assert!(text.starts_with("`send` is not worked off within 1day: 1 waiting and 0 under way\n"), "{text}");
    host.advance("6h 10s").await;
    assert_eq!(log.lines(), ["ada", "grace"]);
    host.stop().await.unwrap();
}

#[tokio::test]
async fn one_item_runs_without_a_job_and_its_error_is_returned() {
    let log = Log::default();
    let host = of_send(&log).test().await;
    host.run_item::<send>("ada".to_owned()).await.unwrap();
    let error = host.run_item::<send>("nobody".to_owned()).await.unwrap_err();
    assert_eq!(error.to_string(), "`send` failed: there is no nobody");
    assert_eq!((log.lines(), host.runs::<send>().len()), (names(&["ada", "nobody"]), 2));
    assert_eq!(host.jobs::<send>().await, []);
    host.inject::<send>(Fault::hang());
    let error = host.run_item::<send>("ada".to_owned()).await.unwrap_err();
    assert_eq!(error.to_string(), "`send` failed: did not finish within 30s");
    host.stop().await.unwrap();
}

/// Is written and cannot be read.
#[derive(Debug)]
struct OneWay;

impl serde::Serialize for OneWay {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(7)
    }
}

impl<'de> serde::Deserialize<'de> for OneWay {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|_| Self)
    }
}

#[hostkit::queued(durable)]
async fn one_way(_payload: OneWay) {}

#[tokio::test]
async fn an_item_is_written_and_read_as_a_job_is() {
    let host = Host::empty().with::<one_way>().test().await;
    let error = host.run_item::<one_way>(OneWay).await.unwrap_err().to_string();
    assert!(error.contains("the payload is no `OneWay`: it has another shape"), "{error}");
    host.assert_runs::<one_way>(0);
    host.enqueue::<one_way>(OneWay).await.unwrap();
    assert_eq!(host.drain::<one_way>().await.failed, 1);
    assert_eq!(host.jobs::<one_way>().await[0].state, State::Dead);
    host.stop().await.unwrap();
}

#[hostkit::queued(durable)]
async fn picky(name: String, job: JobContext, log: Ext<Log>) -> Verdict {
    log.say(format_args!("{name} {}", job.id().is_some()));
    job.discard("nobody needs it")
}

#[tokio::test]
async fn a_verdict_is_seen_in_what_became_of_the_job() {
    let log = Log::default();
    let host = Host::empty().with::<picky>().provide(log.clone()).test().await;
    host.enqueue::<picky>("ada".to_owned()).await.unwrap();
    assert_eq!(host.drain::<picky>().await, hostkit::testing::Drained::default());
    host.assert_no_failures();
    let job = &host.jobs::<picky>().await[0];
    assert_eq!((job.state, job.reason.as_deref()), (State::Cancelled, Some("nobody needs it")));
    host.run_item::<picky>("grace".to_owned()).await.unwrap();
    assert_eq!(log.lines(), ["ada true", "grace false"]);
    host.stop().await.unwrap();
}

#[tokio::test]
async fn faults_and_events_are_those_of_any_other_run() {
    let log = Log::default();
    let host = of_send(&log).test().await;
    host.inject::<send>(Fault::error("no connection"));
    host.inject::<send>(Fault::hang());
    host.enqueue::<send>("ada".to_owned()).await.unwrap();
    assert_eq!(host.drain::<send>().await.errors, ["no connection", "did not finish within 30s"]);
    let kinds: Vec<_> = host.events_of::<send>().into_iter().map(|event| event.kind).collect();
    let ended = |run, error: &str| EventKind::RunEnded { run, end: RunEnd::Failed(error.to_owned()) };
    let kinds: Vec<_> = kinds.into_iter().filter(|kind| !matches!(kind, EventKind::State(_))).collect();
    assert_eq!(kinds.len(), 9, "{kinds:#?}");
    assert_eq!(kinds[..3], [EventKind::Enqueued, EventKind::RunBegan { run: 1 }, ended(1, "no connection")]);
    assert!(matches!(kinds[3], EventKind::Retrying { wait } if wait <= SECOND * 4), "{kinds:#?}");
    assert_eq!(kinds[4..6], [EventKind::RunBegan { run: 2 }, ended(2, "did not finish within 30s")]);
    assert_eq!(kinds[8], EventKind::RunEnded { run: 3, end: RunEnd::Succeeded });
    assert_eq!(log.lines(), ["ada"]);
    host.stop().await.unwrap();
}

#[hostkit::queued(durable, timeout = "none")]
async fn long(hours: u64, job: JobContext, log: Ext<Log>) {
    log.say(format_args!("begins, fence {}", job.fence()));
    tokio::time::sleep(Duration::from_secs(hours * 3600)).await;
    log.say("ends");
}

#[tokio::test]
async fn a_lease_lasts_however_much_time_passes() {
    let log = Log::default();
    let host = Host::empty().with::<long>().provide(log.clone()).test().await;
    host.enqueue::<long>(240).await.unwrap();
    host.advance("9days").await;
    assert_eq!(log.lines(), ["begins, fence 1"]);
    host.advance("2days").await;
    assert_eq!(log.lines(), ["begins, fence 1", "ends"]);
    host.stop().await.unwrap();
}

#[hostkit::periodic(durable, cron = "*/5 * * * *")]
async fn every_five_minutes(tick: Tick, ticks: Ext<AtomicU32>) {
    ticks.fetch_add(1, Ordering::Relaxed);
    assert_eq!(tick.missed(), 0);
}

#[tokio::test]
async fn each_instant_of_a_durable_schedule_runs_once() {
    let clock = TestClock::at("2026-03-01T00:00:00Z");
    let mut builder = Host::empty();
    builder.with::<every_five_minutes>().provide(AtomicU32::new(0)).test_clock(&clock);
    let host = builder.test().await;
    let start = host.now();
    host.advance("1day").await;
    host.assert_runs::<every_five_minutes>(288);
    host.assert_no_failures();
    // Each soon after its own instant.
    for (number, run) in (1_u32..).zip(host.runs::<every_five_minutes>()) {
        let late = run.began.duration_since(start + SECOND * 300 * number).unwrap();
        assert!(late < SECOND, "run {number} is {late:?} late");
    }
    let jobs = host.jobs::<every_five_minutes>().await;
    assert_eq!(jobs.len(), 288);
    assert!(jobs.iter().all(|job| job.state == State::Done && job.epoch == 1), "{:?}", jobs.first());
    host.stop().await.unwrap();
}

#[tokio::test]
async fn a_file_works_with_patience() {
    let (log, path) = (Log::default(), directory("kit-file").join("jobs.db"));
    let mut builder = of_send(&log);
    builder.set("store.url", format!("sqlite://{}", path.display())).patience("200ms");
    let host = builder.test().await;
    host.hold::<send>();
    host.outside(host.enqueue::<send>("ada".to_owned())).await.unwrap();
    assert_eq!(host.drain::<send>().await.done, 1);
    let states: Vec<_> = host.jobs::<send>().await.iter().map(|job| (job.state, job.epoch)).collect();
    assert_eq!(states, [(State::Done, 1)]);
    host.stop().await.unwrap();
}
