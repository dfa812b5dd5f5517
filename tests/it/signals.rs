//! Signals at whatever moment they come: fifty programs for each, on either flavour of the runtime.

use std::time::{Duration, Instant};

use crate::child::{Ended, Program, side_by_side, signal};
use crate::support::directory;

/// One that runs on several threads and one that runs on its only one.
const FLAVOURS: [&str; 2] = [env!("CARGO_BIN_EXE_blocker"), env!("CARGO_BIN_EXE_single_blocker")];
const ROUNDS: usize = 50;

/// From the first instant at which a signal is heard to when the program has long been ready.
fn moment(round: usize) -> Duration {
    Duration::from_micros(137 * round as u64)
}

fn outcome(is_right: bool, ended: &Ended) -> Result<(), String> {
    if is_right { Ok(()) } else { Err(format!("{ended:#?}")) }
}

#[test]
fn a_signal_at_any_moment_is_a_clean_stop() {
    const SIGNALS: [&str; 3] = ["TERM", "INT", "QUIT"];
    let directory = directory("a_signal_at_any_moment");
    side_by_side(ROUNDS * SIGNALS.len() * FLAVOURS.len(), |number| {
        let (round, case) = (number % ROUNDS, number / ROUNDS);
        let (program, name) = (FLAVOURS[case % FLAVOURS.len()], SIGNALS[case / FLAVOURS.len()]);
        let running = Program::new(program, &directory).start();
        running.listens();
        std::thread::sleep(moment(round));
        running.signal(name);
        let ended = running.ended();
        let is_heard = ended.stderr.contains(&format!("SIG{name}")) && ended.report().is_empty();
        outcome(ended.code() == Some(0) && is_heard, &ended)
    });
}

#[test]
fn two_signals_in_one_breath_are_a_stop_and_the_end_of_its_wait() {
    let directory = directory("two_signals_in_one_breath");
    side_by_side(ROUNDS * FLAVOURS.len(), |number| {
        let mut running =
            Program::new(FLAVOURS[number % FLAVOURS.len()], &directory).variable("HOSTKIT__APP__MODE", "slow").start();
        running.has_said("every service is ready");
        let (began, id) = (Instant::now(), running.id());
        // Of two that are pending, the system chooses which comes first.
        signal(&format!("{id}; kill -INT {id}"), "TERM");
        let ended = running.ended();
        let is_at_once = began.elapsed() < Duration::from_secs(2);
        let is_named = ended.report().contains("`serve` was still ");
        outcome(matches!(ended.code(), Some(130 | 143)) && is_at_once && is_named, &ended)
    });
}
