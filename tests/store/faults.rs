//! What a store does when its file or its disk lets it down, and what it refuses.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use hostkit::store::sqlite::{enqueue_in, migrate};
use hostkit::store::{
    Applied, ClaimRequest, Claimed, Durability, Enqueued, Finish, NewJob, OpenError, Rejection, State, Store,
    StoreError, StoreUrl, Verdict, Wanted, Worker, open, open_existing,
};
use rusqlite::Connection;

use crate::home::{Directory, Home};

async fn opened(directory: &Directory) -> Arc<dyn Store> {
    open(&directory.url()).await.unwrap()
}

async fn refused(url: &str) -> OpenError {
    open(&StoreUrl::parse(url).unwrap()).await.expect_err("it is refused")
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

async fn enqueue(store: &Arc<dyn Store>) -> Result<Enqueued, StoreError> {
    store.enqueue(vec![NewJob::new("mail", vec![7; 1000])]).await.map(|answers| answers[0])
}

#[tokio::test]
async fn files_are_for_their_owner_alone_and_gone_when_they_are_not_needed() {
    let directory = Directory::new();
    let store = opened(&directory).await;
    store.register(Worker { name: "a test".to_owned(), lease: Duration::from_mins(1) }).await.unwrap();
    enqueue(&store).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for name in ["jobs.db", "jobs.db-wal", "jobs.db-shm"] {
        assert_eq!(mode(&directory.0.join(name)), 0o600, "{name}");
    }
    let owners = directory.0.join("jobs.db-owners");
    assert_eq!(mode(&owners), 0o700);
    let locks: Vec<_> = fs::read_dir(&owners).unwrap().map(|entry| mode(&entry.unwrap().path())).collect();
    assert_eq!(locks, [0o600]);
    store.close().await.unwrap();
    assert!(!directory.0.join("jobs.db-wal").exists());
    assert_eq!(fs::read_dir(&owners).unwrap().count(), 0);
}

#[tokio::test]
async fn what_cannot_be_a_store_is_refused_with_words() {
    let directory = Directory::new();
    let path = |name: &str| format!("sqlite://{}/{name}", directory.0.display());
    fs::write(directory.0.join("letter.txt"), "Dear Sir or Madam, ".repeat(100)).unwrap();
    fs::create_dir(directory.0.join("folder")).unwrap();
    for (name, expected) in [
        ("letter.txt", "the file is damaged"),
        ("folder", "is a directory; name a file in it"),
        ("missing/jobs.db", "the directory of the store, is not there; make it"),
    ] {
        let error = refused(&path(name)).await;
        assert!(error.to_string().contains(expected), "{name}: {}", chain(&error));
    }
}

#[tokio::test]
async fn a_store_of_a_newer_program_is_refused_and_left_alone() {
    let directory = Directory::new();
    opened(&directory).await.close().await.unwrap();
    let connection = Connection::open(directory.file()).unwrap();
    connection.execute("UPDATE hostkit_meta SET version = 99", []).unwrap();
    drop(connection);
    for error in [open(&directory.url()).await.unwrap_err(), migrate(&directory.url()).unwrap_err()] {
        let text = error.to_string();
        assert!(text.contains("written by a newer hostkit, with tables of version 99"), "{text}");
    }
}

#[tokio::test]
async fn tables_live_beside_those_of_the_program() {
    let directory = Directory::new();
    let connection = Connection::open(directory.file()).unwrap();
    connection
        .execute_batch("CREATE TABLE orders (id INTEGER); PRAGMA user_version = 7; PRAGMA application_id = 8")
        .unwrap();
    let store = opened(&directory).await;
    enqueue(&store).await.unwrap();
    let kept =
        |pragma: &str| connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((kept("user_version"), kept("application_id")), (7, 8));
    let own = Directory::new();
    opened(&own).await;
    let connection = Connection::open(own.file()).unwrap();
    let application: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0)).unwrap();
    assert_eq!(application, i64::from(u32::from_be_bytes(*b"hkit")));
}

