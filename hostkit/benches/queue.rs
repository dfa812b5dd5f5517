//! What an item of a queue costs: against loops and pools by hand on the same channel, which is tokio's, and on another.

#![allow(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::items_after_statements,
    clippy::similar_names,
    reason = "counts are small, and code written by hand is written as one would"
)]
#![allow(missing_docs, reason = "a bench has no readers but its own")]

mod measure;

use std::hint::black_box;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use hostkit::{CancellationToken, Host, Queue, RunningHost};
use measure::Bar;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::sync::mpsc;

/// The capacity of every queue here, hostkit's default.
const CAPACITY: usize = 100;
/// How many items one turn puts through.
const COUNT: u32 = 2_000;
/// How many turns there are.
const TURNS: usize = 201;
/// The last item of a turn.
const LAST: u64 = u64::MAX;

static DONE: Notify = Notify::const_new();

/// The work of every item. Workers beside each other may end the last item first, so each turn ends with a pause.
#[inline]
fn work(item: u64) {
    if black_box(item) == LAST {
        DONE.notify_one();
    }
}

#[hostkit::queued]
async fn noop(item: u64) {
    work(item);
}

#[hostkit::queued(concurrency = 16)]
async fn noop_sixteen(item: u64) {
    work(item);
}

#[hostkit::scoped]
struct Unit {
    #[inject(default = black_box(7))]
    number: u64,
}

#[hostkit::queued(timeout = "30s")]
async fn whole(item: u64, stop: CancellationToken, unit: &Unit) {
    black_box(unit.number);
    black_box(stop.is_cancelled());
    work(item);
}

#[hostkit::queued]
async fn with_token(item: u64, stop: CancellationToken) {
    black_box(stop.is_cancelled());
    work(item);
}

#[hostkit::queued(timeout = "30s")]
async fn with_timeout(item: u64) {
    work(item);
}

#[hostkit::queued]
async fn with_component(item: u64, unit: &Unit) {
    black_box(unit.number);
    work(item);
}

async fn start() -> RunningHost {
    let mut builder = Host::empty();
    builder.with::<noop>().with::<noop_sixteen>().with::<whole>();
    builder.with::<with_token>().with::<with_timeout>().with::<with_component>();
    let host = builder.build().await.expect("the wiring is whole");
    host.start().await.expect("nothing can fail")
}

/// Sends a turn's items, waits for the last.
macro_rules! turn {
    (|$item:ident| $send:expr) => {{
        for $item in (1..u64::from(COUNT)).chain([LAST]) {
            $send;
        }
        DONE.notified().await;
    }};
}

async fn ours<F: hostkit::__private::Queued<Payload = u64>>(queue: &Queue<F>) {
    turn!(|item| queue.enqueue(item).await.expect("the host runs"));
}

async fn send(sender: &mpsc::Sender<u64>) {
    turn!(|item| sender.send(item).await.expect("the worker runs"));
}

async fn send_shared(sender: &async_channel::Sender<u64>) {
    turn!(|item| sender.send(item).await.expect("the worker runs"));
}

/// Calls a function as every loop by hand does, and looks whether it panicked.
async fn caught(call: impl Future<Output = ()>) {
    assert!(AssertUnwindSafe(call).catch_unwind().await.is_ok(), "nothing panics");
}

/// One of a pool on a channel that is made for several receivers.
async fn noop_loop_shared(items: async_channel::Receiver<u64>) {
    while let Ok(item) = items.recv().await {
        caught(async { noop(item).await }).await;
    }
}

/// One of a pool on tokio's channel, as one writes it by hand.
async fn noop_loop_locked(items: Arc<tokio::sync::Mutex<mpsc::Receiver<u64>>>) {
    loop {
        let received = items.lock().await.recv().await;
        let Some(item) = received else { break };
        caught(async { noop(item).await }).await;
    }
}

async fn noop_loop(mut items: mpsc::Receiver<u64>) {
    while let Some(item) = items.recv().await {
        caught(async { noop(item).await }).await;
    }
}

async fn spawn_loop(mut items: mpsc::Receiver<u64>) {
    while let Some(item) = items.recv().await {
        tokio::spawn(async move { noop(item).await });
    }
}

