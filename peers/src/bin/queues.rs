//! Queues in the process: hostkit, apalis with its storage in memory, and bare tokio.
//!
//! All do the same: a function that does nothing is called for every item, and a panic in it would harm no other item.
//! apalis' storage has no bound, so hostkit's queues are large enough that nobody waits for a place.

#![allow(clippy::disallowed_methods, reason = "a bench looks at the real clock, and apalis spawns as one tells it to")]

#[path = "../../../hostkit/benches/measure.rs"]
mod measure;
#[path = "../../../hostkit/benches/paced.rs"]
mod paced;

use std::hint::black_box;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use apalis::prelude::{
    MemorySink, MemoryStorage, MemoryStorageError, ParallelizeExt, Task, TaskBuilder, WorkerBuilder, WorkerBuilderExt,
};
use futures::channel::mpsc as channel;
use futures::lock::Mutex;
use futures::{FutureExt, Sink, SinkExt, StreamExt};
use hostkit::{Host, Queue, RunningHost};
use measure::{Bar, Comparison};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, mpsc};

/// How many items one turn puts through.
const COUNT: u32 = 2_000;
/// How many turns there are of those, and of those at a pace.
const TURNS: usize = 201;
const PACED: usize = 41;
/// The last item of a turn.
const LAST: u64 = u64::MAX;

static DONE: Notify = Notify::const_new();

/// The work of every item.
fn work(item: u64) {
    if black_box(item) == LAST {
        DONE.notify_one();
    }
}

#[hostkit::queued]
async fn one(item: u64) {
    work(item);
}

#[hostkit::queued(concurrency = 16)]
async fn sixteen(item: u64) {
    work(item);
}

#[hostkit::queued]
async fn begin(sent: u64) {
    paced::begun(sent);
}

async fn start() -> RunningHost {
    let mut builder = Host::empty();
    builder.with::<one>().with::<sixteen>().with::<begin>();
    let capacity = COUNT.to_string();
    builder.set("queued.one.capacity", &capacity).set("queued.sixteen.capacity", &capacity);
    builder.build().await.expect("the wiring is whole").start().await.expect("nothing can fail")
}

/// What `MemoryStorage::new` makes, and another sink into it: the storage itself goes to its worker.
///
/// They do not share a sink, because one that two threads find locked at once forgets to wake whoever waits for it
/// (`MemorySink::poll_ready` in apalis-core 1.0.0 drops the future of the lock), and the worker looks at its sink, too.
fn storage() -> (MemoryStorage<u64>, MemorySink<u64>) {
    type Sending = Box<dyn Sink<Task<u64>, Error = MemoryStorageError> + Send + Sync + Unpin>;
    let (sender, receiver) = channel::unbounded();
    let sink = |sender: channel::UnboundedSender<Task<u64>>| {
        let sending: Sending = Box::new(sender.sink_map_err(MemoryStorageError::from));
        MemorySink::new(Arc::new(Mutex::new(sending)))
    };
    (MemoryStorage::new_with(sink(sender.clone()), receiver.boxed()), sink(sender))
}

async fn done(item: u64) {
    work(item);
}

async fn begun(sent: u64) {
    paced::begun(sent);
}

/// Their worker on a task of its own, and the way to it.
macro_rules! theirs {
    ($runtime:expr, $function:expr, $($layer:tt)*) => {{
        let (storage, sink) = storage();
        let worker = WorkerBuilder::new("worker").backend(storage).catch_panic()$($layer)*.build($function);
        $runtime.spawn(worker.run().map(|ended| ended.expect("it runs until the end of the program")));
        sink
    }};
}

async fn push(sink: &mut MemorySink<u64>, item: u64) {
    sink.send(TaskBuilder::new(item).build()).await.expect("the worker runs");
}

async fn loop_by_hand(mut items: mpsc::Receiver<u64>) {
    while let Some(sent) = items.recv().await {
        assert!(AssertUnwindSafe(begun(sent)).catch_unwind().await.is_ok(), "nothing panics");
    }
}

fn items() -> impl Iterator<Item = u64> {
    (1..u64::from(COUNT)).chain([LAST])
}

