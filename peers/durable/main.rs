//! Durable jobs: hostkit on SQLite, and the libraries for Rust that keep jobs in a file.
//!
//! Each is a program of its own beside this one, because SQLite is linked once in a program and each wants another version of it.
//! All do what `case.rs` says, in fresh directories on one disk. One that does not build is named and left out.

#![allow(clippy::disallowed_methods, reason = "a bench looks at the real clock")]

#[path = "../../hostkit/benches/measure.rs"]
mod measure;

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use measure::{Bar, Comparison};

const OURS: &str = "hostkit";
const THEIRS: [&str; 6] = ["apalis", "honker", "effectum", "rustqueue", "rustqueue-managed", "fang"];
/// Callers that enqueue at once.
const CALLERS: u64 = 64;
/// Turns of each comparison.
const TURNS: usize = 5;
/// Jobs at a hundred a second: six seconds in each turn.
const PACED: u64 = 600;

/// The programs, and the disk that they are measured on.
struct Bench {
    target: PathBuf,
    disk: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let program = std::env::current_exe().expect("a program knows its own file");
        let target = program.ancestors().nth(2).expect("cargo made its directory").to_owned();
        let root = std::env::var_os("HOSTKIT_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let disk = root.join(format!("hostkit-peers-{}", std::process::id()));
        fs::create_dir_all(&disk).expect("there can be a directory");
        Self { target, disk }
    }

    /// Builds a program: `rustqueue-managed` is in the folder `rustqueue`.
    fn builds(&self, name: &str) -> bool {
        let folder = name.split('-').next().unwrap_or(name);
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("Cargo.toml");
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--release", "--quiet", "--manifest-path"]).arg(manifest);
        let built = cargo.arg("--target-dir").arg(&self.target).status().expect("cargo can be started").success();
        if !built {
            println!("{name} does not build here and is left out");
        }
        built
    }

    fn program(&self, name: &str) -> PathBuf {
        self.target.join("release").join(format!("durable-{name}"))
    }

    /// An empty directory.
    fn fresh(&self) -> PathBuf {
        let directory = self.disk.join("jobs");
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).expect("there can be a directory");
        directory
    }

    /// What a program says of a phase.
    fn run(&self, name: &str, directory: &Path, phase: Phase) -> Vec<f64> {
        said(name, phase.arguments(&mut Command::new(self.program(name)), directory).output())
    }

    /// How often a program synced in a phase.
    fn syncs(&self, name: &str, directory: &Path, phase: Phase) -> f64 {
        let summary = self.disk.join("syncs");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-c", "-U", "calls,name", "-e", "trace=fsync,fdatasync,msync", "-o"]).arg(&summary);
        said(name, phase.arguments(strace.arg(self.program(name)), directory).output());
        let summary = fs::read_to_string(summary).expect("strace wrote it");
        let total = summary.lines().find(|line| line.ends_with("total"));
        total.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.disk);
    }
}

fn said(name: &str, output: std::io::Result<Output>) -> Vec<f64> {
    let output = output.expect("it was built");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{name} failed: {}", String::from_utf8_lossy(&output.stderr));
    text.split_whitespace().map(|figure| figure.parse().expect("they are figures")).collect()
}

/// A phase of `case.rs`.
#[derive(Clone, Copy)]
struct Phase {
    name: &'static str,
    jobs: u64,
    callers: u64,
}

impl Phase {
    fn arguments<'a>(self, command: &'a mut Command, directory: &Path) -> &'a mut Command {
        let Self { name, jobs, callers } = self;
        command.arg(name).arg(directory).args([jobs, callers].map(|number| number.to_string())).stdin(Stdio::null())
    }
}

const fn enqueue(jobs: u64, callers: u64) -> Phase {
    Phase { name: "enqueue", jobs, callers }
}

const fn drain(jobs: u64) -> Phase {
    Phase { name: "drain", jobs, callers: 0 }
}

/// How long the disk takes to sync a write of 4 KiB into a file that has its size already: the median.
fn sync_cost(disk: &Path) -> Duration {
    let mut file = File::create(disk.join("sync")).expect("there can be a file");
    file.write_all(&[0; 4096]).expect("there is room");
    let syncs: Vec<Duration> = (0..500_u64)
        .map(|turn| {
            file.rewind().expect("it can be rewound");
            file.write_all(&[turn.to_le_bytes()[0]; 4096]).expect("there is room");
            let began = Instant::now();
            file.sync_data().expect("it can be synced");
            began.elapsed()
        })
        .collect();
    measure::median(syncs.into_iter())
}