async fn bounded_spawn_loop(mut items: mpsc::Receiver<u64>) {
    let permits = Arc::new(tokio::sync::Semaphore::new(16));
    while let Some(item) = items.recv().await {
        let permit = Arc::clone(&permits).acquire_owned().await.expect("nobody closes it");
        tokio::spawn(async move {
            noop(item).await;
            drop(permit);
        });
    }
}

async fn whole_loop(mut items: mpsc::Receiver<u64>) {
    let stop = CancellationToken::new();
    while let Some(item) = items.recv().await {
        let token = stop.child_token();
        let call = caught(async {
            let unit = Arc::new(Unit { number: black_box(7) });
            whole(item, token, &unit).await;
        });
        tokio::time::timeout(Duration::from_secs(30), call).await.expect("nothing takes so long");
    }
}

async fn token_loop(mut items: mpsc::Receiver<u64>) {
    let stop = CancellationToken::new();
    while let Some(item) = items.recv().await {
        let token = stop.child_token();
        caught(async { with_token(item, token).await }).await;
    }
}

async fn timeout_loop(mut items: mpsc::Receiver<u64>) {
    while let Some(item) = items.recv().await {
        let call = caught(async { with_timeout(item).await });
        tokio::time::timeout(Duration::from_secs(30), call).await.expect("nothing takes so long");
    }
}

async fn component_loop(mut items: mpsc::Receiver<u64>) {
    while let Some(item) = items.recv().await {
        caught(async {
            let unit = Arc::new(Unit { number: black_box(7) });
            with_component(item, &unit).await;
        })
        .await;
    }
}

/// The senders of everything that is written by hand.
struct ByHand {
    noop: mpsc::Sender<u64>,
    whole: mpsc::Sender<u64>,
    token: mpsc::Sender<u64>,
    timeout: mpsc::Sender<u64>,
    component: mpsc::Sender<u64>,
    spawning: mpsc::Sender<u64>,
    spawning_bounded: mpsc::Sender<u64>,
    pool: mpsc::Sender<u64>,
    pool_shared: async_channel::Sender<u64>,
}

fn spawn<Fut: Future<Output = ()> + Send + 'static>(work: fn(mpsc::Receiver<u64>) -> Fut) -> mpsc::Sender<u64> {
    let (sender, items) = mpsc::channel(CAPACITY);
    tokio::spawn(work(items));
    sender
}

impl ByHand {
    fn start() -> Self {
        let (pool, items) = mpsc::channel(CAPACITY);
        let items = Arc::new(tokio::sync::Mutex::new(items));
        let (pool_shared, items_shared) = async_channel::bounded(CAPACITY);
        for _ in 0..16 {
            tokio::spawn(noop_loop_locked(Arc::clone(&items)));
            tokio::spawn(noop_loop_shared(items_shared.clone()));
        }
        Self {
            noop: spawn(noop_loop),
            whole: spawn(whole_loop),
            token: spawn(token_loop),
            timeout: spawn(timeout_loop),
            component: spawn(component_loop),
            spawning: spawn(spawn_loop),
            spawning_bounded: spawn(bounded_spawn_loop),
            pool,
            pool_shared,
        }
    }
}

/// Times a turn on a task of its own, because the thread that blocks on a runtime is none of its workers.
fn on<Fut: Future<Output = ()> + Send + 'static>(runtime: &Runtime, turn: Fut) -> Duration {
    runtime.block_on(async {
        let timing = tokio::spawn(async move {
            let began = std::time::Instant::now();
            turn.await;
            began.elapsed()
        });
        timing.await.expect("nothing panics")
    })
}