/// Times a turn on a task of its own, because the thread that blocks on a runtime is none of its workers.
fn on(runtime: &Runtime, turn: impl Future<Output = ()> + Send + 'static) -> Duration {
    let timing = runtime.spawn(async move {
        let began = Instant::now();
        turn.await;
        DONE.notified().await;
        began.elapsed()
    });
    runtime.block_on(timing).expect("nothing panics")
}

fn ours_done<F: hostkit::__private::Queued<Payload = u64>>(runtime: &Runtime, queue: &Queue<F>) -> Duration {
    let queue = queue.clone();
    on(runtime, async move {
        for item in items() {
            queue.enqueue(item).await.expect("the host runs");
        }
    })
}

fn theirs_done(runtime: &Runtime, sink: &MemorySink<u64>) -> Duration {
    let mut sink = sink.clone();
    on(runtime, async move {
        for item in items() {
            push(&mut sink, item).await;
        }
    })
}

fn throughput(runtime: &Runtime, running: &RunningHost) {
    measure::head("Items that do nothing; the figure is how many of ours fit into the time of one of theirs");
    let (one, sixteen) = (running.queue::<one>().expect("it runs"), running.queue::<sixteen>().expect("it runs"));
    let row = |what: &str, ours: &dyn Fn() -> Duration, sink: &MemorySink<u64>| {
        let compared = measure::compare(TURNS, ours, || theirs_done(runtime, sink));
        measure::throughput(what, COUNT, compared, Bar::None);
    };
    let (ours_one, ours_sixteen) = (|| ours_done(runtime, &one), || ours_done(runtime, &sixteen));
    row("concurrency 1 : apalis", &ours_one, &theirs!(runtime, done, .concurrency(1)));
    row("concurrency 16 : apalis, on one task", &ours_sixteen, &theirs!(runtime, done, .concurrency(16)));
    let spawning = theirs!(runtime, done, .concurrency(16).parallelize(tokio::spawn));
    row("concurrency 16 : apalis, a task for each item", &ours_sixteen, &spawning);
}

fn latency(runtime: &Runtime, running: &RunningHost) {
    measure::head("From enqueue to start, a thousand items a second; the figure is to bare tokio");
    let queue = running.queue::<begin>().expect("it runs");
    let sink = theirs!(runtime, begun, .concurrency(1));
    let (sender, receiver) = mpsc::channel(100);
    runtime.spawn(loop_by_hand(receiver));
    let ours = || {
        let queue = queue.clone();
        runtime.spawn(paced::turn(async move |sent| {
            queue.enqueue(sent).await.expect("the host runs");
        }))
    };
    let theirs = || {
        let mut sink = sink.clone();
        runtime.spawn(paced::turn(async move |sent| push(&mut sink, sent).await))
    };
    let bare = || {
        let sender = sender.clone();
        runtime.spawn(paced::turn(async move |sent| sender.send(sent).await.expect("the loop runs")))
    };
    let turns: Vec<[[Duration; 2]; 3]> = (0..=PACED)
        .map(|turn| {
            let mut waited = [[Duration::ZERO; 2]; 3];
            // Whoever goes first changes from turn to turn.
            for side in (0..3).map(|side| (side + turn) % 3) {
                let turn = match side {
                    0 => ours(),
                    1 => theirs(),
                    _ => bare(),
                };
                waited[side] = runtime.block_on(turn).expect("nothing panics");
            }
            waited
        })
        .skip(1)
        .collect();
    for (percentile, name) in ["median", "99th percentile"].into_iter().enumerate() {
        for (side, who) in [(0, "hostkit"), (1, "apalis")] {
            let compared = Comparison {
                ours: measure::median(turns.iter().map(|turn| turn[side][percentile])),
                theirs: measure::median(turns.iter().map(|turn| turn[2][percentile])),
                ratio: measure::median(
                    turns.iter().map(|turn| turn[side][percentile].as_secs_f64() / turn[2][percentile].as_secs_f64()),
                ),
            };
            measure::cost(&format!("{name}, {who} : bare tokio"), 1, compared, Bar::None);
        }
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    let running = runtime.block_on(start());
    throughput(&runtime, &running);
    latency(&runtime, &running);
    runtime.block_on(running.stop()).expect("nothing can fail");
}
