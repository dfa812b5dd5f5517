//! The test kit, used as a program's tests use it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use futures_util::FutureExt;
use hostkit::testing::{EventKind, Fault, RunEnd, TestClock, TestHost};
use hostkit::{CancellationToken, Ext, Host, JobContext, Outcome, Queue, Scopes, ServiceState, TaskQueue, Tick};
use tokio::sync::oneshot;

use crate::support::{Log, SECOND, without_lines};

/// An instant as people write it.
fn at(text: &str) -> SystemTime {
    TestClock::at(text).now()
}

/// What a failed assertion says.
fn said(failed: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(AssertUnwindSafe(failed)).expect_err("it was to fail");
    text_of(&*panic)
}

async fn said_by<T>(failed: impl Future<Output = T>) -> String {
    match AssertUnwindSafe(failed).catch_unwind().await {
        Ok(_) => panic!("it was to fail"),
        Err(panic) => text_of(&*panic),
    }
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).expect("a text");
    // The column is nobody's business.
    let (text, place) =
        text.rsplit_once(" at tests/").map_or((text.as_str(), None), |(text, place)| (text, Some(place)));
    match place.and_then(|place| place.rsplit_once(':')) {
        Some((place, _column)) => without_lines(&format!("{text} at tests/{place}")),
        None => without_lines(text),
    }
}

async fn stop(host: TestHost) {
    host.stop().await.unwrap_or_else(|error| panic!("{error}"));
}

// Time.

#[derive(Default)]
struct Ticks(AtomicU64);

#[hostkit::periodic(cron = "*/5 * * * *")]
async fn every_five_minutes(tick: Tick, ticks: Ext<Ticks>) {
    ticks.0.fetch_add(1, Ordering::Relaxed);
    assert_eq!(tick.missed(), 0);
}

#[tokio::test]
async fn a_month_of_cron_passes() {
    let clock = TestClock::at("2026-03-01T00:00:00Z");
    let mut builder = Host::empty();
    let host = builder.with::<every_five_minutes>().provide(Ticks::default()).test_clock(&clock).test().await;
    let began = Instant::now();
    host.advance_to("2026-04-01T00:00:00Z").await;
    let took = began.elapsed();
    println!("a month of cron, 8928 runs: {took:?}");
    host.assert_runs::<every_five_minutes>(8928);
    host.assert_no_failures();
    let runs = host.runs::<every_five_minutes>();
    assert_eq!(runs[0].began, at("2026-03-01T00:05:00Z"));
    assert_eq!(runs[8927].began, at("2026-04-01T00:00:00Z"));
    // Each at its own instant, and not all of them at the end.
    assert!(runs.windows(2).all(|pair| pair[1].began.duration_since(pair[0].began).unwrap() == 300 * SECOND));
    assert!(runs.iter().all(|run| run.ended == Some((run.began, RunEnd::Succeeded))));
    assert_eq!(host.now(), at("2026-04-01T00:00:00Z"));
    stop(host).await;
}

#[hostkit::periodic(cron = "30 2 * * *", tz = "Europe/Zurich")]
async fn at_half_past_two() {}

#[hostkit::periodic(cron = "0 * * * *", tz = "Europe/Zurich")]
async fn at_the_full_hour() {}

#[tokio::test]
async fn a_day_on_which_the_clocks_are_put_forward_runs_at_the_end_of_the_gap() {
    let mut builder = Host::empty();
    builder.with::<at_half_past_two>().with::<at_the_full_hour>();
    let host = builder.test_clock(&TestClock::at("2026-03-28T12:00:00Z")).test().await;
    host.advance("2days").await;
    let runs = host.runs::<at_half_past_two>();
    // 02:30 is skipped on the 29th, and 03:00 summer time is 01:00 UTC; the day after it is summer.
    assert_eq!(
        runs.iter().map(|run| run.began).collect::<Vec<_>>(),
        [at("2026-03-29T01:00:00Z"), at("2026-03-30T00:30:00Z"),]
    );
    host.assert_runs::<at_the_full_hour>(48);
    stop(host).await;
}

