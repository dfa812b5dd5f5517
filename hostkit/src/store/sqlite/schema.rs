//! The tables, and how a file gets them.
//!
//! Every name begins with `hostkit_`, so that they can live in a file with tables of the user's. One row is one job for its whole
//! life. What is claimable, running and over is found through indexes that hold only such rows: the index of what is
//! claimable does not know of a million jobs that are done. Each index is one more page that every change of a job opens, so
//! what few jobs need, such as keys, has tables of its own.
//!
//! # Invariants
//! 1. `place` says where a job is. `READY` and `SUSPECT` are claimable when due; `BEHIND` waits for its serial key, and has a row in
//!    `hostkit_behind`. `hostkit_slots` has how many jobs of each key run.
//! 2. While jobs of a key are `BEHIND`, as many with that key as may run are running or ready and due. So whoever takes one of these
//!    away moves the first of those that are behind into `READY`, and no claim searches them.
//! 3. `hostkit_counts` has the number of jobs of each kind in each place, changed in the transaction that moves them.
//! 4. A payload is in its row, or, if it is large, beside it, so that moving the job does not write it again.
//! 5. A row of `hostkit_keys` without `until` names a job that is there and holds the key.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::super::crash::crash_point;
use super::super::{OpenError, State};
use super::error::open_error;

/// "hkit", for `file` and other tools; only set in files that hostkit made.
const APPLICATION_ID: i64 = 0x686b_6974;

/// The number of a kind.
pub(super) type Kind = i64;

/// Where a job is, as it is stored.
pub(super) type Place = i64;

pub(super) const READY: Place = 0;
pub(super) const SUSPECT: Place = 1;
pub(super) const BEHIND: Place = 2;
pub(super) const RUNNING: Place = 3;
pub(super) const DONE: Place = 4;
pub(super) const DEAD: Place = 5;
pub(super) const QUARANTINED: Place = 6;
pub(super) const CANCELLED: Place = 7;

/// The state of a job in this place; `None` for a number that means nothing.
pub(super) fn state(place: Place) -> Option<State> {
    Some(match place {
        READY | SUSPECT | BEHIND => State::Waiting,
        RUNNING => State::Running,
        DONE => State::Done,
        DEAD => State::Dead,
        QUARANTINED => State::Quarantined,
        CANCELLED => State::Cancelled,
        _ => return None,
    })
}

/// The place of a job that has this outcome, or runs.
pub(super) fn place(state: State) -> Place {
    match state {
        State::Waiting => READY,
        State::Running => RUNNING,
        State::Done => DONE,
        State::Dead => DEAD,
        State::Quarantined => QUARANTINED,
        State::Cancelled => CANCELLED,
    }
}

/// Each brings a file from one version to the next. What was released is never changed.
const MIGRATIONS: [&[&str]; 1] = [&[
    // Each job, and each entry of an index, has the number of its kind instead of the name.
    "CREATE TABLE hostkit_kinds (kind INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    "CREATE TABLE hostkit_jobs (
        seq INTEGER PRIMARY KEY,
        id BLOB NOT NULL,
        kind INTEGER NOT NULL,
        place INTEGER NOT NULL,
        -- Negated, so that indexes ascend in the order in which jobs go.
        priority INTEGER NOT NULL,
        due INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        owner INTEGER,
        failures INTEGER NOT NULL,
        crashes INTEGER NOT NULL,
        at_most_once INTEGER NOT NULL,
        cancel_requested INTEGER NOT NULL,
        enqueued_at INTEGER NOT NULL,
        claimed_at INTEGER,
        ended_at INTEGER,
        serial_key TEXT,
        idempotency_key TEXT,
        unique_key TEXT,
        unique_mode INTEGER,
        version INTEGER NOT NULL,
        trace TEXT,
        reason TEXT,
        -- NULL: it is large, and in hostkit_payloads.
        payload BLOB
    ) STRICT",
    "CREATE UNIQUE INDEX hostkit_job_ids ON hostkit_jobs (id)",
    "CREATE INDEX hostkit_claimable ON hostkit_jobs (kind, place, priority, due) WHERE place <= 1",
    "CREATE INDEX hostkit_running ON hostkit_jobs (owner, crashes) WHERE place = 3",
    "CREATE INDEX hostkit_ended ON hostkit_jobs (kind, place, ended_at) WHERE place >= 4",
    "CREATE TABLE hostkit_slots (
        kind INTEGER NOT NULL, serial_key TEXT NOT NULL, running INTEGER NOT NULL, PRIMARY KEY (kind, serial_key)
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE hostkit_behind (
        kind INTEGER NOT NULL,
        serial_key TEXT NOT NULL,
        priority INTEGER NOT NULL,
        due INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (kind, serial_key, priority, due, seq)
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE hostkit_payloads (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL) STRICT",
    "CREATE TABLE hostkit_counts (
        kind INTEGER NOT NULL, place INTEGER NOT NULL, jobs INTEGER NOT NULL, PRIMARY KEY (kind, place)
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE hostkit_keys (
        kind INTEGER NOT NULL,
        -- 0: idempotency, 1: unique.
        space INTEGER NOT NULL,
        key TEXT NOT NULL,
        id BLOB NOT NULL,
        until INTEGER,
        PRIMARY KEY (kind, space, key)
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX hostkit_keys_until ON hostkit_keys (until) WHERE until IS NOT NULL",
    "CREATE TABLE hostkit_owners (
        owner INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        lease INTEGER NOT NULL,
        until INTEGER NOT NULL,
        -- The file in the directory beside this one that its process holds a lock on.
        lock TEXT NOT NULL
    ) STRICT",
    "CREATE TABLE hostkit_rates (kind INTEGER PRIMARY KEY, at_rest INTEGER NOT NULL) STRICT",
    "CREATE TABLE hostkit_occurrences (
        schedule TEXT NOT NULL, instant INTEGER NOT NULL, id BLOB NOT NULL, PRIMARY KEY (schedule, instant)
    ) STRICT, WITHOUT ROWID",
]];

