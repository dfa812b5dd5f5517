//! A host at rest: how long it takes from SIGTERM to the exit, what a service takes in memory, what a mark costs a poll.

#![allow(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::items_after_statements,
    reason = "counts are small, and code written by hand is written as one would"
)]
#![allow(missing_docs, reason = "a bench has no readers but its own")]
#![allow(clippy::print_stdout, reason = "a bench prints its table, and tells its parent when it is ready")]

mod measure;
mod thousand;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use hostkit::{CancellationToken, Ext, Host, HostBuilder, HostLifetime, Queue};
use measure::Bar;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::task::TaskTracker;

macro_rules! services {
    ($($name:ident)*) => {
        $(
            #[hostkit::background_service]
            async fn $name(stop: CancellationToken) {
                stop.cancelled().await;
            }
        )*

        fn register_a_thousand(host: &mut HostBuilder) {
            $(host.with::<$name>();)*
        }

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}
thousand::thousand!(services);

#[hostkit::on_started]
async fn say_so() {
    println!("ready");
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime can be built")
}

fn host(services: usize) {
    runtime().block_on(async {
        let mut builder = Host::empty();
        register_a_thousand(&mut builder);
        builder.with::<say_so>().only(NAMES[..services].iter().copied());
        let host = builder.build().await.expect("the wiring is whole");
        host.run().await.expect("nothing can fail");
    });
}

fn tasks(count: usize) {
    runtime().block_on(async {
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let mut told = signal(SignalKind::terminate()).expect("signals can be handled");
        for _ in 0..count {
            let stop = stop.clone();
            tracker.spawn(async move { stop.cancelled().await });
        }
        println!("ready");
        told.recv().await;
        tracker.close();
        stop.cancel();
        tracker.wait().await;
    });
}

#[hostkit::background_service]
async fn yields(count: Ext<u32>, lifetime: HostLifetime) {
    for _ in 0..*count {
        tokio::task::yield_now().await;
    }
    lifetime.request_stop();
}

#[hostkit::queued]
async fn item(number: u32) {
    std::hint::black_box(number);
}

#[hostkit::background_service]
async fn enqueues(count: Ext<u32>, items: Queue<item>, lifetime: HostLifetime) {
    for number in 0..*count {
        items.enqueue(number).await.expect("the queue is open");
    }
    lifetime.request_stop();
}

/// Runs a host on one thread until it is done.
fn marked(count: u32, stall_after: &str, register: fn(&mut HostBuilder)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    runtime.block_on(async {
        let mut builder = Host::empty();
        builder.provide(count).set("host.stall_after", stall_after);
        register(&mut builder);
        let mut running = builder.build().await.expect("the wiring is whole").start().await.expect("nothing can fail");
        running.wait().await.expect("nothing can fail");
    });
}

fn alone(case: &str, count: u32) {
    let polls: fn(&mut HostBuilder) = |host| {
        host.with::<yields>();
    };
    let items: fn(&mut HostBuilder) = |host| {
        host.with::<enqueues>().with::<item>();
    };
    match case {
        "host" => host(count as usize),
        "tasks" => tasks(count as usize),
        "polls" => marked(count, "1s", polls),
        "polls without marks" => marked(count, "none", polls),
        "items" => marked(count, "1s", items),
        "items without marks" => marked(count, "none", items),
        other => panic!("there is no case {other}"),
    }
}

/// This program at rest, in one of the cases.
struct Resting {
    child: Child,
    shell: Child,
    orders: ChildStdin,
}

impl Resting {
    fn start(case: &str, count: u32) -> Self {
        let program = std::env::current_exe().expect("a bench knows its own file");
        let arguments = ["--alone", case, &count.to_string()];
        let mut child =
            Command::new(program).args(arguments).stdout(Stdio::piped()).spawn().expect("it can be started");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        assert!(lines.any(|line| line.is_ok_and(|line| line == "ready")), "it says so");
        // A shell that is there already sends the signal without having to be started.
        let mut shell = Command::new("sh").stdin(Stdio::piped()).spawn().expect("there is a shell");
        let orders = shell.stdin.take().expect("it is piped");
        std::thread::sleep(Duration::from_millis(300));
        Self { child, shell, orders }
    }

    /// The memory that is its own, in bytes.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it lives");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("Linux says so");
        1024.0 * line.trim().trim_end_matches(" kB").parse::<f64>().expect("it is a number")
    }

    /// How long it takes from SIGTERM to its exit.
    fn stop(mut self) -> Duration {
        let began = Instant::now();
        writeln!(self.orders, "kill -TERM {}", self.child.id()).expect("the shell reads");
        let status = self.child.wait().expect("it ends");
        let took = began.elapsed();
        assert!(status.success(), "{status}");
        drop(self.orders);
        self.shell.wait().expect("it ends");
        took
    }
}

fn main() {
    if let Some((case, count)) = measure::alone() {
        alone(&case, count);
        return;
    }
    measure::head("a host at rest");
    let stop = |case| move || Resting::start(case, 1_000).stop();
    let compared = measure::compare(21, stop("host"), stop("tasks"));
    measure::cost("from SIGTERM to the exit, 1,000 background services : tasks", 1, compared, Bar::AtMost(3.0));
    let each = |case| {
        let memory = |count| {
            let resting = Resting::start(case, count);
            let memory = resting.memory();
            resting.stop();
            memory
        };
        measure::median((0..7).map(|_| (memory(1_000) - memory(1)) / 999.0))
    };
    let (ours, theirs) = (each("host"), each("tasks"));
    measure::counted("bytes of a background service : of a task", ours, theirs, ours - theirs, Bar::AtMost(2048.0));
    if measure::counts_instructions() {
        for case in ["polls", "items"] {
            let without = format!("{case} without marks");
            let (ours, theirs) = (measure::instructions(case), measure::instructions(&without));
            measure::counted(&format!("instructions: {case} : {without}"), ours, theirs, ours - theirs, Bar::None);
        }
    }
}
