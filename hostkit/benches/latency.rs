//! How long an item waits for its work to begin, and what it holds while it waits: against tokio's channel by hand.

#![allow(clippy::disallowed_methods, reason = "code written by hand is written as one would")]
#![allow(missing_docs, reason = "a bench has no readers but its own")]

mod measure;
mod paced;

use std::hint::black_box;

use hostkit::{Host, RunningHost};
use measure::{Bar, Comparison};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

/// How many turns each side has.
const TURNS: usize = 41;
/// How many items wait, with a payload of eight bytes.
const WAITING: usize = 1_000_000;

#[hostkit::queued]
async fn begin(sent: u64) {
    paced::begun(sent);
}

async fn loop_by_hand(mut items: mpsc::Receiver<u64>) {
    while let Some(sent) = items.recv().await {
        paced::begun(sent);
    }
}

/// The first item of this queue keeps its worker for ever.
#[hostkit::queued]
async fn hold(_item: u64) {
    std::future::pending::<()>().await;
}

async fn start(capacity: usize) -> RunningHost {
    let mut builder = Host::empty();
    let capacity = capacity.to_string();
    builder.with::<begin>().with::<hold>().set("queued.hold.capacity", &capacity).set("queued.hold.drain", "false");
    builder.set("host.stop_timeout", "1s");
    builder.build().await.expect("the wiring is whole").start().await.expect("nothing can fail")
}

fn waits(title: &str, runtime: &Runtime) {
    let running = runtime.block_on(start(1));
    let queue = running.queue::<begin>().expect("the host runs it");
    let (sender, items) = mpsc::channel(100);
    runtime.spawn(loop_by_hand(items));
    // The thread that blocks on a runtime is none of its workers, so what sends has a task of its own.
    let ours = || {
        let queue = queue.clone();
        let turn = runtime.spawn(paced::turn(async move |sent| {
            queue.enqueue(sent).await.expect("the host runs");
        }));
        runtime.block_on(turn).expect("nothing panics")
    };
    let theirs = || {
        let sender = sender.clone();
        let turn = runtime.spawn(paced::turn(async move |sent| {
            sender.send(sent).await.expect("the loop runs");
        }));
        runtime.block_on(turn).expect("nothing panics")
    };
    ours();
    theirs();
    let turns: Vec<_> = (0..TURNS)
        .map(|turn| {
            // Whoever goes second finds the machine as the other left it.
            if turn % 2 == 0 {
                let ours = ours();
                (ours, theirs())
            } else {
                let theirs = theirs();
                (ours(), theirs)
            }
        })
        .collect();
    for (index, what, bar) in [(0, "median", Bar::None), (1, "99th percentile", Bar::AtMost(2.0))] {
        let compared = Comparison {
            ours: measure::median(turns.iter().map(|(ours, _)| ours[index])),
            theirs: measure::median(turns.iter().map(|(_, theirs)| theirs[index])),
            ratio: measure::median(
                turns.iter().map(|(ours, theirs)| ours[index].as_secs_f64() / theirs[index].as_secs_f64()),
            ),
        };
        measure::cost(&format!("{title}, {what} : loop by hand on tokio's mpsc"), 1, compared, bar);
    }
    drop(runtime.block_on(running.stop()));
}

/// The bytes in use after both sides took so many items, of which the first is under way.
fn memory(runtime: &Runtime) {
    let item = |item: usize| black_box(item as u64);
    let ours = runtime.block_on(async {
        measure::bytes_start();
        let running = start(WAITING).await;
        let queue = running.queue::<hold>().expect("the host runs it");
        for number in 0..=WAITING {
            queue.enqueue(item(number)).await.expect("the host runs");
        }
        assert_eq!(queue.len(), WAITING, "all but the first wait");
        let bytes = measure::bytes_stop();
        // Its leftovers are what it is about.
        drop(running.stop().await);
        bytes
    });
    let theirs = runtime.block_on(async {
        measure::bytes_start();
        let (sender, mut items) = mpsc::channel(WAITING);
        let worker = tokio::spawn(async move {
            while let Some(item) = items.recv().await {
                hold(item).await;
            }
        });
        for number in 0..=WAITING {
            sender.send(item(number)).await.expect("the loop runs");
        }
        assert_eq!(sender.capacity(), 0, "all but the first wait");
        let bytes = measure::bytes_stop();
        worker.abort();
        bytes
    });
    #[allow(clippy::cast_precision_loss, reason = "so many bytes there are not")]
    let each = |bytes: i64| bytes as f64 / WAITING as f64;
    let (ours, theirs) = (each(ours), each(theirs));
    measure::counted("bytes of each that waits : tokio's mpsc", ours, theirs, ours / theirs, Bar::AtMost(1.3));
}

fn main() {
    let mut multi = tokio::runtime::Builder::new_multi_thread();
    let multi = multi.worker_threads(2).enable_all().build().expect("a runtime can be built");
    let single = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    measure::head("A million items wait, with all that the host holds");
    memory(&single);
    measure::head("From enqueue to start, a thousand items a second");
    waits("two threads", &multi);
    waits("one thread", &single);
}