/// The version that this hostkit reads and writes.
const VERSION: usize = MIGRATIONS.len();

/// The version of the tables in a file; 0 if it has none.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let exists = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'hostkit_meta'";
    if connection.query_row(exists, [], |_| Ok(())).optional()?.is_none() {
        return Ok(0);
    }
    let version: i64 = connection.query_row("SELECT version FROM hostkit_meta", [], |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Whether older tables are brought up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Older {
    /// Only a file without tables gets them.
    Refuse,
    /// All are.
    Migrate,
}

/// Brings the tables of a file up to date, in one transaction.
pub(super) fn prepare(connection: &mut Connection, older: Older) -> Result<(), OpenError> {
    let failed = |error| open_error("cannot prepare the store's tables", error);
    // Most of the time there is nothing to do, and nobody should wait for a lock to learn that.
    let found = version(connection).map_err(failed)?;
    refuse_newer(found)?;
    if found == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Another process may have been faster.
    let found = version(&transaction).map_err(failed)?;
    refuse_newer(found)?;
    if found == VERSION {
        return Ok(());
    }
    if found > 0 {
        if older == Older::Refuse {
            return Err(OpenError::store(format!(
                "the store has tables of version {found} and this program writes version {VERSION}; stop whoever uses it \
                 and run `store migrate`"
            )));
        }
        let owners: i64 =
            transaction.query_row("SELECT count(*) FROM hostkit_owners", [], |row| row.get(0)).map_err(failed)?;
        if owners > 0 {
            return Err(OpenError::store(format!(
                "the store is in use by {owners} owners, which would not understand newer tables; stop them, then migrate"
            )));
        }
    }
    let is_new: bool = found == 0
        && transaction
            .query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
            .map_err(failed)?;
    for step in MIGRATIONS.iter().skip(found) {
        for statement in *step {
            transaction.execute_batch(statement).map_err(failed)?;
            crash_point!("migrate.statement_executed");
        }
    }
    if found == 0 {
        transaction.execute_batch("CREATE TABLE hostkit_meta (version INTEGER NOT NULL) STRICT").map_err(failed)?;
        transaction.execute_batch("INSERT INTO hostkit_meta VALUES (0)").map_err(failed)?;
    }
    let version = i64::try_from(VERSION).unwrap_or(i64::MAX);
    transaction.execute("UPDATE hostkit_meta SET version = ?1", [version]).map_err(failed)?;
    if is_new {
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    }
    crash_point!("migrate.version_written");
    transaction.commit().map_err(failed)?;
    crash_point!("migrate.committed");
    Ok(())
}

fn refuse_newer(found: usize) -> Result<(), OpenError> {
    if found > VERSION {
        return Err(OpenError::store(format!(
            "the store was written by a newer hostkit, with tables of version {found}, and this one knows {VERSION}; \
             update this program"
        )));
    }
    Ok(())
}
