//! Killed between any two lines: a child kills itself at a point of the store, another finds what it left, and in the end the
//! store agrees with a ledger that both kept outside of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use hostkit::store::{Filter, JobId, PageRequest, State, open};
use rusqlite::Connection;

use crate::home::Directory;

const SIGKILL: i32 = 9;

/// Every point in the source.
fn points() -> BTreeSet<String> {
    fn look(path: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look(&path, found);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                let calls = text.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
                for call in calls.filter_map(|line| line.split_once("crash_point!(\"")) {
                    found.insert(call.1.split('"').next().unwrap().to_owned());
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../hostkit/src/store"), &mut found);
    found
}

fn run(what: &str, directory: &Directory, crash_at: Option<&str>) -> ExitStatus {
    let mut child = Command::new(env!("CARGO_BIN_EXE_store_child"));
    child.arg(what).arg(&directory.0).env_remove("HOSTKIT_CRASH_AT");
    if let Some(point) = crash_at {
        child.env("HOSTKIT_CRASH_AT", point);
    }
    child.status().unwrap()
}

/// A directory with the table that handlers have their effects in.
fn prepared() -> Directory {
    let directory = Directory::new();
    let connection = Connection::open(directory.file()).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE effects (id TEXT NOT NULL)").unwrap();
    directory
}

/// What a ledger says.
#[derive(Debug, Default)]
struct Ledger {
    tried: BTreeSet<JobId>,
    stored: BTreeSet<JobId>,
    epochs: BTreeMap<JobId, Vec<u64>>,
    finished: BTreeMap<JobId, Vec<String>>,
    /// Somebody changed what had become of it.
    managed: BTreeSet<JobId>,
}

impl Ledger {
    fn read(directory: &Directory) -> Self {
        let mut ledger = Self::default();
        for line in fs::read_to_string(directory.0.join("ledger")).unwrap_or_default().lines() {
            let words: Vec<_> = line.split(' ').collect();
            let id: JobId = words[1].parse().unwrap();
            match words[0] {
                "trying" => _ = ledger.tried.insert(id),
                "stored" => _ = ledger.stored.insert(id),
                "began" => ledger.epochs.entry(id).or_default().push(words[2].parse().unwrap()),
                "finished" => ledger.finished.entry(id).or_default().push(words[2].to_owned()),
                _ => _ = ledger.managed.insert(id),
            }
        }
        ledger
    }
}

/// Everything that must hold once all is drained.
async fn check(directory: &Directory) -> Ledger {
    let ledger = Ledger::read(directory);
    let store = open(&directory.fast_url()).await.unwrap();
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    let page = PageRequest { limit: u32::MAX, after: None };
    let jobs = store.list(Filter::default(), page).await.unwrap().jobs;
    let by_id: BTreeMap<_, _> = jobs.iter().map(|job| (job.id, job)).collect();
    let effects = {
        let connection = Connection::open(directory.file()).unwrap();
        let mut statement = connection.prepare("SELECT id, count(*) FROM effects GROUP BY id").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))).unwrap();
        rows.map(|row| row.map(|(id, count)| (id.parse::<JobId>().unwrap(), count)).unwrap())
            .collect::<BTreeMap<_, _>>()
    };
    for id in &ledger.stored {
        // Jobs that have had their effect may be pruned.
        assert!(by_id.contains_key(id) || effects.contains_key(id), "job {id} was acknowledged and is lost");
    }
    for job in &jobs {
        assert!(ledger.tried.contains(&job.id), "nobody enqueued {job:?}");
        assert!(job.state.is_outcome(), "it was drained: {job:?}");
        let has_effect = matches!(&*job.kind, "brief" | "transfer") && job.state == State::Done;
        assert_eq!(effects.get(&job.id).copied().unwrap_or(0), i64::from(has_effect), "{job:?}");
        let last = ledger.finished.get(&job.id).and_then(|finished| finished.last());
        if let Some(last) = last.filter(|last| *last != "again" && !ledger.managed.contains(&job.id)) {
            assert_eq!(last, job.state.name(), "{job:?}");
        }
    }
    assert!(effects.values().all(|count| *count == 1), "{effects:?}");
    for (id, epochs) in &ledger.epochs {
        assert!(epochs.is_sorted_by(|one, next| one < next), "{id}: {epochs:?}");
        assert!(by_id.get(id).is_none_or(|job| Some(&job.epoch) >= epochs.last()), "{id}: {epochs:?}");
    }
    for (id, finished) in ledger.finished.iter().filter(|(id, _)| !ledger.managed.contains(id)) {
        let outcomes = finished.iter().filter(|outcome| *outcome != "again").count();
        assert!(outcomes <= 1, "{id}: {finished:?}");
    }
    store.close().await.unwrap();
    let locks = fs::read_dir(directory.0.join("jobs.db-owners")).map_or(0, Iterator::count);
    assert_eq!(locks, 0, "the locks of the dead are gone");
    ledger
}