#[tokio::test]
async fn a_day_on_which_the_clocks_are_put_back_runs_once_at_the_first_of_the_two() {
    let mut builder = Host::empty();
    builder.with::<at_half_past_two>().with::<at_the_full_hour>();
    let host = builder.test_clock(&TestClock::at("2026-10-24T22:00:00Z")).test().await;
    host.advance("25h").await;
    let runs = host.runs::<at_half_past_two>();
    assert_eq!(runs.iter().map(|run| run.began).collect::<Vec<_>>(), [at("2026-10-25T00:30:00Z")]);
    host.assert_runs::<at_the_full_hour>(25);
    stop(host).await;
}

#[tokio::test]
async fn two_hosts_live_at_different_dates_and_time_passes_for_both() {
    let (old, new) = (TestClock::at("1999-12-31T23:59:00Z"), TestClock::at("2038-01-19T03:13:00Z"));
    let mut builder = Host::empty();
    let first = builder.with::<every_five_minutes>().provide(Ticks::default()).test_clock(&old).test().await;
    let second = builder.with::<every_five_minutes>().provide(Ticks::default()).test_clock(&new).test().await;
    first.advance("2m").await;
    first.assert_runs::<every_five_minutes>(1);
    second.assert_runs::<every_five_minutes>(1);
    assert_eq!(first.runs::<every_five_minutes>()[0].began, at("2000-01-01T00:00:00Z"));
    assert_eq!(second.runs::<every_five_minutes>()[0].began, at("2038-01-19T03:15:00Z"));
    assert_eq!((old.now(), second.now()), (at("2000-01-01T00:01:00Z"), at("2038-01-19T03:15:00Z")));
    stop(first).await;
    second.advance("5m").await;
    second.assert_runs::<every_five_minutes>(2);
    stop(second).await;
}

#[hostkit::background_service]
async fn beats(log: Ext<Log>) {
    loop {
        tokio::time::sleep(20 * SECOND).await;
        log.say("beat");
    }
}

#[hostkit::periodic(every = "30s")]
async fn looks(log: Ext<Log>) {
    log.say("look");
}

#[tokio::test]
async fn what_is_due_happens_in_order_and_at_its_instant_and_the_last_instant_is_included() {
    let log = Log::default();
    let mut builder = Host::empty();
    let host = builder.with::<beats>().with::<looks>().provide(log.clone()).test().await;
    assert_eq!(host.now(), at("2026-01-01T00:00:00Z"));
    host.advance("90s").await;
    let lines = log.take();
    // At 20 s, 30 s, 40 s; two at the same instant come in an order that nobody promises.
    assert_eq!(lines[..3], ["beat", "look", "beat"]);
    assert_eq!(lines[5..], ["beat", "look"]);
    assert_eq!(lines.len(), 7);
    assert_eq!(host.now(), at("2026-01-01T00:01:30Z"));
    host.advance(9 * SECOND).await;
    assert!(log.take().is_empty());
    host.advance(SECOND).await;
    assert_eq!(log.take(), ["beat"]);
    stop(host).await;
}

/// A chain of tasks that takes many turns of the scheduler at one instant.
#[hostkit::periodic(every = "1m")]
async fn relays(log: Ext<Log>) {
    let (first, mut receiver) = oneshot::channel::<u32>();
    for _ in 0..500 {
        let (sender, next) = oneshot::channel();
        let before = std::mem::replace(&mut receiver, next);
        tokio::spawn(async move { sender.send(before.await.unwrap() + 1) });
    }
    first.send(0).unwrap();
    let log = log.clone();
    tokio::spawn(async move {
        log.say(receiver.await.unwrap());
    });
}

#[tokio::test]
async fn advancing_returns_when_everything_that_can_go_on_at_that_instant_has() {
    let log = Log::default();
    let host = Host::empty().with::<relays>().provide(log.clone()).test().await;
    host.advance("1m").await;
    assert_eq!(log.take(), ["500"]);
    stop(host).await;
}

#[tokio::test]
async fn time_stands_still_while_the_test_does_nothing_that_waits() {
    let host = Host::empty().with::<looks>().provide(Log::default()).test().await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
        host.settle().await;
    }
    assert_eq!(host.now(), at("2026-01-01T00:00:00Z"));
    host.assert_runs::<looks>(0);
    stop(host).await;
}

#[hostkit::periodic(every = "1h", blocking = true)]
fn crunch(done: Ext<AtomicBool>) {
    std::thread::sleep(Duration::from_millis(50));
    done.store(true, Ordering::SeqCst);
}

