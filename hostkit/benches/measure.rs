//! What the benches share: paired timing, counted allocations and instructions, and the table they print.
//!
//! An absolute time is not a result, so everything is timed against something hand-written in the same process, turn
//! by turn, and the result is the median of the turns' ratios. What does not depend on the machine is counted.

#![allow(dead_code, reason = "no bench uses all of it")]
#![allow(unsafe_code, reason = "an allocator that counts is one")]
#![allow(clippy::disallowed_methods, reason = "a bench looks at the real clock")]
#![allow(clippy::print_stdout, reason = "a bench prints its table")]
#![allow(clippy::cast_precision_loss, reason = "counts are small")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counts calls and bytes while it is told to, and otherwise costs both sides of a comparison one load.
struct Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
static COUNTED: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicI64 = AtomicI64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTS.load(Ordering::Relaxed) {
            count(1, layout.size(), 0);
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if COUNTS.load(Ordering::Relaxed) {
            count(0, 0, layout.size());
        }
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if COUNTS.load(Ordering::Relaxed) {
            count(1, size, layout.size());
        }
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[allow(clippy::cast_possible_wrap, reason = "nothing is as large as that")]
fn count(calls: u64, taken: usize, given_back: usize) {
    COUNTED.fetch_add(calls, Ordering::Relaxed);
    BYTES.fetch_add(taken as i64 - given_back as i64, Ordering::Relaxed);
}

/// Bytes that come into use from here to [`bytes_stop`].
pub(crate) fn bytes_start() {
    BYTES.store(0, Ordering::SeqCst);
    COUNTS.store(true, Ordering::SeqCst);
}

/// How many more are in use.
pub(crate) fn bytes_stop() -> i64 {
    COUNTS.store(false, Ordering::SeqCst);
    BYTES.load(Ordering::SeqCst)
}

/// Allocations of all threads from here to [`allocations_stop`].
pub(crate) fn allocations_start() {
    COUNTED.store(0, Ordering::SeqCst);
    COUNTS.store(true, Ordering::SeqCst);
}

/// How many there were.
pub(crate) fn allocations_stop() -> u64 {
    COUNTS.store(false, Ordering::SeqCst);
    COUNTED.load(Ordering::SeqCst)
}

/// How long something took.
pub(crate) fn timed(what: impl FnOnce()) -> Duration {
    let began = Instant::now();
    what();
    began.elapsed()
}

/// How long something takes, side by side with something else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comparison {
    pub(crate) ours: Duration,
    pub(crate) theirs: Duration,
    /// Ours to theirs, the median of all turns.
    pub(crate) ratio: f64,
}

/// Times both sides in so many turns. Each side says itself how long it took.
///
/// Many short turns are better than few long ones: on a busy machine most of them are then left alone.
pub(crate) fn compare(
    count: usize,
    mut ours: impl FnMut() -> Duration,
    mut theirs: impl FnMut() -> Duration,
) -> Comparison {
    ours();
    theirs();
    let mut turns: Vec<(Duration, Duration)> = Vec::with_capacity(count);
    for turn in 0..count {
        // Whoever goes second finds the machine as the other left it.
        turns.push(if turn % 2 == 0 {
            let ours = ours();
            (ours, theirs())
        } else {
            let theirs = theirs();
            (ours(), theirs)
        });
    }
    Comparison {
        ours: median(turns.iter().map(|(ours, _)| *ours)),
        theirs: median(turns.iter().map(|(_, theirs)| *theirs)),
        ratio: median(turns.iter().map(|(ours, theirs)| ours.as_secs_f64() / theirs.as_secs_f64())),
    }
}

pub(crate) fn median<T: PartialOrd + Copy>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_by(|a, b| a.partial_cmp(b).expect("a duration or ratio is a number"));
    values[values.len() / 2]
}

/// A limit that a figure is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bar {
    AtMost(f64),
    AtLeast(f64),
    None,
}

impl Bar {
    fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtMost(limit) => figure <= limit,
            Self::AtLeast(limit) => figure >= limit,
            Self::None => true,
        }
    }
}

/// The head of the table.
pub(crate) fn head(title: &str) {
    println!("\n{title}");
    println!("{:<76} {:>12} {:>12} {:>8}  {:<10}", "", "ours", "theirs", "figure", "bar");
}

fn row(what: &str, ours: &str, theirs: &str, figure: f64, bar: Bar) {
    let verdict = match bar {
        Bar::None => String::new(),
        _ if bar.is_met(figure) => "ok".to_owned(),
        _ => "MISSED".to_owned(),
    };
    let bar = match bar {
        Bar::AtMost(limit) => format!("<= {limit}"),
        Bar::AtLeast(limit) => format!(">= {limit}"),
        Bar::None => String::new(),
    };
    println!("{what:<76} {ours:>12} {theirs:>12} {figure:>8.2}  {bar:<10} {verdict}");
}

/// Ours to theirs, as times of one of `count` repetitions.
pub(crate) fn cost(what: &str, count: u32, compared: Comparison, bar: Bar) {
    let show = |time: Duration| show(time / count);
    row(what, &show(compared.ours), &show(compared.theirs), compared.ratio, bar);
}

/// Theirs to ours, which is how much of their throughput is left.
pub(crate) fn throughput(what: &str, count: u32, compared: Comparison, bar: Bar) {
    let show = |time: Duration| show(time / count);
    row(what, &show(compared.ours), &show(compared.theirs), 1.0 / compared.ratio, bar);
}

/// A figure that was counted, beside the same of the other side.
pub(crate) fn counted(what: &str, ours: f64, theirs: f64, figure: f64, bar: Bar) {
    row(what, &format!("{ours:.2}"), &format!("{theirs:.2}"), figure, bar);
}

fn show(time: Duration) -> String {
    let nanos = time.as_nanos() as f64;
    match nanos {
        nanos if nanos < 10_000.0 => format!("{nanos:.0} ns"),
        nanos if nanos < 10_000_000.0 => format!("{:.1} us", nanos / 1e3),
        nanos => format!("{:.1} ms", nanos / 1e6),
    }
}

/// The argument with which a bench runs one of its cases alone, some number of times, under a profiler.
const ALONE: &str = "--alone";

/// The case and the number of repetitions, if this process was started to run one case alone.
pub(crate) fn alone() -> Option<(String, u32)> {
    let mut arguments = std::env::args().skip_while(|argument| argument != ALONE).skip(1);
    Some((arguments.next()?, arguments.next()?.parse().ok()?))
}

/// Whether instructions can be counted here.
pub(crate) fn counts_instructions() -> bool {
    let there = Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        println!("valgrind is not installed, so no instructions are counted");
    }
    there
}

/// Instructions of one repetition: this program runs the case under callgrind, short and long, and the difference counts.
pub(crate) fn instructions(case: &str) -> f64 {
    let (short, long) = (2_000_u32, 12_000_u32);
    (collected(case, long) - collected(case, short)) / f64::from(long - short)
}

fn collected(case: &str, count: u32) -> f64 {
    let program = std::env::current_exe().expect("a bench knows its own file");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([ALONE, case, &count.to_string()])
        .output()
        .expect("valgrind was there a moment ago");
    let said = String::from_utf8_lossy(&output.stderr);
    said.lines()
        .find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
        .unwrap_or_else(|| panic!("callgrind said nothing about {case}: {said}"))
}
