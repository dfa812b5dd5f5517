//! What a scope costs: a graph five deep against the same five `Arc`s made by hand.

#![allow(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::items_after_statements,
    clippy::similar_names,
    reason = "counts are small, and code written by hand is written as one would"
)]
#![allow(missing_docs, reason = "a bench has no readers but its own")]

mod measure;
mod thousand;

use std::hint::black_box;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;
use hostkit::{Host, HostBuilder, Outcome, Queue, RunningHost, Scopes};
use measure::{Bar, timed};
use tokio::runtime::Runtime;

#[hostkit::scoped]
struct One {
    #[inject(default = black_box(7))]
    number: u64,
}

#[hostkit::scoped]
struct Two {
    one: Arc<One>,
}

#[hostkit::scoped]
struct Three {
    two: Arc<Two>,
}

#[hostkit::scoped]
struct Four {
    three: Arc<Three>,
}

#[hostkit::scoped]
struct Five {
    four: Arc<Four>,
}

impl Five {
    fn read(&self) -> u64 {
        self.four.three.two.one.number
    }
}

fn by_hand() -> Arc<Five> {
    let one = Arc::new(One { number: black_box(7) });
    let two = Arc::new(Two { one });
    let three = Arc::new(Three { two });
    let four = Arc::new(Four { three });
    Arc::new(Five { four })
}

/// Where the worker leaves what it was given.
static SCOPES: OnceLock<Scopes<Five>> = OnceLock::new();

#[hostkit::background_service(on_complete = "keep-running")]
async fn hand_out(scopes: Scopes<Five>) {
    SCOPES.get_or_init(|| scopes);
}

#[hostkit::singleton]
struct Settings {
    #[inject(default = black_box(7))]
    number: u64,
}

#[hostkit::queued]
async fn without(item: u64) {
    black_box(item);
}

#[hostkit::queued]
async fn with_singleton(item: u64, settings: &Settings) {
    black_box(item + settings.number);
}

#[hostkit::queued]
async fn with_two_singletons(item: u64, settings: &Settings, again: &Settings) {
    black_box(item + settings.number + again.number);
}

/// What a loop by hand keeps its singleton in.
struct Holder {
    settings: Arc<Settings>,
}

macro_rules! unused {
    ($($name:ident)*) => {
        $(
            mod $name {
                #[hostkit::scoped]
                pub(crate) struct Unused {
                    #[allow(dead_code, reason = "it only makes an edge")]
                    one: std::sync::Arc<super::One>,
                }
            }
        )*

        fn register_a_thousand(host: &mut HostBuilder) {
            $(host.with::<$name::Unused>();)*
        }
    };
}
thousand::thousand!(unused);

/// The suffix of a case whose host has a thousand components that nothing asks for.
const UNUSED: &str = "-unused";

async fn start(with_unused: bool) -> RunningHost {
    let mut builder = Host::empty();
    builder.with::<hand_out>().with::<without>().with::<with_singleton>().with::<with_two_singletons>();
    if with_unused {
        register_a_thousand(&mut builder);
    }
    let host = builder.build().await.expect("the wiring is whole");
    let running = host.start().await.expect("nothing can fail");
    while SCOPES.get().is_none() {
        tokio::task::yield_now().await;
    }
    running
}

async fn open(count: u32) {
    let scopes = SCOPES.get().expect("the worker has handed it out");
    for _ in 0..count {
        let five = scopes.open().await.expect("nothing can fail");
        black_box(five.read());
    }
}

async fn open_run_close(count: u32) {
    let scopes = SCOPES.get().expect("the worker has handed it out");
    for _ in 0..count {
        let five = scopes.open().await.expect("nothing can fail");
        let read = AssertUnwindSafe(async { five.read() }).catch_unwind().await;
        black_box(read.is_ok_and(|number| number == 7));
        five.close(Outcome::Succeeded).await.expect("nothing can fail");
    }
}

async fn hand(count: u32) {
    for _ in 0..count {
        black_box(by_hand().read());
    }
}

/// Puts items into a queue, a hundred at a time, and lets its worker empty it.
async fn fill<F: hostkit::__private::InProcess<Payload = u64>>(running: &RunningHost, count: u32) {
    let queue: Queue<F> = running.queue::<F>().expect("the host runs it");
    for _ in 0..count / 100 {
        for item in 0..100 {
            queue.try_enqueue(item).expect("there is room for a hundred");
        }
        while !queue.is_empty() {
            tokio::task::yield_now().await;
        }
    }
}

