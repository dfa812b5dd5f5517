//! Programs of which a thread is blocked for good end in time all the same, and say who did it: invariants 3 and 6 of
//! `host/stop.rs`, on real time.

use std::time::{Duration, Instant};

use crate::child::{Ended, Program, side_by_side};
use crate::support::directory;

const CHILDREN: usize = 200;
const STOP_TIMEOUT: Duration = Duration::from_millis(500);

const SEVERAL: &str = env!("CARGO_BIN_EXE_blocker");
const ONE: &str = env!("CARGO_BIN_EXE_single_blocker");

/// Where a program blocks, when it may be signalled, and how it ends.
struct Case {
    mode: &'static str,
    /// What it says before it is signalled.
    waits_for: &'static str,
    code: i32,
    /// What it says at its end.
    says: &'static str,
}

const CASES: &[Case] = &[
    Case::stuck("service", "blocking in service", "`serve` was still stopping after "),
    Case::stuck("told-service", "every service is ready", "`serve` was still stopping after "),
    Case::stuck("run", "blocking in run", "`sweep` was still stopping after "),
    Case::stuck("item", "blocking in item", "`work` was still draining after "),
    Case::stuck("start-hook", "blocking in start-hook", "`prepare` was still running its hook after "),
    Case::stuck("stopping-hook", "every service is ready", "`withdraw` was still running its hook after "),
    Case::stuck("stopped-hook", "every service is ready", "`say_goodbye` was still running its hook after "),
    Case::stuck("constructor", "blocking in constructor", "`Resource` was still being built after "),
    Case::stuck("disposer", "every service is ready", "`Resource` was still being disposed after "),
    Case {
        mode: "told-thread",
        waits_for: "blocking in told-thread",
        code: 1,
        says: "`compute` was still stopping after ",
    },
    Case { mode: "spawned", waits_for: "blocking in spawned", code: 1, says: "`serve` was still stopping after " },
    Case {
        mode: "thread",
        waits_for: "blocking in thread",
        code: 0,
        says: r#"one that takes the `CancellationToken` can end","service":"crunch""#,
    },
];

impl Case {
    const fn stuck(mode: &'static str, waits_for: &'static str, says: &'static str) -> Self {
        Self { mode, waits_for, code: 1, says }
    }

    fn run(&self, program: &str) -> Result<(), String> {
        let (ended, took) = self.end(program);
        let is_named = ended.stderr.contains(self.says);
        let is_right = ended.code() == Some(self.code) && is_named && took <= STOP_TIMEOUT + Duration::from_secs(1);
        if is_right { Ok(()) } else { Err(format!("{} of {program} took {took:?}: {ended:#?}", self.mode)) }
    }

    fn end(&self, program: &str) -> (Ended, Duration) {
        let program = Program::new(program, &directory_of_all()).variable("HOSTKIT__APP__MODE", self.mode);
        let program = program.variable("HOSTKIT__HOST__STOP_TIMEOUT", "500ms");
        let mut running = program.start();
        running.has_said(self.waits_for);
        let began = Instant::now();
        running.signal("TERM");
        let ended = running.ended();
        (ended, began.elapsed())
    }
}

fn directory_of_all() -> std::path::PathBuf {
    static DIRECTORY: std::sync::LazyLock<std::path::PathBuf> = std::sync::LazyLock::new(|| directory("blocking"));
    DIRECTORY.clone()
}

#[test]
fn two_hundred_programs_with_a_blocked_thread_end_within_their_deadline_and_say_who_it_was() {
    let cases: Vec<_> = [SEVERAL, ONE].into_iter().flat_map(|one| CASES.iter().map(move |case| (case, one))).collect();
    side_by_side(CHILDREN, |number| {
        let (case, program) = cases[number % cases.len()];
        case.run(program)
    });
}

#[test]
fn a_second_signal_ends_each_of_a_hundred_programs_at_once() {
    const SIGNALS: [(&str, i32); 3] = [("TERM", 143), ("INT", 130), ("QUIT", 131)];
    side_by_side(100, |number| {
        let program = [SEVERAL, ONE][number % 2];
        let (second, code) = SIGNALS[number % SIGNALS.len()];
        let program = Program::new(program, &directory_of_all()).variable("HOSTKIT__APP__MODE", "slow");
        let mut running = program.start();
        running.has_said("every service is ready");
        running.signal("TERM");
        running.has_said("taking long to stop");
        let began = Instant::now();
        running.signal(second);
        let ended = running.ended();
        let took = began.elapsed();
        let is_named = ended.report().contains("`serve` was still stopping after ");
        let is_right = ended.code() == Some(code) && is_named && took < Duration::from_secs(2);
        if is_right { Ok(()) } else { Err(format!("{took:?} {ended:#?}")) }
    });
}