#[tokio::test]
async fn a_blocking_function_is_waited_for_before_time_goes_on_and_with_until_at_the_last_instant() {
    let host = Host::empty().with::<crunch>().provide(AtomicBool::new(false)).test().await;
    host.advance("90m").await;
    host.assert_runs::<crunch>(1);
    host.assert_succeeded::<crunch>();
    assert!(host.runs::<crunch>()[0].succeeded());
    host.advance("30m").await;
    host.until("the second run has ended", || host.runs::<crunch>()[1].succeeded()).await;
    assert_eq!(host.now(), at("2026-01-01T02:00:00Z"));
    stop(host).await;
}

// What is outside.

/// Asks a thread that answers slowly, in real time, as that of a database would, and gives up after a while of the host's
/// time.
async fn answer() -> Result<&'static str, anyhow::Error> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        sender.send("yes")
    });
    Ok(tokio::time::timeout(30 * SECOND, receiver).await??)
}

#[hostkit::periodic(every = "1h")]
async fn asks() -> Result<(), anyhow::Error> {
    anyhow::ensure!(answer().await? == "yes");
    Ok(())
}

#[tokio::test]
async fn with_patience_the_clock_stands_still_while_a_run_waits_for_something_outside() {
    let mut builder = Host::empty();
    let host = builder.with::<asks>().patience("2s").test().await;
    host.advance("2h").await;
    host.assert_runs::<asks>(2);
    host.assert_no_failures();
    assert!(host.runs::<asks>().iter().all(|run| run.succeeded() && run.ended.as_ref().unwrap().0 == run.began));
    host.trigger::<asks>().await.unwrap();
    assert_eq!(host.now(), at("2026-01-01T02:00:00Z"));
    stop(host).await;
}

#[tokio::test]
async fn without_patience_the_clock_does_not_wait_for_something_outside() {
    let host = Host::empty().with::<asks>().test().await;
    let error = host.trigger::<asks>().await.unwrap_err();
    assert!(error.is_failure());
    assert_eq!(error.to_string(), "`asks` failed: deadline has elapsed");
    assert_eq!(host.now(), at("2026-01-01T00:00:30Z"));
    stop(host).await;
}

#[tokio::test]
async fn what_the_test_itself_awaits_outside_takes_no_time() {
    let host = Host::empty().with::<looks>().provide(Log::default()).test().await;
    assert_eq!(host.outside(answer()).await.unwrap(), "yes");
    assert_eq!(host.now(), at("2026-01-01T00:00:00Z"));
    stop(host).await;
}

#[hostkit::periodic(every = "1h")]
async fn sleeps() {
    tokio::time::sleep(60 * SECOND).await;
}

#[tokio::test]
async fn patience_ends_where_a_run_waits_for_time_itself() {
    let host = Host::empty().with::<sleeps>().patience("20ms").test().await;
    host.advance("2h 1m").await;
    host.assert_runs::<sleeps>(2);
    assert_eq!(host.runs::<sleeps>()[1].ended.as_ref().unwrap().0, at("2026-01-01T02:01:00Z"));
    stop(host).await;
}

// Runs and faults.

/// A unit of work that writes down how it ended.
#[hostkit::scoped]
struct Unit {
    log: Ext<Log>,
}

#[hostkit::scoped]
struct Work {
    unit: Arc<Witness>,
}

struct Witness(Ext<Log>);

#[hostkit::scoped]
impl Witness {
    fn new(log: Ext<Log>) -> Self {
        Self(log)
    }

    async fn dispose(self, outcome: Outcome) {
        self.0.say(format!("{outcome:?}"));
    }
}

#[hostkit::periodic(every = "1h", timeout = "10m")]
async fn cleanup(unit: &Unit, work: &Work) -> Result<(), anyhow::Error> {
    let _ = &work.unit;
    unit.log.say("cleaned");
    Ok(())
}

#[hostkit::on_start]
async fn migrate(log: Ext<Log>) {
    log.say("migrated");
}

#[tokio::test]
async fn one_tick_is_run_when_the_test_says_so() {
    let log = Log::default();
    let mut builder = Host::empty();
    let host = builder.with::<cleanup>().with::<migrate>().provide(log.clone()).test().await;
    assert_eq!(log.take(), ["migrated"]);
    host.trigger::<cleanup>().await.unwrap();
    assert_eq!(log.take(), ["cleaned", "Succeeded"]);
    host.trigger::<migrate>().await.unwrap();
    host.assert_runs::<migrate>(2);
    assert_eq!(host.now(), at("2026-01-01T00:00:00Z"));
    assert_eq!(host.state::<cleanup>(), ServiceState::Ready);
    stop(host).await;
}

