//! What a disk may have after its power was cut.
//!
//! # The model
//! 1. What a file was told before a sync of it that has ended is there.
//! 2. Of what it was told later any part may be there, in any order: a write whole, not at all, or torn between its sectors,
//!    perhaps with zeros up to where it would have ended; a truncation or not.
//! 3. A name is made and removed in the directory that has it. What a directory was told since its last sync has happened up to some
//!    point, for each name another. A sync of a file does not make its name safe.
//! 4. What is in memory that is shared between processes is anything at all.
//!
//! It is more hostile than file systems are, which keep the order of names and much of the order of writes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use fastrand::Rng;
use hostkit::store::Timestamp;

use super::record::{Event, File, Record, What};

const SECTOR: usize = 512;

/// Whether the disk does what it is asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syncs {
    Honoured,
    /// It says so and does not, of the file of this name, or of the directory if it has none.
    Ignored(&'static str),
}

/// The files by their names.
pub(super) type Image = BTreeMap<String, Vec<u8>>;

/// Something a disk may have if its power is cut before this line of the record.
pub(super) fn image(record: &Record, cut: usize, syncs: Syncs, random: &mut Rng) -> Image {
    let events: Vec<_> = record.events.iter().take_while(|event| event.began < cut).collect();
    let names = names(&events, cut, syncs, random);
    let mut image = Image::new();
    for (name, file) in names {
        if let Some(file) = file {
            let content = content(&events, &name, file, cut, syncs, random);
            image.insert(name, content);
        }
    }
    // It is worth nothing, whatever it is.
    image.retain(|name, _| !name.ends_with("-shm"));
    match random.u8(0..3) {
        0 => {}
        1 => _ = image.insert("jobs.db-shm".to_owned(), vec![0; 32768]),
        _ => _ = image.insert("jobs.db-shm".to_owned(), (0..32768).map(|_| random.u8(..)).collect()),
    }
    image
}

