//! Many schedules in one process: how late they are, what they hold at rest, and what the rest costs.
//!
//! Each case runs in a process of its own, which prints one line; who compares starts them turn by turn.

#![allow(dead_code, reason = "no bench uses all of it")]
#![allow(unsafe_code, reason = "an allocator that counts is one")]
#![allow(clippy::disallowed_methods, reason = "a bench looks at the real clock, and bare tasks are bare")]
#![allow(clippy::print_stdout, reason = "a bench prints its table")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "counts are small"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::Command;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Counts the bytes that are in use.
struct Live;

static LIVE: AtomicI64 = AtomicI64::new(0);

#[global_allocator]
static ALLOCATOR: Live = Live;

unsafe impl GlobalAlloc for Live {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as i64, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// How ten thousand timers of one second lie in it.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) groups: usize,
    pub(crate) group: usize,
    apart: Duration,
}

/// A thousand at once, ten times a second.
pub(crate) const BURSTS: Shape = Shape { groups: 10, group: GROUP, apart: Duration::from_millis(100) };
/// A hundred at once, a hundred times a second: what begins 30 ms apart for three seconds is 10 ms apart in each.
pub(crate) const SPREAD: Shape = Shape { groups: 100, group: 100, apart: Duration::from_millis(30) };
/// As many as there are different functions.
pub(crate) const GROUP: usize = 1000;

impl Shape {
    /// Waits for the beginning of a group's timers.
    pub(crate) async fn turn_of(self, group: usize, first: Instant) {
        tokio::time::sleep_until(first + self.apart * group as u32).await;
    }
}

/// How long lateness is measured in one process.
pub(crate) const WATCHED: Duration = Duration::from_secs(20);

/// How long a process at rest is watched.
pub(crate) const REST: Duration = Duration::from_mins(1);

/// How late runs were, in steps of ten microseconds.
static LATE: [AtomicU64; 100_000] = [const { AtomicU64::new(0) }; 100_000];
const STEP: u128 = 10_000;

/// Notes how late one run is.
pub(crate) fn late(by: Duration) {
    let step = usize::try_from(by.as_nanos() / STEP).unwrap_or(usize::MAX).min(LATE.len() - 1);
    LATE[step].fetch_add(1, Ordering::Relaxed);
}

/// Notes how late a run is that is due at a full second.
pub(crate) fn late_for_the_second() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    late(Duration::from_nanos(now.subsec_nanos().into()));
}

/// Forgets what the start was like, and says how late the runs of the next while were: median, 99th percentile, number.
pub(crate) async fn lateness() -> [u64; 3] {
    sleep(Duration::from_secs(2)).await;
    for count in &LATE {
        count.store(0, Ordering::Relaxed);
    }
    sleep(WATCHED).await;
    let counts: Vec<u64> = LATE.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    let all: u64 = counts.iter().sum();
    let at = |part: u64| {
        let mut seen = 0;
        let step = counts.iter().position(|count| {
            seen += count;
            seen >= all * part / 100
        });
        step.unwrap_or_default() as u64 * 10
    };
    [at(50), at(99), all]
}

/// A process before and while it rests.
pub(crate) struct Resting {
    live: i64,
    resident: u64,
}

impl Resting {
    pub(crate) fn before() -> Self {
        Self { live: LIVE.load(Ordering::Relaxed), resident: resident() }
    }

    /// For so many schedules: bytes in use, bytes resident, and microseconds of CPU in a minute of rest.
    pub(crate) async fn of(self, count: usize) -> [u64; 3] {
        sleep(Duration::from_secs(3)).await;
        let live = LIVE.load(Ordering::Relaxed) - self.live;
        let resident = resident() - self.resident;
        let before = spent();
        sleep(REST).await;
        let spent = spent().saturating_sub(before);
        [
            live as u64 / count as u64,
            resident / count as u64,
            (spent.as_micros() * 60 / u128::from(REST.as_secs())) as u64,
        ]
    }
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() * 1024
}

