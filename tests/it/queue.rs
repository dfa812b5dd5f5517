//! Queues in the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use hostkit::{CancellationToken, Ext, Host, JobContext, Outcome, Queue, ServiceState, TaskQueue};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::support::{Log, SECOND, Traced, built, started, until};

/// Items wait here until a test lets them go on.
type Gate = Arc<Semaphore>;

#[hostkit::queued(capacity = 2)]
async fn gated(number: u32, gate: Ext<Gate>, log: Ext<Log>) {
    gate.acquire().await.unwrap().forget();
    log.say(number);
}

async fn gated_host() -> (hostkit::RunningHost, Queue<gated>, Gate, Log) {
    let (gate, log) = (Gate::new(Semaphore::new(0)), Log::default());
    let running = started(Host::empty().with::<gated>().provide(Arc::clone(&gate)).provide(log.clone())).await;
    let queue = running.queue::<gated>().unwrap();
    (running, queue, gate, log)
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_makes_whoever_enqueues_wait_and_says_so_to_who_only_tries() {
    let (running, queue, gate, log) = gated_host().await;
    queue.enqueue(1).await.unwrap();
    until("the first is under way", || queue.is_empty()).await;
    queue.enqueue(2).await.unwrap();
    queue.try_enqueue(3).unwrap();
    assert_eq!((queue.len(), queue.capacity()), (2, 2));

    let refused = queue.try_enqueue(4).unwrap_err();
    assert!(refused.is_full() && !refused.is_closed());
    assert_eq!(refused.to_string(), "the queue is full");
    assert_eq!(refused.into_payload(), 4);

    let began = Instant::now();
    let waiting = queue.enqueue(5);
    let (enqueued, ()) = tokio::join!(waiting, async {
        sleep(SECOND).await;
        gate.add_permits(1);
    });
    enqueued.unwrap();
    assert_eq!(began.elapsed(), SECOND);
    gate.add_permits(10);
    running.stop().await.unwrap();
    assert_eq!(log.lines(), ["1", "2", "3", "5"]);
}

#[tokio::test(start_paused = true)]
async fn an_enqueue_that_is_cancelled_leaves_nothing_behind() {
    let (running, queue, gate, log) = gated_host().await;
    queue.enqueue(1).await.unwrap();
    until("the first is under way", || queue.is_empty()).await;
    queue.enqueue(2).await.unwrap();
    queue.enqueue(3).await.unwrap();
    for number in 100..110 {
        assert!(tokio::time::timeout(SECOND, queue.enqueue(number)).await.is_err());
    }
    gate.add_permits(100);
    queue.enqueue(4).await.unwrap();
    running.stop().await.unwrap();
    assert_eq!(log.lines(), ["1", "2", "3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn a_closed_queue_gives_the_payload_back() {
    let (running, queue, gate, _log) = gated_host().await;
    gate.add_permits(10);
    running.stop().await.unwrap();
    assert!(queue.is_closed());
    let refused = queue.enqueue(7).await.unwrap_err();
    assert!(refused.is_closed() && !refused.is_full());
    assert_eq!((refused.to_string().as_str(), refused.into_payload()), ("the queue is closed", 7));
    assert_eq!(queue.try_enqueue(8).unwrap_err().into_payload(), 8);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_place_is_told_when_the_queue_closes() {
    let (running, queue, gate, log) = gated_host().await;
    for number in 1..=3 {
        queue.enqueue(number).await.unwrap();
    }
    let waiting: Vec<_> = (4..8).map(|number| queue.enqueue(number)).collect();
    let (refused, stopped, ()) = tokio::join!(join_all(waiting), running.stop(), async {
        sleep(SECOND).await;
        gate.add_permits(10);
    });
    stopped.unwrap();
    assert!(refused.iter().all(Result::is_err), "{refused:?}");
    assert_eq!(log.lines(), ["1", "2", "3"]);
}

#[hostkit::queued(capacity = 1000)]
async fn fragile(number: u32, log: Ext<Log>) -> Result<(), String> {
    match number % 3 {
        0 => panic!("item {number} panics"),
        1 => Err(format!("item {number} fails")),
        _ => {
            log.say(number);
            Ok(())
        }
    }
}

#[tokio::test(start_paused = true)]
async fn items_are_worked_off_in_order_and_none_harms_the_next() {
    let (traced, _guard) = Traced::listen(tracing::Level::WARN);
    let log = Log::default();
    let running = started(Host::empty().with::<fragile>().provide(log.clone())).await;
    let queue = running.queue::<fragile>().unwrap();
    for number in 0..300 {
        queue.enqueue(number).await.unwrap();
    }
    running.stop().await.unwrap();
    let expected: Vec<_> = (0..300).filter(|number| number % 3 == 2).map(|number| number.to_string()).collect();
    assert_eq!(log.lines(), expected);
    let lines = traced.lines();
    assert_eq!(lines.iter().filter(|line| line.contains("panics")).count(), 100);
    assert_eq!(lines.iter().filter(|line| line.contains("fails")).count(), 100);
}

#[hostkit::queued(capacity = 100, concurrency = 4)]
async fn parallel(number: u32, log: Ext<Log>, busy: Ext<AtomicUsize>, most: Ext<Most>) {
    let now = busy.fetch_add(1, Ordering::SeqCst) + 1;
    most.0.fetch_max(now, Ordering::SeqCst);
    sleep(SECOND).await;
    busy.fetch_sub(1, Ordering::SeqCst);
    log.say(number);
}

struct Most(AtomicUsize);

#[tokio::test(start_paused = true)]
async fn concurrency_bounds_how_many_items_are_under_way() {
    let log = Log::default();
    let mut builder = Host::empty();
    builder.with::<parallel>().with::<watches_most>();
    builder.provide(log.clone()).provide(AtomicUsize::new(0)).provide(Most(AtomicUsize::new(0)));
    let running = started(&mut builder).await;
    let queue = running.queue::<parallel>().unwrap();
    let began = Instant::now();
    for number in 0..20 {
        queue.enqueue(number).await.unwrap();
    }
    running.stop().await.unwrap();
    assert_eq!(began.elapsed(), 5 * SECOND);
    assert_eq!(log.lines().len(), 21);
    assert!(log.lines().contains(&"most 4".to_owned()), "{:?}", log.lines());
}

#[hostkit::on_stopped]
async fn watches_most(most: Ext<Most>, log: Ext<Log>) {
    log.say(format!("most {}", most.0.load(Ordering::SeqCst)));
}

#[hostkit::queued(capacity = 10)]
async fn slow(number: u32, log: Ext<Log>) {
    sleep(SECOND).await;
    log.say(number);
}

#[tokio::test(start_paused = true)]
async fn a_stop_drains_what_waits() {
    let log = Log::default();
    let running = started(Host::empty().with::<slow>().provide(log.clone())).await;
    let queue = running.queue::<slow>().unwrap();
    for number in 0..5 {
        queue.enqueue(number).await.unwrap();
    }
    let began = Instant::now();
    running.stop().await.unwrap();
    assert_eq!((log.lines().len(), began.elapsed()), (5, 5 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn what_is_left_at_the_deadline_is_counted_and_named() {
    let log = Log::default();
    let mut builder = Host::empty();
    builder.with::<slow>().provide(log.clone()).set("host.stop_timeout", "6s");
    let running = started(&mut builder).await;
    let queue = running.queue::<slow>().unwrap();
    for number in 0..9 {
        queue.enqueue(number).await.unwrap();
    }
    let error = running.stop().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the host did not stop cleanly\n  `slow` was still draining after 4s 500ms and was dropped\n  \
         `slow`: 4 items left waiting and 1 item interrupted",
        "{:?}",
        log.lines()
    );
}

#[tokio::test(start_paused = true)]
async fn without_drain_what_waits_is_left_and_what_is_under_way_is_finished() {
    let (traced, _guard) = Traced::listen(tracing::Level::WARN);
    let log = Log::default();
    let mut builder = Host::empty();
    builder.with::<slow>().provide(log.clone()).set("queued.slow.drain", false);
    let running = started(&mut builder).await;
    let queue = running.queue::<slow>().unwrap();
    for number in 0..5 {
        queue.enqueue(number).await.unwrap();
    }
    until("the first is under way", || queue.len() == 4).await;
    running.stop().await.unwrap();
    assert_eq!(log.lines(), ["0"]);
    assert_eq!(traced.containing("`slow`: 4 items left waiting").len(), 1, "{:#?}", traced.lines());
}

#[hostkit::background_service]
async fn last_words(queue: Queue<slow>, stop: CancellationToken) {
    stop.cancelled().await;
    for number in 0..3 {
        queue.enqueue(number).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn workers_end_before_the_queues_they_may_still_fill() {
    let log = Log::default();
    let running = started(Host::empty().with::<slow>().with::<last_words>().provide(log.clone())).await;
    running.stop().await.unwrap();
    assert_eq!(log.lines(), ["0", "1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_enqueued_before_the_start_waits_for_it() {
    #[hostkit::on_start]
    async fn fills(queue: Queue<slow>) {
        queue.enqueue(42).await.unwrap();
    }
    let log = Log::default();
    let running = started(Host::empty().with::<slow>().with::<fills>().provide(log.clone())).await;
    sleep(2 * SECOND).await;
    assert_eq!(log.lines(), ["42"]);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_can_be_used_from_any_thread_and_outlives_its_host() {
    let log = Log::default();
    let running = started(Host::empty().with::<fragile>().provide(log.clone())).await;
    let queue = running.queue::<fragile>().unwrap();
    let elsewhere = queue.clone();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for number in 0..200 {
                elsewhere.enqueue(number * 3 + 2).await.unwrap();
            }
        });
        elsewhere
    });
    let elsewhere = tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
    running.stop().await.unwrap();
    assert_eq!(log.lines().len(), 200);
    assert!(elsewhere.try_enqueue(1).unwrap_err().is_closed());
    assert_eq!(format!("{elsewhere:?}"), "Queue { function: \"fragile\", len: 0, capacity: 1000 }");
}

#[tokio::test(start_paused = true)]
async fn the_queue_of_a_host_that_was_never_started_is_closed_with_it() {
    #[hostkit::background_service]
    async fn idle(queue: Queue<slow>) {
        drop(queue);
    }
    let log = Log::default();
    let host = built(Host::empty().with::<slow>().with::<idle>().provide(log)).await;
    drop(host);
}

#[hostkit::queued(timeout = "2s", on_failure = "stop-host")]
async fn strict(what: String, job: JobContext, log: Ext<Log>, stop: CancellationToken) -> Result<(), String> {
    log.say(format!("{} {} {}", job.queue(), job.run(), job.attempt()));
    match what.as_str() {
        "hang" => std::future::pending().await,
        "told" => {
            stop.cancelled().await;
            Ok(())
        }
        _ => Ok(()),
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_takes_too_long_has_failed_and_may_stop_the_host() {
    let log = Log::default();
    let mut running = started(Host::empty().with::<strict>().provide(log.clone())).await;
    let queue = running.queue::<strict>().unwrap();
    let began = Instant::now();
    for what in ["fine", "hang", "left", "left"] {
        queue.enqueue(what.to_owned()).await.unwrap();
    }
    let error = running.wait().await.unwrap_err();
    assert_eq!(error.to_string(), "service `strict` did not finish within 2s\n  `strict`: 2 items left waiting");
    assert_eq!((error.exit_code(), began.elapsed()), (1, 2 * SECOND));
    assert_eq!(log.lines(), ["strict 1 1", "strict 2 1"]);
}

#[tokio::test(start_paused = true)]
async fn an_item_under_way_is_told_of_the_stop_and_one_that_is_drained_is_not_told_before_the_deadline() {
    let log = Log::default();
    let mut builder = Host::empty();
    builder.with::<strict>().provide(log.clone()).set("queued.strict.timeout", "1h");
    let running = started(&mut builder).await;
    let queue = running.queue::<strict>().unwrap();
    queue.enqueue("told".to_owned()).await.unwrap();
    sleep(SECOND).await;
    queue.enqueue("fine".to_owned()).await.unwrap();
    let began = Instant::now();
    running.stop().await.unwrap();
    assert_eq!((log.lines().len(), began.elapsed()), (2, Duration::ZERO));
}

struct Unit(Ext<Log>);

#[hostkit::scoped]
impl Unit {
    fn new(log: Ext<Log>) -> Self {
        log.say("open");
        Self(log)
    }

    async fn dispose(self, outcome: Outcome) {
        self.0.say(format!("{outcome:?}"));
    }
}

#[hostkit::background_service]
async fn delegates(tasks: TaskQueue, log: Ext<Log>, stop: CancellationToken) {
    let said = log.clone();
    tasks
        .enqueue(move |scopes, _stop| async move {
            said.say("first");
            scopes
                .run(async move |scope| {
                    scope.get::<Unit>().await?;
                    Ok::<_, hostkit::InjectError>(())
                })
                .await
        })
        .await
        .unwrap();
    tasks
        .try_enqueue(|scopes, _| async move {
            drop(scopes);
            assert!(std::hint::black_box(false), "second panics");
        })
        .unwrap();
    tasks.enqueue(|_, _| async { Err::<(), _>("third fails") }).await.unwrap();
    let said = log.clone();
    tasks
        .enqueue(move |_, stop: CancellationToken| async move {
            stop.cancelled().await;
            said.say("fourth is told");
        })
        .await
        .unwrap();
    assert_eq!((tasks.len() <= 4, tasks.capacity()), (true, 7));
    stop.cancelled().await;
}

#[tokio::test(start_paused = true)]
async fn closures_are_worked_off_with_scopes_and_a_token() {
    let (traced, _guard) = Traced::listen(tracing::Level::WARN);
    let log = Log::default();
    let mut builder = Host::empty();
    builder.with::<delegates>().with::<Unit>().provide(log.clone()).set("task_queue.capacity", 7);
    let running = started(&mut builder).await;
    sleep(SECOND).await;
    running.stop().await.unwrap();
    assert_eq!(log.lines(), ["first", "open", "Succeeded", "fourth is told"]);
    assert_eq!(traced.containing("second panics").len(), 1, "{:#?}", traced.lines());
    assert_eq!(traced.containing("third fails").len(), 1, "{:#?}", traced.lines());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_or_unbuilt_option_of_a_queue_is_refused() {
    for (key, value, expected) in [
        ("durable", "true", "`durable` of queued `slow` cannot be configured"),
        ("capacity", "0", "`capacity` of queued `slow` is not between 1 and 10000000: `0`"),
        ("capactiy", "5", "queued `slow` has no option `capactiy`"),
    ] {
        let mut builder = Host::empty();
        builder.with::<slow>().provide(Log::default()).set(format!("queued.slow.{key}"), value);
        let error = crate::support::refused(&mut builder).await;
        assert_eq!(error.problems().collect::<Vec<_>>(), [expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn states_of_a_queue_are_visible() {
    let running = started(Host::empty().with::<slow>().provide(Log::default())).await;
    assert_eq!(running.status_of::<slow>(), Some(ServiceState::Running));
    running.stop().await.unwrap();
}

#[hostkit::queued(attempts = 3, backoff = "10ms", leftover = keep_what_is_left)]
async fn flaky(item: u64, job: JobContext, log: Ext<Log>) -> Result<(), String> {
    log.say(format!("{item} attempt {}", job.attempt()));
    match item {
        0 if job.attempt() < 3 => Err("not yet".to_owned()),
        0 => Ok(()),
        _ => std::future::pending().await,
    }
}

static KEPT: std::sync::Mutex<Vec<u64>> = std::sync::Mutex::new(Vec::new());

async fn keep_what_is_left(left: Vec<u64>) -> Result<(), String> {
    KEPT.lock().unwrap().extend(left);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn items_are_tried_again_and_what_is_left_is_handed_over() {
    let log = Log::default();
    let running = started(Host::empty().with::<flaky>().provide(log.clone())).await;
    let queue = running.queue::<flaky>().unwrap();
    queue.enqueue(0).await.unwrap();
    sleep(SECOND).await;
    assert_eq!(log.take(), ["0 attempt 1", "0 attempt 2", "0 attempt 3"]);
    let counts = running.status()[0].queue.unwrap();
    assert_eq!((counts.done, counts.retried, counts.failed), (1, 2, 0));
    for item in 1..4 {
        queue.enqueue(item).await.unwrap();
    }
    let error = running.stop().await.unwrap_err();
    assert!(error.to_string().contains("`flaky`: 2 items left waiting and 1 item interrupted"), "{error}");
    let mut kept = std::mem::take(&mut *KEPT.lock().unwrap());
    kept.sort_unstable();
    assert_eq!(kept, [1, 2, 3]);
}

#[hostkit::queued]
async fn uncopied(_item: std::sync::Mutex<u64>) {}

#[tokio::test]
async fn configured_attempts_need_a_payload_that_can_be_copied() {
    let mut builder = Host::empty();
    builder.with::<uncopied>().set("queued.uncopied.attempts", "3");
    let error = crate::support::refused(&mut builder).await;
    let problems = error.problems().collect::<Vec<_>>();
    assert_eq!(
        problems,
        ["`attempts` of queued `uncopied` needs a payload that can be copied for the next attempt: `3`"]
    );
}
