//! What an item of a queue costs, as ratios to loops written by hand and measured in the same run.
//!
//! `cargo bench -p hostkit --bench queue`
//!
//! Every figure is the median of seven rounds. A round measures both sides one right after the other and takes their
//! ratio, so that a busy machine slows both. Time runs from the first item to the last; hosts and loops are started
//! before. The hand-written loops do what a careful author would: they call the function under `catch_unwind` and count.

#![allow(clippy::print_stdout, reason = "it reports")]
#![allow(clippy::disallowed_methods, reason = "the loops to compare with are written as users write them")]
#![allow(missing_docs, reason = "a program")]

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use hostkit::{CancellationToken, Host};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::task::TaskTracker;

const ITEMS: u64 = 200_000;
const ROUNDS: usize = 7;
const CAPACITY: usize = 100;
const WORKERS: usize = 16;
const TIMEOUT: Duration = Duration::from_secs(5);

/// The last item was worked on.
static LAST: Notify = Notify::const_new();

/// Does nothing, in a way that the compiler cannot see through.
#[hostkit::queued(capacity = 100)]
async fn nothing(item: u64) -> Result<(), Infallible> {
    std::hint::black_box(item);
    if item + 1 == ITEMS {
        LAST.notify_one();
    }
    Ok(())
}

#[hostkit::scoped]
struct Seven {
    #[inject(default = 7)]
    seven: u64,
}

#[hostkit::queued(capacity = 100, timeout = "5s")]
async fn equipped(item: u64, seven: &Seven, stop: CancellationToken) -> Result<(), Infallible> {
    std::hint::black_box((seven.seven, &stop));
    nothing(item).await
}

/// A side of a comparison: how long one item takes, in nanoseconds.
type Side = fn() -> Pin<Box<dyn Future<Output = f64> + Send>>;

fn main() {
    let current = Builder::new_current_thread().enable_all().build();
    let multi = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    for (name, runtime) in [("one thread", current), ("two threads", multi)] {
        match runtime {
            Ok(runtime) => table(name, &runtime),
            Err(error) => println!("no runtime: {error}"),
        }
    }
}

fn table(runtime_name: &str, runtime: &Runtime) {
    println!("\n{runtime_name:<67} {:>7} {:>7} {:>6} {:>6}", "hostkit", "by hand", "ratio", "bar");
    let rows: [(&str, Side, Side, f64); 6] = [
        ("no-op, 1 worker : a loop on the same channel", || Box::pin(host(1)), || Box::pin(pool(1)), 0.7),
        ("no-op, 1 worker : a loop on tokio::sync::mpsc", || Box::pin(host(1)), || Box::pin(tokio_loop()), 0.6),
        (
            "token, timeout, component : a loop that makes them",
            || Box::pin(host_equipped()),
            || Box::pin(equipped_loop()),
            0.7,
        ),
        (
            "no-op, 16 workers : a task per item, 16 at once",
            || Box::pin(host(WORKERS)),
            || Box::pin(spawning(Some(WORKERS))),
            2.0,
        ),
        (
            "no-op, 16 workers : a task per item, without a limit",
            || Box::pin(host(WORKERS)),
            || Box::pin(spawning(None)),
            2.0,
        ),
        ("no-op, 16 workers : a pool on the same channel", || Box::pin(host(WORKERS)), || Box::pin(pool(WORKERS)), 0.6),
    ];
    for (name, ours, theirs, bar) in rows {
        let rounds: Vec<_> = (0..ROUNDS).map(|round| compare(runtime, ours, theirs, round)).collect();
        let ours = median(rounds.iter().map(|round| round.0));
        let theirs = median(rounds.iter().map(|round| round.1));
        let ratio = median(rounds.iter().map(|round| round.1 / round.0));
        println!("{name:<64} {ours:>7.0} ns {theirs:>4.0} ns {ratio:>6.2} {bar:>6.1}");
    }
}