#[tokio::test]
async fn a_fault_takes_the_place_of_the_body_and_of_nothing_else() {
    let log = Log::default();
    let mut builder = Host::empty();
    builder.with::<cleanup>().provide(log.clone()).inject::<cleanup>(Fault::error("the database is away").times(2));
    let host = builder.test().await;
    host.inject::<cleanup>(Fault::panic("a bug"));
    host.inject::<cleanup>(Fault::hang());
    host.inject::<cleanup>(Fault::delay("2m"));
    host.advance("5h 30m").await;
    let runs = host.runs::<cleanup>();
    let errors: Vec<_> = runs.iter().map(|run| run.error().map(without_lines)).collect();
    assert_eq!(errors[..2], [Some("the database is away".to_owned()), Some("the database is away".to_owned())]);
    assert!(errors[2].as_ref().unwrap().starts_with("panicked: a bug"), "{errors:?}");
    assert_eq!(errors[3], Some("did not finish within 10m".to_owned()));
    assert!(runs[4].succeeded());
    assert_eq!(runs[4].ended.as_ref().unwrap().0, at("2026-01-01T05:02:00Z"));
    // Their scopes were opened and closed as those of a body that failed.
    assert_eq!(log.take(), ["Failed", "Failed", "Failed", "Failed", "Succeeded"]);
    host.advance("1h").await;
    assert_eq!(log.take(), ["cleaned", "Succeeded"]);
    host.inject::<cleanup>(Fault::error("for good").always());
    host.advance("3h").await;
    assert_eq!(host.runs::<cleanup>().iter().filter(|run| run.error() == Some("for good")).count(), 3);
    stop(host).await;
}

#[hostkit::background_service(on_failure = "restart", backoff = "10s", max_restarts = 2)]
async fn intake(stop: CancellationToken) {
    stop.cancelled().await;
}

#[tokio::test]
async fn a_background_service_that_fails_at_its_start_is_restarted() {
    let mut builder = Host::empty();
    builder.with::<intake>().inject::<intake>(Fault::error("no connection").times(2));
    let host = builder.test().await;
    host.advance("1m").await;
    let runs = host.runs::<intake>();
    assert_eq!(runs.len(), 3);
    assert_eq!(runs[1].error(), Some("no connection"));
    assert_eq!(runs[2].ended, None);
    assert_eq!(host.state::<intake>(), ServiceState::Running);
    let states: Vec<_> = host
        .events_of::<intake>()
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::State(state) => Some(state.to_string()),
            _ => None,
        })
        .collect();
    let restart = ["restarting", "starting", "running"];
    assert_eq!(states, [&["starting", "running"][..], &restart, &restart].concat());
    stop(host).await;
}

#[tokio::test]
async fn a_host_that_stops_by_itself_is_waited_for() {
    let mut builder = Host::empty();
    builder.with::<intake>().inject::<intake>(Fault::error("no connection").always());
    let host = builder.test().await;
    let error = host.wait().await.unwrap_err();
    assert!(error.to_string().contains("no connection"), "{error}");
}

// Queues.

#[derive(Debug, Clone, PartialEq)]
struct Order(u32);

#[hostkit::queued(capacity = 10)]
async fn process_order(order: Order, log: Ext<Log>) -> Result<(), anyhow::Error> {
    anyhow::ensure!(order.0 != 13, "unlucky");
    log.say(order.0);
    Ok(())
}

#[hostkit::periodic(every = "1h")]
async fn take_orders(orders: Queue<process_order>) {
    for number in [1, 2, 13] {
        orders.enqueue(Order(number)).await.unwrap();
    }
}

async fn order_host(log: &Log) -> TestHost {
    let mut builder = Host::empty();
    builder.with::<process_order>().with::<take_orders>().provide(log.clone()).test().await
}