/// What all threads have spent on processors, to the nanosecond.
fn spent() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos = threads.filter_map(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// As many timers, by hand.
pub(crate) async fn bare_lateness(shape: Shape) -> [u64; 3] {
    let first = Instant::now();
    for group in 0..shape.groups {
        shape.turn_of(group, first).await;
        for _ in 0..shape.group {
            tokio::spawn(async {
                let start = Instant::now() + Duration::from_secs(1);
                let mut timer = tokio::time::interval_at(start, Duration::from_secs(1));
                loop {
                    let due = timer.tick().await;
                    late(due.elapsed());
                }
            });
        }
    }
    lateness().await
}

/// As many sleeping tasks, by hand.
pub(crate) async fn bare_rest(groups: usize) -> [u64; 3] {
    let resting = Resting::before();
    for _ in 0..groups * GROUP {
        tokio::spawn(sleep(Duration::from_hours(1)));
    }
    resting.of(groups * GROUP).await
}

/// A thousand timers by hand that fire so often, on a paused clock.
pub(crate) async fn bare_runs(seconds: u32) {
    for _ in 0..GROUP {
        tokio::spawn(async {
            let start = Instant::now() + Duration::from_secs(1);
            let mut timer = tokio::time::interval_at(start, Duration::from_secs(1));
            loop {
                let due = timer.tick().await;
                late(due.elapsed());
            }
        });
    }
    sleep(Duration::from_secs(1) * seconds + Duration::from_millis(500)).await;
}

/// Instructions of one run in a case that takes a number of seconds with a thousand runs each: what more seconds take more.
pub(crate) fn instructions(case: &str) -> Option<f64> {
    let (short, long) = (5_u32, 25_u32);
    let more = collected(case, long)? - collected(case, short)?;
    Some(more as f64 / (f64::from(long - short) * GROUP as f64))
}

/// What callgrind counts in a process of its own; none where there is no valgrind.
fn collected(case: &str, seconds: u32) -> Option<u64> {
    let program = std::env::current_exe().expect("a bench knows its own file");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([CASE, case, &seconds.to_string()])
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let count = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    Some(count.unwrap_or_else(|| panic!("callgrind said nothing about {case}: {said}")))
}

/// The argument that names the case of a process.
const CASE: &str = "--case";

/// The case that this process is started for.
pub(crate) fn case() -> Option<String> {
    std::env::args().skip_while(|argument| argument != CASE).nth(1)
}

/// The number after it.
pub(crate) fn count() -> u32 {
    std::env::args().next_back().and_then(|count| count.parse().ok()).expect("the case is started with a number")
}

/// Prints what a case found.
pub(crate) fn found(figures: [u64; 3]) {
    let [a, b, c] = figures;
    println!("found {a} {b} {c}");
}

/// Runs a case in a process of its own.
pub(crate) fn run(case: &str) -> [u64; 3] {
    let program = std::env::current_exe().expect("a bench knows its own file");
    let output = Command::new(program).args([CASE, case]).output().expect("it was started once before");
    let said = String::from_utf8_lossy(&output.stdout);
    let figures = said.lines().find_map(|line| line.strip_prefix("found ")).unwrap_or_else(|| {
        panic!("{case} found nothing: {said}{}", String::from_utf8_lossy(&output.stderr));
    });
    let mut figures = figures.split(' ').map(|figure| figure.parse().expect("it printed numbers"));
    std::array::from_fn(|_| figures.next().expect("it printed three"))
}

/// Turns of lateness: the medians of their figures.
pub(crate) fn turns(cases: &[&str]) -> Vec<[u64; 3]> {
    const TURNS: usize = 3;
    let mut found = vec![Vec::new(); cases.len()];
    for _ in 0..TURNS {
        for (case, found) in cases.iter().zip(&mut found) {
            found.push(run(case));
        }
    }
    let median = |figures: Vec<[u64; 3]>| {
        std::array::from_fn(|place| {
            let mut of_place: Vec<_> = figures.iter().map(|figures| figures[place]).collect();
            of_place.sort_unstable();
            of_place[of_place.len() / 2]
        })
    };
    found.into_iter().map(median).collect()
}