/// What shows that all promise the same: whoever has an answer has a job that is synced.
fn syncs(bench: &Bench, peers: &[&str]) {
    if Command::new("strace").arg("--version").output().is_err() {
        println!("\nstrace is not installed, so no syncs are counted");
        return;
    }
    const ALONE: u64 = 200;
    const JOBS: u64 = 2_000;
    println!("\nfsync and fdatasync for each job, without those of a process that opens the store and does nothing");
    println!("{:<20} {:>16} {:>16} {:>16}", "", "1 enqueues", "64 enqueue", "drain");
    for name in [OURS].iter().chain(peers) {
        let of = |phase: Phase, directory: &Path| bench.syncs(name, directory, phase);
        let nothing = of(enqueue(0, 1), &bench.fresh());
        let alone = of(enqueue(ALONE, 1), &bench.fresh()) - nothing;
        let directory = bench.fresh();
        let together = of(enqueue(JOBS, CALLERS), &directory) - nothing;
        let drained = of(drain(JOBS), &directory) - of(drain(0), &bench.fresh());
        let each = |syncs: f64, jobs: u64| format!("{:.3}", syncs.max(0.0) / jobs as f64);
        let (alone, together, drained) = (each(alone, ALONE), each(together, JOBS), each(drained, JOBS));
        println!("{name:<20} {alone:>16} {together:>16} {drained:>16}");
    }
}

fn throughput(bench: &Bench, peers: &[&str], jobs: u64) {
    let count = u32::try_from(jobs).expect("they are few");
    let time = |name: &str, phase: Phase| Duration::from_secs_f64(bench.run(name, &bench.fresh(), phase)[0]);
    let row = |what: &str, name: &str, bar: Bar, of: &dyn Fn(&str) -> Duration| {
        measure::throughput(&format!("{what} : {name}"), count, measure::compare(TURNS, || of(OURS), || of(name)), bar);
    };
    measure::head(&format!("{jobs} jobs; the figure is how many of ours fit into the time of one of theirs"));
    for name in peers {
        let rows = AssertUnwindSafe(|| {
            row("64 callers enqueue", name, Bar::None, &|name| time(name, enqueue(jobs, CALLERS)));
            row("64 at once are drained", name, Bar::None, &|name| {
                let directory = bench.fresh();
                bench.run(name, &directory, enqueue(jobs, CALLERS));
                Duration::from_secs_f64(bench.run(name, &directory, drain(jobs))[0])
            });
            let both = Phase { name: "both", jobs, callers: CALLERS };
            row("both, from the first call to the last outcome", name, Bar::AtLeast(5.0), &|name| time(name, both));
        });
        if catch_unwind(rows).is_err() {
            println!("{name} did not do it, as said above");
        }
    }
}

fn latency(bench: &Bench, peers: &[&str]) {
    measure::head("From enqueue to start, a hundred jobs a second; the figure is ours to theirs");
    let phase = Phase { name: "paced", jobs: PACED, callers: 1 };
    let all: Vec<&str> = [OURS].iter().chain(peers).copied().collect();
    let turns: Vec<Vec<Vec<f64>>> = (0..TURNS)
        .map(|turn| {
            let mut waited = vec![Vec::new(); all.len()];
            // Whoever goes first changes from turn to turn.
            for side in (0..all.len()).map(|side| (side + turn) % all.len()) {
                let run = AssertUnwindSafe(|| bench.run(all[side], &bench.fresh(), phase));
                waited[side] = catch_unwind(run).unwrap_or_default();
                eprintln!("{}: {:?}", all[side], waited[side]);
            }
            waited
        })
        .collect();
    for (side, name) in all.iter().enumerate().skip(1) {
        if turns.iter().any(|turn| turn[side].is_empty()) {
            println!("{name} did not do it in every turn, as said above");
            continue;
        }
        for (figure, what) in ["median", "99th percentile", "longest"].into_iter().enumerate() {
            let of = |side: usize| measure::median(turns.iter().map(|turn| turn[side][figure]));
            let ratio = measure::median(turns.iter().map(|turn| turn[0][figure] / turn[side][figure]));
            let [ours, theirs] = [0, side].map(|side| Duration::from_secs_f64(of(side)));
            measure::cost(&format!("{what} : {name}"), 1, Comparison { ours, theirs, ratio }, Bar::None);
        }
    }
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_else(|_| "unknown".to_owned());
    load.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// `durable [--only syncs|throughput|latency] [--jobs N] [PEER…]`.
fn main() {
    let (mut only, mut jobs, mut names) = (None, 2_000, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--only" => only = arguments.next(),
            "--jobs" => jobs = arguments.next().and_then(|jobs| jobs.parse().ok()).expect("a number of jobs"),
            name => names.push(*THEIRS.iter().find(|peer| **peer == name).expect("a peer")),
        }
    }
    let bench = Bench::new();
    assert!(bench.builds(OURS), "there is nothing to compare with");
    let wanted = if names.is_empty() { THEIRS.to_vec() } else { names };
    let peers: Vec<&str> = wanted.into_iter().filter(|name| bench.builds(name)).collect();
    println!("one sync of 4 KiB takes {:?}; load {}", sync_cost(&bench.disk), load());
    let wants = |part: &str| only.as_deref().is_none_or(|only| only == part);
    if wants("syncs") {
        syncs(&bench, &peers);
    }
    if wants("throughput") {
        throughput(&bench, &peers, jobs);
    }
    if wants("latency") {
        latency(&bench, &peers);
    }
    println!("\none sync of 4 KiB takes {:?}; load {}", sync_cost(&bench.disk), load());
}