#[tokio::test]
async fn what_was_enqueued_is_seen_whether_it_waits_or_was_worked_off() {
    let log = Log::default();
    let host = order_host(&log).await;
    host.hold::<process_order>();
    host.trigger::<take_orders>().await.unwrap();
    host.settle().await;
    assert!(log.lines().is_empty());
    host.assert_enqueued::<process_order>(&[Order(1), Order(2), Order(13)]);
    assert_eq!(host.queue::<process_order>().len(), 3);

    let drained = host.drain::<process_order>().await;
    assert_eq!((drained.done, drained.failed, drained.retried), (2, 1, 0));
    assert_eq!(drained.errors, ["unlucky"]);
    assert_eq!(log.take(), ["1", "2"]);
    host.assert_enqueued::<process_order>(&[Order(1), Order(2), Order(13)]);

    // It is held again.
    host.enqueue::<process_order>(Order(4)).await.unwrap();
    host.settle().await;
    assert!(log.lines().is_empty());
    host.release::<process_order>();
    host.settle().await;
    assert_eq!(log.take(), ["4"]);
    assert_eq!(host.drain::<process_order>().await, hostkit::testing::Drained::default());
    stop(host).await;
}

#[tokio::test]
async fn what_waits_in_a_queue_that_is_held_can_be_taken_and_is_left_at_the_stop() {
    let log = Log::default();
    let host = order_host(&log).await;
    host.hold::<process_order>();
    host.trigger::<take_orders>().await.unwrap();
    assert_eq!(host.take::<process_order>(), [Order(1), Order(2), Order(13)]);
    assert_eq!(host.queue::<process_order>().len(), 0);
    host.enqueue::<process_order>(Order(5)).await.unwrap();
    stop(host).await;
    assert!(log.lines().is_empty());
}

#[tokio::test]
async fn a_queue_that_is_held_is_full_at_its_capacity() {
    let host = order_host(&Log::default()).await;
    host.hold::<process_order>();
    for number in 0..10 {
        host.enqueue::<process_order>(Order(number)).await.unwrap();
    }
    assert!(host.queue::<process_order>().try_enqueue(Order(10)).unwrap_err().is_full());
    assert_eq!(host.enqueued::<process_order>().len(), 10);
    stop(host).await;
}

/// A payload that nobody can clone.
struct Parcel(Vec<u8>);

#[hostkit::queued]
async fn deliver(parcel: Parcel, log: Ext<Log>) {
    log.say(parcel.0.len());
}

#[tokio::test]
async fn payloads_that_cannot_be_cloned_are_taken() {
    let log = Log::default();
    let host = Host::empty().with::<deliver>().provide(log.clone()).test().await;
    host.hold::<deliver>();
    host.enqueue::<deliver>(Parcel(vec![0; 3])).await.unwrap();
    host.enqueue::<deliver>(Parcel(vec![0; 4])).await.unwrap();
    let taken = host.take::<deliver>();
    assert_eq!(taken.iter().map(|parcel| parcel.0.len()).collect::<Vec<_>>(), [3, 4]);
    for parcel in taken {
        host.run_item::<deliver>(parcel).await.unwrap();
    }
    assert_eq!(log.lines(), ["3", "4"]);
    stop(host).await;
}

#[hostkit::queued(attempts = 3, backoff = "1m", concurrency = 2)]
async fn flaky(number: u32, job: JobContext, log: Ext<Log>) -> Result<(), String> {
    log.say(format!("{number} attempt {}", job.attempt()));
    if job.attempt() == 3 { Ok(()) } else { Err(format!("not yet {number}")) }
}

#[tokio::test]
async fn draining_waits_for_items_that_are_tried_again() {
    let log = Log::default();
    let host = Host::empty().with::<flaky>().provide(log.clone()).test().await;
    host.inject::<flaky>(Fault::error("injected"));
    host.enqueue::<flaky>(1).await.unwrap();
    let drained = host.drain::<flaky>().await;
    assert_eq!((drained.done, drained.failed, drained.retried), (1, 0, 2));
    assert_eq!(drained.errors, ["injected", "not yet 1"]);
    assert_eq!(log.take(), ["1 attempt 2", "1 attempt 3"]);
    assert!(host.now() > at("2026-01-01T00:01:00Z"));
    let retries =
        host.events_of::<flaky>().into_iter().filter(|event| matches!(event.kind, EventKind::Retrying { .. }));
    assert_eq!(retries.count(), 2);

    host.inject::<flaky>(Fault::error("away").always());
    host.enqueue::<flaky>(2).await.unwrap();
    host.enqueue::<flaky>(3).await.unwrap();
    let drained = host.drain::<flaky>().await;
    assert_eq!((drained.done, drained.failed, drained.retried), (0, 2, 4));
    stop(host).await;
}