/// When the last sync began that had ended before the cut.
fn synced(events: &[&Event], name: &str, cut: usize, syncs: Syncs, is_it: impl Fn(&What) -> bool) -> usize {
    if matches!(syncs, Syncs::Ignored(ignored) if ignored == name) {
        return 0;
    }
    let ended = events.iter().filter(|event| event.ended < cut && is_it(&event.what));
    ended.map(|event| event.began).max().unwrap_or(0)
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Which names there are, and where they lead; directories lead nowhere.
fn names(events: &[&Event], cut: usize, syncs: Syncs, random: &mut Rng) -> BTreeMap<String, Option<File>> {
    let mut changes = BTreeMap::<&str, Vec<(usize, Option<Option<File>>)>>::new();
    for event in events {
        let (name, leads_to) = match &event.what {
            What::Make(name, file) => (name, Some(Some(*file))),
            What::MakeDirectory(name) => (name, Some(None)),
            What::Remove(name) => (name, None),
            _ => continue,
        };
        changes.entry(name).or_default().push((event.ended, leads_to));
    }
    let mut names = BTreeMap::new();
    for (name, changes) in changes {
        let is_it = |what: &What| matches!(what, What::SyncDirectory(it) if it == parent(name));
        let safe = synced(events, parent(name), cut, syncs, is_it);
        let sure = changes.iter().take_while(|(ended, _)| *ended < safe).count();
        let happened = random.usize(sure..=changes.len());
        // Whatever is in a directory that is not there is not there either; it comes later in this order.
        let has_parent = parent(name).is_empty() || names.contains_key(parent(name));
        if let Some((_, Some(leads_to))) = changes[..happened].last()
            && has_parent
        {
            names.insert(name.to_owned(), *leads_to);
        }
    }
    names
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}

/// Does what was asked for, whole.
fn apply(content: &mut Vec<u8>, what: &What) {
    match what {
        What::Write { at, bytes, .. } => put(content, *at, bytes),
        What::Truncate(_, to) => content.resize(*to, 0),
        _ => {}
    }
}

/// What a file may have in it.
fn content(events: &[&Event], name: &str, file: File, cut: usize, syncs: Syncs, random: &mut Rng) -> Vec<u8> {
    let safe = synced(events, name, cut, syncs, |what| matches!(what, What::Sync(it) if *it == file));
    let told = events.iter().filter(|event| match event.what {
        What::Write { file: it, .. } | What::Truncate(it, _) => it == file,
        _ => false,
    });
    let (sure, mut pending): (Vec<&Event>, Vec<&Event>) = told.partition(|event| event.ended < safe);
    let mut content = Vec::new();
    for event in sure {
        apply(&mut content, &event.what);
    }
    if random.bool() {
        random.shuffle(&mut pending);
    }
    let (kept, torn) = (random.choice([0, 30, 50, 90, 97]).unwrap(), random.choice([0, 10, 60]).unwrap());
    for event in pending {
        let is_kept = random.u32(0..100) < kept;
        match &event.what {
            What::Write { at, bytes, .. } if is_kept && random.u32(0..100) < torn => {
                tear(&mut content, *at, bytes, random);
            }
            what if is_kept => apply(&mut content, what),
            What::Write { at, bytes, .. } if random.u8(0..4) == 0 => {
                let grown = content.len().max(at + bytes.len());
                content.resize(grown, 0);
            }
            _ => {}
        }
    }
    content
}

/// Writes some of the sectors.
fn tear(content: &mut Vec<u8>, at: usize, bytes: &[u8], random: &mut Rng) {
    let mut done = 0;
    while done < bytes.len() {
        let end = bytes.len().min(done + SECTOR - (at + done) % SECTOR);
        if random.bool() {
            put(content, at + done, &bytes[done..end]);
        }
        done = end;
    }
}

/// Writes an image into an empty directory.
pub(super) fn restore(image: &Image, directory: &Path) {
    for (name, content) in image {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

#[test]
fn what_is_synced_is_in_every_image_and_what_is_not_is_in_some() {
    let write =
        |began, at, byte| Event { began, ended: began, what: What::Write { file: 1, at, bytes: vec![byte; 600] } };
    let event = |began, what| Event { began, ended: began, what };
    let events = vec![
        event(0, What::Make("a".to_owned(), 1)),
        write(1, 0, 1),
        event(2, What::Sync(1)),
        event(3, What::SyncDirectory(String::new())),
        write(4, 100, 2),
        event(5, What::Make("b".to_owned(), 2)),
        // It has not ended when the power is cut.
        Event { began: 6, ended: 9, what: What::Sync(1) },
    ];
    let record = Record { events, ledger: Vec::new(), lines: 10, ended: Timestamp::from_micros(0) };
    let mut random = Rng::with_seed(1);
    let images: Vec<_> = (0..1000).map(|_| image(&record, 7, Syncs::Honoured, &mut random)).collect();
    assert!(images.iter().all(|image| image["a"][..100] == [1; 100] && image["a"].len() >= 600));
    let some = |is_it: &dyn Fn(&Image) -> bool| {
        let count = images.iter().filter(|image| is_it(image)).count();
        assert!((20..980).contains(&count), "{count} of 1000");
    };
    some(&|image| image.contains_key("b"));
    some(&|image| image["a"].len() == 700);
    // The first sector and the second are torn apart, each way.
    some(&|image| image["a"][511] == 2);
    some(&|image| image["a"][512] == 2);
    some(&|image| image["a"][511] != image["a"][512] && image["a"][512] != 0);
    some(&|image| image.contains_key("jobs.db-shm"));
    let mut ignored = |name| (0..100).map(|_| image(&record, 7, Syncs::Ignored(name), &mut random)).collect::<Vec<_>>();
    assert!(ignored("").iter().any(|image| !image.contains_key("a")));
    assert!(ignored("a").iter().any(|image| image["a"].is_empty()));
    let after = image(&record, 10, Syncs::Honoured, &mut Rng::with_seed(1));
    assert_eq!(after["a"][100..], [2; 600]);
}
