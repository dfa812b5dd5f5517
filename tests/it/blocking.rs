//! Programs of which a thread is blocked for good end in time all the same, and say who did it: invariants 3 and 6 of
//! `host/stop.rs`, on real time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::child::{Ended, Program};
use crate::support::directory;

/// Whether signals are heard by a thread beside the runtime. The thread of the runtime that fires timers is also the one
/// that hears signals, and nobody takes its place when what a timer woke blocks it.
const SIGNALS_ARE_HEARD_BESIDE_THE_RUNTIME: bool = true;
/// Whether the programs whose only thread is blocked end by themselves. That takes somebody beside the runtime who hears
/// signals and sees to the deadline.
const ENDS_WITH_ITS_ONLY_THREAD_BLOCKED: bool = true;

const CHILDREN: usize = 200;
const AT_ONCE: usize = 8;
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
    /// Whether it is a thread of the runtime that is blocked.
    of_runtime: bool,
}

const CASES: &[Case] = &[
    Case::of_runtime("service", "blocking in service", "`serve` was still stopping after "),
    Case::of_runtime("told-service", "every service is ready", "`serve` was still stopping after "),
    Case::of_runtime("run", "blocking in run", "`sweep` was still stopping after "),
    Case::of_runtime("item", "blocking in item", "`work` was still draining after "),
    Case::of_runtime("start-hook", "blocking in start-hook", "`prepare` was still running its hook after "),
    Case::of_runtime("stopping-hook", "every service is ready", "`withdraw` was still running its hook after "),
    Case::of_runtime("stopped-hook", "every service is ready", "`say_goodbye` was still running its hook after "),
    Case::of_runtime("constructor", "blocking in constructor", "`Resource` was still being built after "),
    Case::of_runtime("disposer", "every service is ready", "`Resource` was still being disposed after "),
    Case {
        mode: "told-thread",
        waits_for: "blocking in told-thread",
        code: 1,
        says: "`compute` was still stopping after ",
        of_runtime: false,
    },
    Case {
        mode: "spawned",
        waits_for: "blocking in spawned",
        code: 1,
        says: "`serve` was still stopping after ",
        of_runtime: false,
    },
    Case {
        mode: "thread",
        waits_for: "blocking in thread",
        code: 0,
        says: "1 blocking function is still running and was left behind",
        of_runtime: false,
    },
];

impl Case {
    const fn of_runtime(mode: &'static str, waits_for: &'static str, says: &'static str) -> Self {
        Self { mode, waits_for, code: 1, says, of_runtime: true }
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

/// Runs these so many at a time.
fn all(count: usize, one: impl Fn(usize) -> Result<(), String> + Sync) {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    let ended = one(number);
                    failed.lock().unwrap().extend(ended.err());
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {count}\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn two_hundred_programs_with_a_blocked_thread_end_within_their_deadline_and_say_who_it_was() {
    let is_heard = |case: &&Case| SIGNALS_ARE_HEARD_BESIDE_THE_RUNTIME || case.mode != "run";
    let mut cases: Vec<_> = CASES.iter().filter(is_heard).map(|case| (case, SEVERAL)).collect();
    let ends = |case: &&Case| ENDS_WITH_ITS_ONLY_THREAD_BLOCKED || !case.of_runtime;
    cases.extend(CASES.iter().filter(ends).map(|case| (case, ONE)));
    all(CHILDREN, |number| {
        let (case, program) = cases[number % cases.len()];
        case.run(program)
    });
}

#[test]
fn a_second_signal_ends_each_of_a_hundred_programs_at_once() {
    const SIGNALS: [(&str, i32); 3] = [("TERM", 143), ("INT", 130), ("QUIT", 131)];
    all(100, |number| {
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
