//! The power is cut: a program's system calls are recorded, and every image that a disk may have at some moment is opened and held
//! against what the program had been told by then.
//!
//! `HOSTKIT_SEED=17` chooses the same moments and the same images of another record, `HOSTKIT_IMAGES=2000` more of them.

mod disk;
mod oracle;
mod record;

use std::thread;

use fastrand::Rng;

use self::disk::{Syncs, image, restore};
use self::oracle::{Found, Ledger, examine};
use self::record::{Record, What};
use crate::faults::has_strace;
use crate::home::Directory;

const IMAGES: usize = 240;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Runs a program for some rounds and writes down what it does.
fn recorded(synchronous: &str, rounds: u32) -> Record {
    let (directory, beside) = (Directory::new(), Directory::new());
    let arguments = [synchronous, &rounds.to_string()];
    let record = Record::of(env!("CARGO_BIN_EXE_store_power"), &arguments, &directory.0, &beside.0.join("record"));
    let count = |is_it: fn(&What) -> bool| record.events.iter().filter(|event| is_it(&event.what)).count();
    // The log was made and taken away, emptied in between, and written from its beginning again.
    assert_eq!(count(|what| matches!(what, What::Remove(name) if name == "jobs.db-wal")), 3);
    assert!(count(|what| matches!(what, What::Truncate(_, 0))) > 0);
    assert!(count(|what| matches!(what, What::Write { at: 0, bytes, .. } if bytes.len() == 32)) > 5);
    record
}

/// Moments at which to cut: anywhere, right after somebody was told something, and right before a sync ends.
fn cut(record: &Record, random: &mut Rng) -> usize {
    match random.u8(0..5) {
        0 | 1 => random.choice(&record.ledger).unwrap().0 + 1,
        2 => {
            let syncs = record.events.iter().filter(|event| matches!(event.what, What::Sync(_)));
            random.choose_multiple(syncs, 1)[0].ended
        }
        _ => random.usize(0..=record.lines),
    }
}

/// What many images come to.
#[derive(Debug, Default)]
struct Sum {
    images: usize,
    /// In how many somebody had been told something.
    with_promises: usize,
    promises: usize,
    damaged: Vec<String>,
    lossy: Vec<String>,
}

impl Sum {
    fn add(&mut self, what: &str, promises: usize, found: Found) {
        self.images += 1;
        self.with_promises += usize::from(promises > 0);
        self.promises += promises;
        let first = |faults: Vec<String>| faults.into_iter().next().map(|fault| format!("{what}: {fault}"));
        self.damaged.extend(first(found.damage));
        self.lossy.extend(first(found.losses));
    }
}

/// Cuts the power as often as that, on two threads.
fn cut_often(record: &Record, syncs: Syncs, images: usize) -> Sum {
    let seed = number("HOSTKIT_SEED").unwrap_or_else(|| fastrand::u64(..10_000));
    println!("HOSTKIT_SEED={seed}");
    let half = |first: usize| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut found = Vec::new();
        for number in (first..images).step_by(2) {
            let mut random = Rng::with_seed(seed << 32 | number as u64);
            let cut = cut(record, &mut random);
            let directory = Directory::new();
            restore(&image(record, cut, syncs, &mut random), &directory.0);
            let ledger = Ledger::until(&record.ledger, cut);
            let what = format!("image {number}, cut before line {cut} of {}", record.lines);
            found.push((what, ledger.promises(), runtime.block_on(examine(&directory, &ledger, record.ended))));
        }
        found
    };
    let halves = thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        [half(0), other.join().unwrap()]
    });
    let mut sum = Sum::default();
    for (what, promises, found) in halves.into_iter().flatten() {
        sum.add(&what, promises, found);
    }
    println!(
        "{} images, {} of them after something was promised, {} promises on average; {} damaged, {} with a loss",
        sum.images,
        sum.with_promises,
        sum.promises / sum.images,
        sum.damaged.len(),
        sum.lossy.len()
    );
    sum
}

fn images() -> usize {
    number("HOSTKIT_IMAGES").map_or(IMAGES, |images| images as usize)
}

#[test]
fn whenever_the_power_is_cut_all_that_was_promised_is_there() {
    if !has_strace() {
        return;
    }
    let sum = cut_often(&recorded("full", 12), Syncs::Honoured, images());
    assert_eq!(sum.damaged.first(), None);
    assert_eq!(sum.lossy.first(), None);
    assert!(sum.with_promises > sum.images / 2, "{sum:?}");
}

#[test]
fn a_fast_store_loses_what_came_last_in_a_power_cut_and_nothing_else() {
    if !has_strace() {
        return;
    }
    let sum = cut_often(&recorded("normal", 12), Syncs::Honoured, images());
    assert_eq!(sum.damaged.first(), None);
    // If it lost nothing, these images would prove nothing of the others.
    assert!(sum.lossy.len() > sum.images / 10, "{sum:?}");
}

/// Each sync is there for a reason: without those of one file, these images find what is lost.
#[test]
fn a_disk_that_only_says_that_it_has_written_is_found_out() {
    if !has_strace() {
        return;
    }
    let record = recorded("full", 12);
    for name in ["jobs.db", "jobs.db-wal", ""] {
        let sum = cut_often(&record, Syncs::Ignored(name), 80);
        assert!(sum.lossy.len() + sum.damaged.len() > 5, "without syncs of `{name}`: {sum:?}");
    }
}
