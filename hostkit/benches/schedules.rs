//! What ten thousand timers and a hundred thousand schedules at rest cost: against bare tokio tasks. `peers/` compares
//! with another scheduler.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::duration_suboptimal_units,
    clippy::items_after_statements,
    clippy::needless_for_each,
    clippy::similar_names,
    clippy::unchecked_time_subtraction,
    clippy::print_stdout,
    reason = "counts and times are small, a bench prints its table, and code by hand is written as one would"
)]
#![allow(dead_code, reason = "what is timed is shared with the peers, and not all of it is used on each side")]
#![allow(missing_docs, reason = "a bench has no readers but its own")]

mod thousand;
mod thousand_schedules;
mod timers;

use tokio::runtime::Runtime;

/// A hundred thousand schedules at rest.
const RESTING: usize = 100;

/// Runs a case on one thread with a paused clock for so many seconds of it.
fn paused(case: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime can be made").block_on(case);
}

fn main() {
    let runtime = Runtime::new().expect("a runtime can be made");
    match timers::case().as_deref() {
        Some("runs bare") => return paused(timers::bare_runs(timers::count())),
        Some("runs every") => return paused(thousand_schedules::runs_every(timers::count())),
        _ => {}
    }
    if let Some(case) = timers::case() {
        timers::found(runtime.block_on(async {
            match case.as_str() {
                "bursts bare" => timers::bare_lateness(timers::BURSTS).await,
                "bursts every" => thousand_schedules::late_every(timers::BURSTS).await,
                "spread bare" => timers::bare_lateness(timers::SPREAD).await,
                "spread every" => thousand_schedules::late_every(timers::SPREAD).await,
                "rest bare" => timers::bare_rest(RESTING).await,
                "rest every" => thousand_schedules::rest(RESTING, "every", "1h").await,
                "rest hosts" => thousand_schedules::rest_of_hosts(RESTING).await,
                "rest cron" => thousand_schedules::rest(RESTING, "cron", "0 0 1 1 *").await,
                case => panic!("no case {case}"),
            }
        }));
        return;
    }
    println!("lateness of 10,000 timers of 1 s, in us        median      p99     runs");
    for (shape, in_words) in [("spread", "100 every 10 ms"), ("bursts", "1,000 every 100 ms")] {
        let turns = timers::turns(&[&format!("{shape} bare"), &format!("{shape} every")]);
        let ([bare50, bare99, bare_runs], [ours50, ours99, runs]) = (turns[0], turns[1]);
        println!("{in_words}");
        println!("  tokio::time::interval                      {bare50:>8} {bare99:>8} {bare_runs:>8}");
        println!("  periodic(every = \"1s\")                     {ours50:>8} {ours99:>8} {runs:>8}");
        println!("  p99, ours to theirs: {:.2} (at most 1.2)", ours99 as f64 / bare99 as f64);
    }
    if let (Some(bare), Some(ours)) = (timers::instructions("runs bare"), timers::instructions("runs every")) {
        println!("\ninstructions of a run                               bare     ours");
        println!("on a paused clock                             {bare:>10.0} {ours:>8.0}");
    }
    println!("\n100,000 at rest, each                         bytes in use, resident; us of CPU a minute, all");
    for case in ["rest bare", "rest hosts", "rest every", "rest cron"] {
        let [live, resident, cpu] = timers::run(case);
        println!("{case:<45} {live:>8} {resident:>8} {cpu:>8} (at most 2048, 2048, 10000)");
    }
}