#[tokio::test]
async fn items_that_wait_to_be_tried_again_are_held_as_well() {
    let log = Log::default();
    let host = Host::empty().with::<flaky>().provide(log.clone()).test().await;
    host.enqueue::<flaky>(1).await.unwrap();
    host.settle().await;
    assert_eq!(log.take(), ["1 attempt 1"]);
    host.hold::<flaky>();
    host.advance("1h").await;
    assert!(log.lines().is_empty());
    host.release::<flaky>();
    host.settle().await;
    assert_eq!(log.take(), ["1 attempt 2"]);
    stop(host).await;
}

#[tokio::test]
async fn one_item_is_worked_on_directly_and_says_how_it_ended() {
    let log = Log::default();
    let host = order_host(&log).await;
    host.run_item::<process_order>(Order(7)).await.unwrap();
    assert_eq!(log.take(), ["7"]);
    let error = host.run_item::<process_order>(Order(13)).await.unwrap_err();
    assert!(error.is_failure());
    assert_eq!(error.to_string(), "`process_order` failed: unlucky");
    host.assert_runs::<process_order>(2);
    host.assert_enqueued::<process_order>(&[]);
    stop(host).await;
}

#[hostkit::on_started]
async fn puts_closures(tasks: TaskQueue, log: Ext<Log>) {
    let log = log.clone();
    let task = async move |_scopes: Scopes, _stop: CancellationToken| log.say("closure");
    tasks.enqueue(task).await.unwrap();
}

#[hostkit::background_service(on_complete = "keep-running")]
async fn nothing_to_do() {}

#[tokio::test]
async fn closures_are_worked_off_when_the_host_settles() {
    let log = Log::default();
    let mut builder = Host::empty();
    let host = builder.with::<puts_closures>().with::<nothing_to_do>().provide(log.clone()).test().await;
    host.settle().await;
    assert_eq!(log.take(), ["closure"]);
    stop(host).await;
}

// Components.

trait Mailer: Send + Sync {
    fn send(&self, to: &str) -> String;
}

#[hostkit::singleton(as = dyn Mailer)]
struct Smtp {}

impl Mailer for Smtp {
    fn send(&self, _to: &str) -> String {
        panic!("a test sends no mail")
    }
}

struct Recorder(Log);

impl Mailer for Recorder {
    fn send(&self, to: &str) -> String {
        self.0.say(format!("to {to}"));
        "recorded".to_owned()
    }
}

#[hostkit::singleton]
impl Ledger {
    fn new() -> Self {
        panic!("a test has no ledger")
    }
}

