//! What a host of a thousand background services costs from build to stop: against a thousand tokio tasks.

#![allow(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::items_after_statements,
    clippy::similar_names,
    reason = "counts are small, and code written by hand is written as one would"
)]
#![allow(missing_docs, reason = "a bench has no readers but its own")]
#![allow(clippy::print_stdout, reason = "a bench prints its table")]

mod measure;
mod thousand;

use std::time::Duration;

use hostkit::{CancellationToken, Host, HostBuilder};
use measure::{Bar, timed};
use tokio::runtime::Runtime;
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
    };
}
thousand::thousand!(services);

/// The phases of one host's life.
#[derive(Debug, Clone, Copy)]
struct Phases {
    build: Duration,
    start: Duration,
    stop: Duration,
}

impl Phases {
    fn all(self) -> Duration {
        self.build + self.start + self.stop
    }
}

fn host(runtime: &Runtime) -> Phases {
    let mut built = None;
    let mut builder = Host::empty();
    register_a_thousand(&mut builder);
    let build = timed(|| built = Some(runtime.block_on(builder.build()).expect("the wiring is whole")));
    let host = built.take().expect("it was built just now");
    let mut started = None;
    let start = timed(|| started = Some(runtime.block_on(host.start()).expect("nothing can fail")));
    let running = started.take().expect("it was started just now");
    let stop = timed(|| runtime.block_on(running.stop()).expect("nothing can fail"));
    Phases { build, start, stop }
}

fn tasks(runtime: &Runtime) -> Duration {
    timed(|| {
        runtime.block_on(async {
            let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
            for _ in 0..1_000 {
                let stop = stop.clone();
                tracker.spawn(async move { stop.cancelled().await });
            }
            tracker.close();
            stop.cancel();
            tracker.wait().await;
        });
    })
}

fn report(title: &str, runtime: &Runtime) {
    measure::head(title);
    let mut phases = Vec::new();
    let ours = || {
        let one = host(runtime);
        phases.push(one);
        one.all()
    };
    let compared = measure::compare(51, ours, || tasks(runtime));
    measure::cost("build, start and stop : spawn and join", 1, compared, Bar::None);
    let limit = 3.0 * compared.theirs.as_secs_f64() + 0.005;
    let share = compared.ours.as_secs_f64() / limit;
    measure::counted("of the bar, which is three times theirs and 5 ms", share, 1.0, share, Bar::AtMost(1.0));
    let median = |phase: fn(&Phases) -> Duration| measure::median(phases.iter().map(phase));
    println!(
        "    build {:.2?}, start {:.2?}, stop {:.2?}",
        median(|all| all.build),
        median(|all| all.start),
        median(|all| all.stop)
    );
}

fn allocations(runtime: &Runtime) {
    measure::allocations_start();
    let ours = {
        host(runtime);
        measure::allocations_stop()
    };
    measure::allocations_start();
    tasks(runtime);
    let theirs = measure::allocations_stop();
    let per_service = |count: u64| count as f64 / 1_000.0;
    let figure = per_service(ours) - per_service(theirs);
    measure::counted("allocations per service", per_service(ours), per_service(theirs), figure, Bar::None);
}

fn main() {
    let mut multi = tokio::runtime::Builder::new_multi_thread();
    let multi = multi.worker_threads(2).enable_all().build().expect("a runtime can be built");
    let single = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    if let Some((case, count)) = measure::alone() {
        for _ in 0..count {
            match case.as_str() {
                "host" => drop(host(&single)),
                "host on two threads" => drop(host(&multi)),
                "tasks" => drop(tasks(&single)),
                other => panic!("there is no case {other}"),
            }
        }
        return;
    }
    report("1,000 background services, two threads", &multi);
    report("1,000 background services, one thread", &single);
    allocations(&single);
    let subscriber = tracing_subscriber::fmt().with_writer(std::io::sink).finish();
    tracing::subscriber::set_global_default(subscriber).expect("nothing has set one");
    report("1,000 background services, two threads, with a subscriber at INFO that writes nowhere", &multi);
}