#[tokio::test]
async fn whoever_only_looks_makes_no_store_and_changes_no_file() {
    let directory = Directory::new();
    let error = open_existing(&directory.url()).await.unwrap_err();
    assert!(error.to_string().contains("there is no store at `"), "{error}");
    assert!(!error.is_configuration());
    assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 0);
    // Somebody else's file, or one that is empty, gets neither tables nor a log.
    let connection = Connection::open(directory.file()).unwrap();
    connection.execute_batch("CREATE TABLE orders (id INTEGER)").unwrap();
    drop(connection);
    let before = fs::read(directory.file()).unwrap();
    let error = open_existing(&directory.url()).await.unwrap_err();
    assert!(error.to_string().contains("there are no jobs in `"), "{error}");
    assert_eq!(fs::read(directory.file()).unwrap(), before);
    fs::write(directory.file(), "").unwrap();
    assert!(open_existing(&directory.url()).await.is_err());
    assert_eq!(fs::read(directory.file()).unwrap(), b"");
    let error = open_existing(&StoreUrl::parse("memory://").unwrap()).await.unwrap_err();
    assert!(error.is_configuration() && error.to_string().contains("nobody else can see them"), "{error}");

    enqueue(&opened(&directory).await).await.unwrap();
    let looking = open_existing(&directory.url()).await.unwrap();
    assert_eq!(looking.counts().await.unwrap()[0].of(State::Waiting), 1);
}

#[tokio::test]
async fn what_is_promised_follows_from_the_url() {
    let directory = Directory::new();
    assert_eq!(opened(&directory).await.durability(), Durability::Disk);
    assert_eq!(open(&directory.fast_url()).await.unwrap().durability(), Durability::Machine);
    assert_eq!(Home::memory().await.store.durability(), Durability::Process);
}