fn report(title: &str, runtime: &Runtime) {
    measure::head(title);
    let running = runtime.block_on(start());
    let hand = runtime.block_on(async { ByHand::start() });
    let queue = running.queue::<noop>().expect("the host runs it");
    let pool = running.queue::<noop_sixteen>().expect("the host runs it");

    macro_rules! row {
        ($what:expr, $queue:expr, $send:ident($sender:expr), $bar:expr) => {
            let compared = measure::compare(
                TURNS,
                || {
                    let queue = $queue.clone();
                    on(runtime, async move { ours(&queue).await })
                },
                || {
                    let sender = $sender.clone();
                    on(runtime, async move { $send(&sender).await })
                },
            );
            measure::throughput($what, COUNT, compared, $bar);
        };
    }
    row!(
        "no-op, concurrency 1 : loop by hand on the same channel, tokio's mpsc",
        queue,
        send(hand.noop),
        Bar::AtLeast(0.7)
    );
    let whole = running.queue::<whole>().expect("the host runs it");
    row!("token, timeout and component : loop by hand", whole, send(hand.whole), Bar::AtLeast(0.7));
    row!("    token : the same by hand", running.queue::<with_token>().expect("it runs"), send(hand.token), Bar::None);
    row!("    timeout : the same", running.queue::<with_timeout>().expect("it runs"), send(hand.timeout), Bar::None);
    let with_component = running.queue::<with_component>().expect("the host runs it");
    row!("    component : the same by hand", with_component, send(hand.component), Bar::None);
    row!("no-op, concurrency 16 : a task per item, tokio's mpsc", pool, send(hand.spawning), Bar::AtLeast(2.0));
    let bounded = &hand.spawning_bounded;
    row!("no-op, concurrency 16 : the same, at most 16 tasks", pool, send(bounded), Bar::AtLeast(2.0));
    row!("no-op, concurrency 16 : a pool by hand, same channel", pool, send(hand.pool), Bar::AtLeast(0.6));
    let shared = &hand.pool_shared;
    row!("no-op, concurrency 16 : a pool by hand, async-channel", pool, send_shared(shared), Bar::AtLeast(0.6));
    runtime.block_on(running.stop()).expect("nothing can fail");
}

/// Fills a queue and lets its workers empty it, so that nobody waits for a place.
async fn in_batches(count: u32, is_empty: impl Fn() -> bool, put: impl Fn(u64)) {
    for _ in 0..count / 100 {
        (0..100).for_each(&put);
        while !is_empty() {
            tokio::task::yield_now().await;
        }
    }
}

async fn run(case: &str, count: u32) {
    let running = start().await;
    let hand = ByHand::start();
    macro_rules! case {
        ($queue:ident) => {{
            let queue = running.queue::<$queue>().expect("the host runs it");
            batches(
                count,
                || queue.is_empty(),
                |item| {
                    queue.try_enqueue(item).expect("there is room");
                },
            )
            .await;
        }};
        ($sender:expr) => {{
            let sender = &$sender;
            batches(count, || sender.capacity() == CAPACITY, |item| sender.try_send(item).expect("there is room"))
                .await;
        }};
    }
    use in_batches as batches;
    match case {
        "no-op" => case!(noop),
        "no-op by hand" => case!(hand.noop),
        "token, timeout and component" => case!(whole),
        "token, timeout and component by hand" => case!(hand.whole),
        "token" => case!(with_token),
        "token by hand" => case!(hand.token),
        "timeout" => case!(with_timeout),
        "timeout by hand" => case!(hand.timeout),
        "component" => case!(with_component),
        "component by hand" => case!(hand.component),
        other => panic!("there is no case {other}"),
    }
}

fn counts(runtime: &Runtime) {
    measure::head("Counted per item, one thread, in batches of 100");
    let cases = ["no-op", "token, timeout and component", "token", "timeout", "component"];
    let allocations = |case: &str| {
        let of = |count| {
            runtime.block_on(async {
                measure::allocations_start();
                run(case, count).await;
                measure::allocations_stop() as f64
            })
        };
        (of(20_000) - of(10_000)) / 10_000.0
    };
    for case in cases {
        let (ours, theirs) = (allocations(case), allocations(&format!("{case} by hand")));
        let bar = if case == "no-op" { Bar::AtMost(0.05) } else { Bar::None };
        measure::counted(&format!("allocations: {case}"), ours, theirs, ours, bar);
    }
    if !measure::counts_instructions() {
        return;
    }
    for case in cases {
        let (ours, theirs) = (measure::instructions(case), measure::instructions(&format!("{case} by hand")));
        measure::counted(&format!("instructions: {case}"), ours, theirs, ours / theirs, Bar::None);
    }
}

fn main() {
    let mut multi = tokio::runtime::Builder::new_multi_thread();
    let multi = multi.worker_threads(2).enable_all().build().expect("a runtime can be built");
    let single = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    if let Some((case, count)) = measure::alone() {
        single.block_on(run(&case, count));
        return;
    }
    report("Items through a queue, two threads", &multi);
    report("Items through a queue, one thread", &single);
    counts(&single);
}
