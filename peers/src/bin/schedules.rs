//! Schedules: hostkit, tokio-cron-scheduler, and bare tokio.

#[path = "../../../hostkit/benches/thousand.rs"]
mod thousand;
#[path = "../../../hostkit/benches/thousand_schedules.rs"]
mod thousand_schedules;
#[path = "../../../hostkit/benches/timers.rs"]
mod timers;

use timers::{BURSTS, GROUP, Resting};
use tokio::runtime::Runtime;
use tokio_cron_scheduler::{Job, JobScheduler};

/// A hundred thousand schedules at rest.
const RESTING: usize = 100;

/// Theirs takes long to add a job, so there are fewer: ten thousand.
const THEIRS: usize = 10;

async fn theirs(groups: usize, schedule: &str) -> JobScheduler {
    let scheduler = JobScheduler::new().await.expect("it can be made");
    for _ in 0..groups * GROUP {
        let job = Job::new_async(schedule, |_id, _scheduler| Box::pin(async { timers::late_for_the_second() }));
        scheduler.add(job.expect("the schedule is right")).await.expect("it can be added");
    }
    scheduler.start().await.expect("it can be started");
    scheduler
}

async fn theirs_late() -> [u64; 3] {
    let _scheduler = theirs(BURSTS.groups, "* * * * * *").await;
    timers::lateness().await
}

async fn theirs_rest() -> [u64; 3] {
    let resting = Resting::before();
    let _scheduler = theirs(THEIRS, "0 0 0 1 1 *").await;
    resting.of(THEIRS * GROUP).await
}

fn main() {
    let runtime = Runtime::new().expect("a runtime can be made");
    if let Some(case) = timers::case() {
        timers::found(runtime.block_on(async {
            match case.as_str() {
                "late bare" => timers::bare_lateness(BURSTS).await,
                "late every" => thousand_schedules::late_every(BURSTS).await,
                "late cron" => thousand_schedules::late_cron().await,
                "late theirs" => theirs_late().await,
                "rest bare" => timers::bare_rest(RESTING).await,
                "rest every" => thousand_schedules::rest(RESTING, "every", "1h").await,
                "rest hosts" => thousand_schedules::rest_of_hosts(RESTING).await,
                "rest cron" => thousand_schedules::rest(RESTING, "cron", "0 0 1 1 *").await,
                "rest theirs" => theirs_rest().await,
                case => panic!("no case {case}"),
            }
        }));
        return;
    }
    const LATE: [&str; 4] = ["late bare", "late every", "late cron", "late theirs"];
    println!("lateness of 10,000 jobs every second, in us     median      p99     runs");
    let turns = timers::turns(&LATE);
    for (case, [median, p99, runs]) in LATE.iter().zip(&turns) {
        println!("{case:<45} {median:>8} {p99:>8} {runs:>8}");
    }
    println!("p99, every to bare: {:.2}", turns[1][1] as f64 / turns[0][1] as f64);
    println!("\nat rest: each, bytes in use and resident; all, us of CPU a minute");
    for case in ["rest bare", "rest hosts", "rest every", "rest cron", "rest theirs"] {
        let [live, resident, cpu] = timers::run(case);
        println!("{case:<45} {live:>8} {resident:>8} {cpu:>8}");
    }
}