/// The same with a worker by hand, which calls the same function under `catch_unwind`.
macro_rules! fill_by_hand {
    ($count:expr, |$item:ident, $holder:ident| $call:expr) => {{
        let (sender, mut items) = tokio::sync::mpsc::channel(100);
        let holder = Holder { settings: Arc::new(Settings { number: 7 }) };
        let worker = async move {
            let $holder = &holder;
            while let Some($item) = items.recv().await {
                if AssertUnwindSafe(async { $call.await }).catch_unwind().await.is_err() {
                    panic!("nothing panics");
                }
            }
        };
        let worker = tokio::task::spawn(worker);
        for _ in 0..$count / 100 {
            for item in 0..100_u64 {
                sender.try_send(item).expect("there is room for a hundred");
            }
            while sender.capacity() < 100 {
                tokio::task::yield_now().await;
            }
        }
        worker.abort();
    }};
}

async fn run(case: &str, running: &RunningHost, count: u32) {
    match case {
        "hand" => hand(count).await,
        "open" => open(count).await,
        "open, run, close" => open_run_close(count).await,
        "queue" => fill::<without>(running, count).await,
        "queue, &T" => fill::<with_singleton>(running, count).await,
        "queue, &T, &T" => fill::<with_two_singletons>(running, count).await,
        "queue by hand" => fill_by_hand!(count, |item, _holder| without(item)),
        "queue by hand, &T" => fill_by_hand!(count, |item, holder| with_singleton(item, &holder.settings)),
        "queue by hand, &T, &T" => {
            fill_by_hand!(count, |item, holder| with_two_singletons(item, &holder.settings, &holder.settings));
        }
        other => panic!("there is no case {other}"),
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    match measure::alone() {
        Some((case, count)) => runtime.block_on(async {
            let running = start(case.ends_with(UNUSED)).await;
            run(case.trim_end_matches(UNUSED), &running, count).await;
        }),
        None => report(&runtime),
    }
}

/// Runs in a turn, and turns.
const COUNT: u32 = 200;
const TURNS: usize = 2_001;

fn report(runtime: &Runtime) {
    measure::head("A scoped graph five deep, one run");
    let running = runtime.block_on(start(false));
    let by_hand = || timed(|| runtime.block_on(hand(COUNT)));
    let compared = measure::compare(TURNS, || timed(|| runtime.block_on(open(COUNT))), by_hand);
    measure::cost("execute the plan and drop it : five `Arc`s by hand", COUNT, compared, Bar::AtMost(2.2));
    let compared = measure::compare(TURNS, || timed(|| runtime.block_on(open_run_close(COUNT))), by_hand);
    measure::cost("open, run under catch_unwind, close : five `Arc`s by hand", COUNT, compared, Bar::AtMost(3.2));

    let allocations = |case| {
        runtime.block_on(async {
            measure::allocations_start();
            run(case, &running, COUNT).await;
            measure::allocations_stop() as f64 / f64::from(COUNT)
        })
    };
    let hand = allocations("hand");
    for case in ["open", "open, run, close"] {
        let ours = allocations(case);
        measure::counted(&format!("allocations: {case}"), ours, hand, ours, Bar::AtMost(7.0));
    }
    if !measure::counts_instructions() {
        return;
    }
    let hand = measure::instructions("hand");
    for case in ["open", "open, run, close"] {
        let ours = measure::instructions(case);
        measure::counted(&format!("instructions: {case}"), ours, hand, ours / hand, Bar::None);
        let with_unused = measure::instructions(&format!("{case}{UNUSED}"));
        let what = format!("instructions: {case}: beside 1,000 unused components : alone");
        measure::counted(&what, with_unused, ours, with_unused / ours, Bar::AtMost(1.001));
    }

    measure::head("A singleton by `&T`, instructions per item of a queue");
    let ours = ["queue", "queue, &T", "queue, &T, &T"].map(measure::instructions);
    let theirs = ["queue by hand", "queue by hand, &T", "queue by hand, &T, &T"].map(measure::instructions);
    measure::counted("an item", ours[0], theirs[0], ours[0] - theirs[0], Bar::None);
    for (many, what) in [(1_u32, "more with `&T`"), (2, "more with `&T, &T`")] {
        let (ours, theirs) = (ours[many as usize] - ours[0], theirs[many as usize] - theirs[0]);
        measure::counted(what, ours, theirs, ours - theirs, Bar::AtMost(2.0 * f64::from(many)));
    }
}