#[tokio::test]
async fn a_program_that_is_not_killed_agrees_with_its_ledger() {
    let directory = prepared();
    assert!(run("work", &directory, None).success());
    assert!(run("drain", &directory, None).success());
    let ledger = check(&directory).await;
    assert!(ledger.stored.len() > 100 && ledger.finished.len() > 80, "{ledger:?}");
}

#[tokio::test]
async fn killed_at_any_point_a_program_loses_nothing_and_repeats_nothing() {
    let points = points();
    assert!(points.len() > 30, "{points:?}");
    let mut never_hit = Vec::new();
    for point in &points {
        let mut hits = 0;
        for times in [1, 2, 7, 23] {
            let directory = prepared();
            // Somebody died before, so that there is something to sweep; but not always, for suspects stand in the way of others.
            let has_predecessor = point.starts_with("sweep") || (times > 1 && !point.starts_with("migrate"));
            if has_predecessor {
                let status = run("work", &directory, Some("commit.done:30"));
                assert_eq!(status.signal(), Some(SIGKILL), "{status}");
            }
            let crash_at = format!("{point}:{times}");
            let status = run("work", &directory, Some(&crash_at));
            if status.signal() == Some(SIGKILL) {
                hits += 1;
            } else {
                assert!(status.success(), "{crash_at}: {status}");
            }
            assert!(run("drain", &directory, None).success(), "after {crash_at}");
            println!("{crash_at}: {status}");
            check(&directory).await;
            if status.success() && times > 1 {
                break;
            }
        }
        if hits == 0 {
            never_hit.push(point);
        }
    }
    // The file is there before the program is, because of the table of effects.
    never_hit.retain(|point| *point != "open.file_made");
    assert_eq!(never_hit, Vec::<&String>::new(), "no child ever came to these points");
}

#[tokio::test]
async fn killed_when_it_has_just_made_the_file_a_program_starts_again() {
    let directory = Directory::new();
    let status = run("drain", &directory, Some("open.file_made"));
    assert_eq!(status.signal(), Some(SIGKILL), "{status}");
    assert!(run("drain", &directory, None).success());
    let store = open(&directory.url()).await.unwrap();
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
}

/// `HOSTKIT_SEED=17` does it again with these instants, `HOSTKIT_MINUTES=30` for long; 20 s in CI, and less elsewhere.
#[tokio::test]
async fn workers_on_one_file_that_are_killed_at_any_moment_lose_nothing_and_repeat_nothing() {
    let variable = |name: &str| std::env::var(name).ok();
    let seed = variable("HOSTKIT_SEED").map_or_else(|| fastrand::u64(..10_000), |seed| seed.parse().unwrap());
    let minutes =
        variable("HOSTKIT_MINUTES").map(|minutes| Duration::from_secs_f64(minutes.parse::<f64>().unwrap() * 60.0));
    let default = Duration::from_secs(if variable("CI").is_some() { 20 } else { 4 });
    let (mut left, mut killed) = (minutes.unwrap_or(default), 0);
    println!("HOSTKIT_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let directory = prepared();
    let spawn = || {
        let mut child = Command::new(env!("CARGO_BIN_EXE_store_child"));
        // They would work for hours.
        child.arg("work").arg(&directory.0).arg("1000000").env_remove("HOSTKIT_CRASH_AT").spawn().unwrap()
    };
    let kill = |worker: &mut Child| {
        worker.kill().unwrap();
        let status = worker.wait().unwrap();
        assert_eq!(status.signal(), Some(SIGKILL), "it works on until it is killed: {status}");
    };
    let mut workers: Vec<_> = (0..4).map(|_| spawn()).collect();
    while left > Duration::ZERO {
        let pause = Duration::from_millis(random.u64(5..250));
        std::thread::sleep(pause);
        left = left.saturating_sub(pause);
        let victim = &mut workers[random.usize(..4)];
        kill(victim);
        *victim = spawn();
        killed += 1;
    }
    workers.iter_mut().for_each(kill);
    assert!(run("drain", &directory, None).success());
    let ledger = check(&directory).await;
    println!("{} were killed; {} jobs stored, {} begun", killed + 4, ledger.stored.len(), ledger.epochs.len());
    assert!(ledger.stored.len() > 200);
}