struct Ledger(&'static str);

#[hostkit::options("newsletter")]
#[derive(serde::Deserialize)]
struct Newsletter {
    to: String,
}

#[hostkit::periodic(every = "24h")]
async fn newsletter(mailer: &dyn Mailer, ledger: &Ledger, options: &Newsletter, log: Ext<Log>) {
    log.say(format!("{} {}", mailer.send(&options.to), ledger.0));
}

#[tokio::test]
async fn any_component_is_replaced() {
    let log = Log::default();
    let mut builder = Host::empty();
    builder.with::<newsletter>().with::<Smtp>().provide(log.clone());
    builder.replace::<dyn Mailer>(Arc::new(Recorder(log.clone())) as Arc<dyn Mailer>);
    builder.replace::<Ledger>(|| Ledger("forged")).set("newsletter.to", "everybody");
    let host = builder.test().await;
    host.advance("1day").await;
    assert_eq!(log.take(), ["to everybody", "recorded forged"]);
    stop(host).await;
}

#[hostkit::on_start]
async fn tells_the_environment(host: hostkit::HostLifetime, log: Ext<Log>) {
    log.say(host.environment());
}

#[tokio::test]
async fn the_machine_has_no_say() {
    // The name of a variable that would be an error if anybody read it.
    let log = Log::default();
    let mut builder = Host::empty();
    let host = builder.with::<tells_the_environment>().provide(log.clone()).test().await;
    assert_eq!(log.take(), ["test"]);
    stop(host).await;

    let file = crate::support::directory("test-kit").join("hostkit.toml");
    std::fs::write(&file, "[newsletter]\nto = \"the file\"\n").unwrap();
    std::fs::write(file.with_file_name("hostkit.staging.toml"), "[newsletter]\nto = \"staging\"\n").unwrap();
    builder = Host::empty();
    builder.with::<newsletter>().with::<Smtp>().provide(log.clone()).environment("staging").config_file(&file);
    builder.replace::<dyn Mailer>(Arc::new(Recorder(log.clone())) as Arc<dyn Mailer>);
    builder.replace::<Ledger>(|| Ledger("forged"));
    let host = builder.test().await;
    host.trigger::<newsletter>().await.unwrap();
    assert_eq!(log.take(), ["to staging", "recorded forged"]);
    stop(host).await;
}

// Events.

#[tokio::test]
async fn everything_that_happens_is_an_event_in_order() {
    let host = order_host(&Log::default()).await;
    host.advance("1h").await;
    host.lifetime().request_stop();
    let lines: Vec<_> = host.events().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "2026-01-01T00:00:00.000Z process_order: starting",
            "2026-01-01T00:00:00.000Z process_order: running",
            "2026-01-01T00:00:00.000Z take_orders: starting",
            "2026-01-01T00:00:00.000Z take_orders: ready",
            "2026-01-01T00:00:00.000Z host: started",
            "2026-01-01T01:00:00.000Z take_orders: run 1 began",
            "2026-01-01T01:00:00.000Z process_order: enqueued",
            "2026-01-01T01:00:00.000Z process_order: enqueued",
            "2026-01-01T01:00:00.000Z process_order: enqueued",
            "2026-01-01T01:00:00.000Z take_orders: run 1 succeeded",
            "2026-01-01T01:00:00.000Z process_order: run 2 began",
            "2026-01-01T01:00:00.000Z process_order: run 2 succeeded",
            "2026-01-01T01:00:00.000Z process_order: run 3 began",
            "2026-01-01T01:00:00.000Z process_order: run 3 succeeded",
            "2026-01-01T01:00:00.000Z process_order: run 4 began",
            "2026-01-01T01:00:00.000Z process_order: run 4 failed: unlucky",
        ]
    );
    stop(host).await;
}

#[tokio::test]
async fn instants_that_were_missed_are_events() {
    let mut builder = Host::empty();
    builder.with::<looks>().provide(Log::default()).set("periodic.looks.every", "10s");
    let host = builder.inject::<looks>(Fault::delay("35s")).test().await;
    host.advance("1m").await;
    let missed: Vec<_> = host
        .events_of::<looks>()
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::Missed { count } => Some((event.at, count)),
            _ => None,
        })
        .collect();
    assert_eq!(missed, [(at("2026-01-01T00:00:45Z"), 3)]);
    stop(host).await;
}

// What it says when something is wrong.

#[tokio::test]
async fn failed_assertions_say_what_was_expected_and_what_there_was() {
    let host = order_host(&Log::default()).await;
    host.advance("1h").await;
    for (text, expected) in [
        (
            said(|| host.assert_runs::<take_orders>(2)),
            "`take_orders` should have run twice, and it ran once:\n  2026-01-01T01:00:00.000Z run 1 succeeded",
        ),
        (
            said(|| host.assert_succeeded::<process_order>()),
            "no run of `process_order` should have failed; these did:\n  2026-01-01T01:00:00.000Z run 4 failed: unlucky",
        ),
        (
            said(|| host.assert_no_failures()),
            "no run should have failed; these did:\n  2026-01-01T01:00:00.000Z process_order: run 4 failed: unlucky",
        ),
        (
            said(|| host.assert_enqueued::<process_order>(&[Order(1)])),
            "these should have been enqueued for `process_order`: [Order(1)]\n  \
             and these were: [Order(1), Order(2), Order(13)]",
        ),
        (
            said(|| host.assert_runs::<cleanup>(1)),
            "this host does not run `cleanup`; it runs `process_order`, `take_orders`",
        ),
        (
            said(|| drop(host.advance("an hour"))),
            "`an hour` is not a duration: it does not begin with a number; write one such as \"5m\" or \"1h 30m\"",
        ),
        (
            said(|| drop(host.advance_to("2026-01-01T00:30:00Z"))),
            "it is 2026-01-01T01:00:00.000Z already, so it cannot become 2026-01-01T00:30:00.000Z",
        ),
        (
            said(|| drop(TestClock::at("tomorrow"))),
            "`tomorrow` is not a date with a time: timestamp format is invalid; write one such as \
             \"2026-03-29T00:30:00Z\", in UTC",
        ),
    ] {
        assert_eq!(text, expected);
    }
    stop(host).await;
}

