//! Random hosts on paused time, held against a model of the lifecycle.
//!
//! Each seed makes one host: which functions of [`pool`] it has, how each of them behaves and when somebody asks the host
//! to stop ([`plan`]). [`drive`] runs it on a paused clock and writes down what its bodies, constructors and disposers saw
//! ([`script`]). [`model`] says, from the rules alone, what must have happened, and compares.
//!
//! `HOSTKIT_SEED=17 HOSTKIT_HOSTS=1` runs one host again and shows what happened in it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![allow(clippy::needless_pass_by_value, reason = "what hostkit passes by value is taken by value")]

mod drive;
mod listen;
mod model;
mod plan;
mod pool;
mod script;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use self::plan::Plan;

const HOSTS: u64 = 10_000;
const SEED: u64 = 1;

/// A fault without its names and numbers.
fn kind(fault: &str) -> String {
    let words = fault.split_inclusive(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.contains(|c: char| c.is_ascii_digit())).collect()
}

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

#[test]
fn random_hosts_agree_with_the_model_of_the_lifecycle() {
    let hosts = number("HOSTKIT_HOSTS").unwrap_or(HOSTS);
    let first = number("HOSTKIT_SEED").unwrap_or(SEED);
    let began = Instant::now();
    let next = AtomicU64::new(first);
    let failed = Mutex::new(Vec::new());
    let tally = Mutex::new(model::Tally::default());
    listen::install();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + hosts {
                        break;
                    }
                    let plan = Plan::random(seed);
                    let checked = catch_unwind(AssertUnwindSafe(|| {
                        let life = drive::drive(&plan);
                        let (faults, counted) = model::check(&plan, &life);
                        (life, faults, counted)
                    }));
                    match checked {
                        Ok((life, faults, counted)) => {
                            tally.lock().unwrap().add(&counted);
                            if !faults.is_empty() || hosts == 1 {
                                let shown = if hosts == 1 { format!("{plan:#?}\n{life}") } else { String::new() };
                                failed.lock().unwrap().push((seed, faults, shown));
                            }
                        }
                        Err(_panic) => failed.lock().unwrap().push((seed, vec!["panicked".to_owned()], String::new())),
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    let tally = tally.into_inner().unwrap();
    println!("{hosts} hosts from seed {first} in {:?}: {tally}", began.elapsed());
    let mut kinds: BTreeMap<String, (usize, u64, &str)> = BTreeMap::new();
    for (seed, faults, _) in &failed {
        for fault in faults {
            kinds.entry(kind(fault)).or_insert((0, *seed, fault)).0 += 1;
        }
    }
    let mut kinds: Vec<_> = kinds.into_values().collect();
    kinds.sort_by(|one, other| other.cmp(one));
    let report: Vec<_> = kinds
        .iter()
        .map(|(times, seed, fault)| format!("{times} times, such as HOSTKIT_SEED={seed} HOSTKIT_HOSTS=1: {fault}"))
        .chain(failed.iter().filter(|_| hosts == 1).map(|(_, faults, shown)| format!("{shown}{}", faults.join("\n"))))
        .collect();
    let disagree = failed.iter().filter(|(_, faults, _)| !faults.is_empty()).count();
    if hosts == 1 {
        println!("{}", report.join("\n"));
    }
    assert!(disagree == 0, "{disagree} of {hosts} hosts disagree with the model\n{}", report.join("\n"));
    if hosts >= HOSTS {
        tally.covers_everything();
    }
}