#[tokio::test]
async fn a_lock_that_another_holds_is_waited_for_and_then_named() {
    let directory = Directory::new();
    let url = format!("sqlite://{}?busy_timeout=200ms", directory.file().display());
    let store = open(&url.parse().unwrap()).await.unwrap();
    let other = Connection::open(directory.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = enqueue(&store).await.unwrap_err();
    assert!(!error.is_unknown() && error.is_transient() && !error.is_fatal(), "{error:?}");
    assert!(error.to_string().contains("holds the file's write lock"), "{error}");
    // Who only looks is not kept waiting.
    assert_eq!(store.counts().await.unwrap(), []);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(enqueue(&store).await.unwrap(), Enqueued::Stored);
}

#[tokio::test]
async fn a_full_disk_is_said_and_hurts_nobody_else() {
    let directory = Directory::new();
    let store = opened(&directory).await;
    assert_eq!(enqueue(&store).await.unwrap(), Enqueued::Stored);
    store.close().await.unwrap();
    if !has_strace() {
        return;
    }
    // For a while nothing can be written, and then there is room again.
    let said = injected("fill", &directory, "inject=pwrite64:error=ENOSPC:when=60..90");
    let lines: Vec<_> = said.lines().collect();
    let count = |wanted: &str| lines.iter().filter(|line| **line == wanted).count() as u64;
    assert!(lines.starts_with(&["stored"]) && lines.ends_with(&["stored"]), "{said}");
    assert!(count("full") > 0 && count("stored") + count("full") == lines.len() as u64, "{said}");
    let store = opened(&directory).await;
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    // One was there before, and what was refused is not there.
    assert_eq!(store.counts().await.unwrap()[0].of(State::Waiting), count("stored") + 1);
}

pub(crate) fn has_strace() -> bool {
    let there = Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    if !there {
        assert!(std::env::var_os("CI").is_none(), "strace is not installed");
        eprintln!("skipped: strace is not installed");
    }
    there
}

/// What a child prints whose system calls fail as this says.
fn injected(what: &str, directory: &Directory, fault: &str) -> String {
    injected_into(env!("CARGO_BIN_EXE_store_child"), what, directory, fault)
}

pub(crate) fn injected_into(program: &str, what: &str, directory: &Directory, fault: &str) -> String {
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync,pwrite64", "-e", fault])
        .arg(program)
        .args([what.as_ref(), directory.0.as_os_str()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[tokio::test]
async fn a_file_that_is_deleted_underneath_is_noticed_at_the_next_commit() {
    let directory = Directory::new();
    let store = opened(&directory).await;
    enqueue(&store).await.unwrap();
    store.health().unwrap();
    let mut changes = store.changes();
    changes.mark_unchanged();
    fs::remove_file(directory.file()).unwrap();
    let error = enqueue(&store).await.unwrap_err();
    assert!(error.is_unknown() && error.is_fatal(), "{error:?}");
    assert!(error.to_string().contains("the file was moved or deleted"), "{error}");
    // Whoever only waits for jobs hears of it as well.
    assert!(changes.has_changed().unwrap());
    let error = store.health().unwrap_err();
    assert!(!error.is_unknown() && error.is_fatal(), "{error:?}");
    assert!(error.to_string().starts_with("cannot take or give jobs: the file was moved or deleted"), "{error}");
    let error = enqueue(&store).await.unwrap_err();
    assert!(!error.is_unknown() && error.is_fatal(), "{error:?}");
}

#[tokio::test]
async fn a_damaged_page_is_found_by_check_and_ends_the_writing() {
    let directory = Directory::new();
    let store = opened(&directory).await;
    for _ in 0..200 {
        enqueue(&store).await.unwrap();
    }
    store.close().await.unwrap();
    let mut bytes = fs::read(directory.file()).unwrap();
    let pages = bytes.len() / 4096;
    assert!(pages > 20);
    // All but the first, which says that it is a database, and the schema.
    bytes[4096 * 20..].fill(0xA5);
    fs::write(directory.file(), bytes).unwrap();
    let store = opened(&directory).await;
    let faults = store.check().await;
    assert!(faults.as_ref().map_or_else(StoreError::is_corrupt, |faults| !faults.is_empty()), "{faults:?}");
    let owner = store.register(Worker { name: "a test".to_owned(), lease: Duration::from_mins(1) }).await;
    let mut last = owner.as_ref().err().map(StoreError::is_corrupt);
    if let Ok(owner) = owner {
        let request = ClaimRequest { owner, kinds: vec![Wanted::new("mail", 300)] };
        last = store.claim(request).await.err().map(|error| error.is_corrupt());
    }
    assert_eq!(last, Some(true));
    let error = enqueue(&store).await.unwrap_err();
    assert!(error.is_fatal() && !error.is_unknown(), "{error:?}");
}

#[tokio::test]
async fn a_disk_that_fails_to_sync_leaves_it_unknown_and_ends_the_writing() {
    if !has_strace() {
        return;
    }
    let directory = Directory::new();
    opened(&directory).await.close().await.unwrap();
    let said = injected("fail", &directory, "inject=fdatasync,fsync:error=EIO:when=4+");
    let lines: Vec<_> = said.lines().collect();
    let stored = lines.iter().filter(|line| **line == "stored").count() as u64;
    assert_eq!(lines[lines.len() - 2..], ["unknown fatal", "not done fatal"], "{said}");
    assert!(lines.len() as u64 == stored + 2 && stored > 0, "{said}");
    let store = opened(&directory).await;
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    let counted = store.counts().await.unwrap()[0].of(State::Waiting);
    assert!((stored..=stored + 1).contains(&counted), "{counted} of {stored} and one that is not known");
}

#[tokio::test]
async fn the_dead_are_known_at_once_and_the_living_are_left_alone() {
    let directory = Directory::new();
    let (one, other) = (opened(&directory).await, opened(&directory).await);
    let worker = || Worker { name: "a test".to_owned(), lease: Duration::from_hours(1) };
    let (alive, dead) = (one.register(worker()).await.unwrap(), other.register(worker()).await.unwrap());
    enqueue(&one).await.unwrap();
    enqueue(&one).await.unwrap();
    for (store, owner) in [(&one, alive), (&other, dead)] {
        let request = ClaimRequest { owner, kinds: vec![Wanted::new("mail", 1)] };
        assert!(matches!(store.claim(request).await.unwrap(), Claimed::Jobs { jobs, .. } if jobs.len() == 1));
    }
    assert_eq!(one.sweep().await.unwrap().owners, 0);
    // A file that is there and not locked is what a killed process leaves.
    let owners = directory.0.join("jobs.db-owners");
    let before: Vec<_> = fs::read_dir(&owners).unwrap().map(|entry| entry.unwrap().path()).collect();
    other.close().await.unwrap();
    let left = before.into_iter().find(|path| !path.exists()).expect("it removes its own");
    fs::write(&left, "").unwrap();
    let swept = one.sweep().await.unwrap();
    assert_eq!((swept.owners, swept.interrupted), (1, 1));
    assert!(!left.exists());
    assert_eq!(one.sweep().await.unwrap().owners, 0);
}

#[tokio::test]
async fn a_job_enqueued_in_a_transaction_is_there_if_that_is_committed() {
    let directory = Directory::new();
    let store = opened(&directory).await;
    let mut connection = Connection::open(directory.file()).unwrap();
    let error = enqueue_in(&connection, &NewJob::new("mail", *b"")).unwrap_err();
    assert!(chain(&error).contains("no transaction is open"), "{}", chain(&error));
    let mut changes = store.changes();
    changes.mark_unchanged();
    for commits in [false, true] {
        let transaction = connection.transaction().unwrap();
        let mut job = NewJob::new("mail", *b"");
        job.capacity = Some(1);
        assert_eq!(enqueue_in(&transaction, &job).unwrap(), Enqueued::Stored);
        job.id = hostkit::store::JobId::new();
        assert_eq!(enqueue_in(&transaction, &job).unwrap(), Enqueued::Rejected(Rejection::Full));
        if commits {
            transaction.commit().unwrap();
        }
    }
    // Whoever waits for jobs hears of it, though this process has not asked the store.
    tokio::time::timeout(Duration::from_secs(10), changes.changed()).await.expect("it is told").unwrap();
    assert_eq!(store.counts().await.unwrap()[0].of(State::Waiting), 1);
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn whoever_has_another_library_enqueues_with_plain_statements() {
    let directory = Directory::new();
    let store = opened(&directory).await;
    let connection = Connection::open(directory.file()).unwrap();
    let id = hostkit::store::JobId::new();
    for statement in hostkit::store::sqlite::ENQUEUE_SQL {
        let mut statement = connection.prepare(statement).unwrap();
        for (number, value) in
            [&id.as_bytes() as &dyn rusqlite::ToSql, &"mail", b"hello", &1, &2].into_iter().enumerate()
        {
            if number < statement.parameter_count() {
                statement.raw_bind_parameter(number + 1, value).unwrap();
            }
        }
        assert_eq!(statement.raw_execute().unwrap(), 1);
    }
    assert_eq!(store.show(id).await.unwrap().unwrap().payload, b"hello");
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn work_is_committed_with_its_acknowledgement_or_not_at_all() {
    let home = Home::sqlite().await;
    let sqlite = Arc::clone(&home.store).as_sqlite().unwrap();
    let connection = Connection::open(home.directory().unwrap().file()).unwrap();
    connection.execute_batch("CREATE TABLE effects (what TEXT NOT NULL)").unwrap();
    let effects = || connection.query_row("SELECT count(*) FROM effects", [], |row| row.get::<_, i64>(0)).unwrap();
    let owner = home.owner().await;
    let finish = |claim| Finish { claim, verdict: Verdict::Done };
    let insert = |connection: &Connection| connection.execute("INSERT INTO effects VALUES ('it')", []).map(drop);

    let id = home.put("pay").await;
    let claim = home.claim_one(owner, "pay").await.claim;
    let failing = Box::new(move |connection: &Connection| {
        insert(connection)?;
        Err("the bank said no".into())
    });
    let error = sqlite.finish_with(finish(claim), failing).await.unwrap_err();
    assert!(chain(&error).ends_with("the bank said no") && !error.is_unknown(), "{}", chain(&error));
    let panicking = Box::new(move |connection: &Connection| {
        insert(connection)?;
        panic!("on purpose")
    });
    let error = sqlite.finish_with(finish(claim), panicking).await.unwrap_err();
    assert!(chain(&error).contains("panicked"), "{}", chain(&error));
    assert_eq!((home.state(id).await, effects()), (State::Running, 0));

    let working = move |connection: &Connection| Ok(insert(connection)?);
    assert_eq!(sqlite.finish_with(finish(claim), Box::new(working)).await.unwrap(), Applied::Applied);
    assert_eq!((home.state(id).await, effects()), (State::Done, 1));
    assert_eq!(sqlite.finish_with(finish(claim), Box::new(working)).await.unwrap(), Applied::Stale);
    assert_eq!(effects(), 1);
    home.is_sound().await;
}

#[tokio::test]
async fn a_claim_that_nobody_waits_for_gives_its_jobs_back() {
    let home = Home::sqlite().await;
    for _ in 0..50 {
        home.put("mail").await;
    }
    let owner = home.owner().await;
    for turn in 0..50 {
        let request = ClaimRequest { owner, kinds: vec![Wanted::new("mail", 1)] };
        let claim = home.store.claim(request);
        // Dropped at once, soon, or late.
        let _ = tokio::time::timeout(Duration::from_micros(turn * 40), claim).await;
        home.store.beat(owner).await.unwrap();
    }
    tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            home.store.beat(owner).await.unwrap();
            let held = home.count("mail", State::Running).await;
            let known = home.store.reconcile(owner, Vec::new());
            if held == 0 {
                break;
            }
            // Claims that were answered in time are the test's own.
            known.await.unwrap();
        }
    })
    .await
    .unwrap();
    assert_eq!(home.count("mail", State::Waiting).await, 50);
    home.is_sound().await;
}

#[tokio::test]
async fn a_backup_is_a_whole_store_and_takes_no_files_place() {
    let home = Home::sqlite().await;
    for _ in 0..20 {
        home.put_with("mail", |job| job.payload = vec![7; 9000]).await;
    }
    let copy = Directory::new();
    home.store.backup(&copy.file()).await.unwrap();
    assert_eq!(fs::metadata(copy.file()).unwrap().mode() & 0o777, 0o600);
    let error = home.store.backup(&copy.file()).await.unwrap_err();
    assert!(error.to_string().contains("the file is there already, and nothing is overwritten"), "{}", chain(&error));
    assert!(!error.is_fatal());
    let error = home.store.backup(&copy.0.join("missing/jobs.db")).await.unwrap_err();
    assert!(error.to_string().contains("cannot be written"), "{}", chain(&error));
    // What was made on the way is gone.
    assert_eq!(fs::read_dir(&copy.0).unwrap().count(), 1);
    let store = opened(&copy).await;
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    assert_eq!(store.counts().await.unwrap(), home.store.counts().await.unwrap());
    let unsupported = Home::memory().await.store.backup(&copy.0.join("other.db")).await.unwrap_err();
    assert!(chain(&unsupported).contains("keeps nothing on disk"), "{}", chain(&unsupported));
}

/// What a child that may not do everything says when it cannot start.
fn refused_to_a_stranger(directory: &Directory) -> String {
    let program = env!("CARGO_BIN_EXE_store_child");
    // Rights do not stop root, who then becomes somebody else; that one must be able to read the program.
    let is_root = fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0);
    let readable = Directory::new();
    let copy = readable.0.join("store_child");
    // By another process: while this one writes it, a child that another test starts would have it open, and it could not be run.
    assert!(Command::new("cp").arg(program).arg(&copy).status().unwrap().success());
    let mut command = Command::new(if is_root { "setpriv".as_ref() } else { copy.as_os_str() });
    if is_root {
        command.args(["--reuid=65534", "--clear-groups", "--"]).arg(&copy);
    }
    let output = command.arg("fail").arg(&directory.0).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    said
}

#[tokio::test]
async fn what_cannot_be_written_is_said_before_anything_starts() {
    let directory = Directory::new();
    fs::set_permissions(&directory.0, fs::Permissions::from_mode(0o555)).unwrap();
    let said = refused_to_a_stranger(&directory);
    assert!(said.contains("cannot make"), "{said}");
    assert!(said.contains("give the process the right to, or name a file elsewhere"), "{said}");
    assert!(!directory.file().exists());
    opened(&directory).await.close().await.unwrap();
    fs::set_permissions(directory.file(), fs::Permissions::from_mode(0o444)).unwrap();
    let said = refused_to_a_stranger(&directory);
    assert!(said.contains("cannot be written; give the process the right to"), "{said}");
}