#[tokio::test]
async fn a_long_list_of_runs_is_cut() {
    let host = Host::empty().with::<looks>().provide(Log::default()).test().await;
    host.advance("15m").await;
    let text = said(|| host.assert_runs::<looks>(31));
    assert!(
        text.starts_with("`looks` should have run 31 times, and it ran 30 times:\n  2026-01-01T00:00:30.000Z run 1 ")
    );
    assert!(text.ends_with("run 20 succeeded\n  and 10 more"), "{text}");
    stop(host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_of_several_threads_is_refused() {
    let text = said_by(async { Host::empty().with::<looks>().provide(Log::default()).test().await }).await;
    assert_eq!(
        text,
        "a test host pauses tokio's clock, which only a runtime of one thread can: write `#[tokio::test]` without \
         `flavor = \"multi_thread\"`\n  in the test at tests/it/testing.rs:LINE"
    );
}

#[tokio::test]
async fn a_host_that_cannot_be_built_or_started_says_why() {
    let text = said_by(async { Host::empty().with::<looks>().test().await }).await;
    assert!(text.contains("service `looks` needs `Ext<Log>` (parameter `log`), and nothing provides it"), "{text}");
    assert!(text.ends_with("in the test at tests/it/testing.rs:LINE"), "{text}");

    let mut builder = Host::empty();
    builder.with::<migrate>().with::<intake>().provide(Log::default()).inject::<migrate>(Fault::error("no disk"));
    let text = said_by(builder.test()).await;
    assert!(text.contains("`migrate`") && text.contains("no disk"), "{text}");

    builder.with::<intake>().inject::<cleanup>(Fault::hang());
    let text = said_by(builder.test()).await;
    assert!(text.starts_with("this host does not run `cleanup`\n  in the test at "), "{text}");
}

#[tokio::test]
async fn a_host_that_is_dropped_unstopped_says_so() {
    let host = Host::empty().with::<looks>().provide(Log::default()).test().await;
    let text = said(|| drop(host));
    assert_eq!(
        text,
        "the test host was dropped and not stopped, so nobody sees how it would have ended: end the test with \
         `host.stop().await`\n  started at tests/it/testing.rs:LINE"
    );
}

#[hostkit::background_service]
async fn restless() {
    loop {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_host_that_never_comes_to_rest_is_said_to() {
    let host = Host::empty().with::<restless>().test().await;
    let text = said_by(host.settle()).await;
    assert_eq!(
        text,
        "the host does not come to rest within 10s of real time: something wakes itself without end\n  \
         in the test at tests/it/testing.rs:LINE"
    );
    stop(host).await;
}

#[tokio::test]
async fn a_queue_that_is_never_worked_off_is_said_to() {
    let host = order_host(&Log::default()).await;
    host.inject::<process_order>(Fault::hang());
    host.enqueue::<process_order>(Order(1)).await.unwrap();
    host.enqueue::<process_order>(Order(2)).await.unwrap();
    let text = said_by(host.drain::<process_order>()).await;
    assert!(text.starts_with("`process_order` is not worked off within 1day: "), "{text}");
    let error = host.stop().await.unwrap_err();
    assert!(error.to_string().contains("process_order"), "{error}");
}

// Crates.

#[test]
fn a_crate_that_is_part_of_the_program_is_linked() {
    hostkit::testing::assert_linked!(it);
}

#[test]
fn a_crate_that_was_forgotten_is_named_with_what_to_write() {
    let text = said(|| hostkit::testing::assert_linked!(it, billing, shipping));
    assert_eq!(
        text,
        "nothing of crates `billing`, `shipping` is part of this program: the linker drops what nobody names\n  \
         help: write `hostkit::main!(link(billing, shipping))`, or `hostkit::link!(billing, shipping);` in a library\n  \
         help: if that is done, nothing in them has a hostkit attribute"
    );
}