/// Both sides once, the first of them in turns.
fn compare(runtime: &Runtime, ours: Side, theirs: Side, round: usize) -> (f64, f64) {
    let measure = |side: Side| runtime.block_on(async { tokio::spawn(side()).await.unwrap_or(f64::NAN) });
    if round.is_multiple_of(2) {
        let ours = measure(ours);
        (ours, measure(theirs))
    } else {
        let theirs = measure(theirs);
        (measure(ours), theirs)
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The time per item from the first one that the producer sends to the last one that is worked on.
async fn timed(producer: impl Future<Output = ()> + Send + 'static) -> f64 {
    let began = Instant::now();
    let producing = tokio::spawn(producer);
    LAST.notified().await;
    let took = began.elapsed();
    producing.await.ok();
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    let items = ITEMS as f64;
    took.as_secs_f64() * 1e9 / items
}

async fn host(workers: usize) -> f64 {
    let host = Host::empty().with::<nothing>().set("queued.nothing.concurrency", workers).build().await;
    let running = host.expect("it is wired").start().await.expect("it starts");
    let queue = running.queue::<nothing>().expect("it runs");
    let time = timed(async move {
        for item in 0..ITEMS {
            queue.enqueue(item).await.expect("the queue is open");
        }
    });
    let time = time.await;
    running.stop().await.expect("it stops");
    time
}

async fn host_equipped() -> f64 {
    let host = Host::empty().with::<equipped>().build().await;
    let running = host.expect("it is wired").start().await.expect("it starts");
    let queue = running.queue::<equipped>().expect("it runs");
    let time = timed(async move {
        for item in 0..ITEMS {
            queue.enqueue(item).await.expect("the queue is open");
        }
    });
    let time = time.await;
    running.stop().await.expect("it stops");
    time
}

/// Calls the function as a worker that must survive it would.
async fn guarded<T>(call: impl Future<Output = Result<(), T>>) -> bool {
    matches!(AssertUnwindSafe(call).catch_unwind().await, Ok(Ok(())))
}

async fn pool(workers: usize) -> f64 {
    let (sender, receiver) = async_channel::bounded(CAPACITY);
    for _ in 0..workers {
        let receiver = receiver.clone();
        tokio::spawn(async move {
            let mut failed = 0_u64;
            while let Ok(item) = receiver.recv().await {
                failed += u64::from(!guarded(nothing(item)).await);
            }
            failed
        });
    }
    timed(async move {
        for item in 0..ITEMS {
            sender.send(item).await.expect("the channel is open");
        }
    })
    .await
}

async fn tokio_loop() -> f64 {
    let (sender, mut receiver) = mpsc::channel(CAPACITY);
    tokio::spawn(async move {
        let mut failed = 0_u64;
        while let Some(item) = receiver.recv().await {
            failed += u64::from(!guarded(nothing(item)).await);
        }
        failed
    });
    timed(send(sender)).await
}

async fn equipped_loop() -> f64 {
    let (sender, receiver) = async_channel::bounded(CAPACITY);
    let stop = CancellationToken::new();
    tokio::spawn(async move {
        let mut failed = 0_u64;
        while let Ok(item) = receiver.recv().await {
            let seven = Arc::new(Seven { seven: 7 });
            let call = guarded(equipped(item, &seven, stop.child_token()));
            failed += u64::from(!matches!(tokio::time::timeout(TIMEOUT, call).await, Ok(true)));
        }
        failed
    });
    timed(async move {
        for item in 0..ITEMS {
            sender.send(item).await.expect("the channel is open");
        }
    })
    .await
}

async fn spawning(limit: Option<usize>) -> f64 {
    let (sender, mut receiver) = mpsc::channel(CAPACITY);
    tokio::spawn(async move {
        let tasks = TaskTracker::new();
        let places = limit.map(|limit| Arc::new(Semaphore::new(limit)));
        while let Some(item) = receiver.recv().await {
            let place = match &places {
                Some(places) => Arc::clone(places).acquire_owned().await.ok(),
                None => None,
            };
            tasks.spawn(async move {
                let succeeded = guarded(nothing(item)).await;
                drop(place);
                succeeded
            });
        }
    });
    timed(send(sender)).await
}

async fn send(sender: mpsc::Sender<u64>) {
    for item in 0..ITEMS {
        sender.send(item).await.expect("the channel is open");
    }
}
