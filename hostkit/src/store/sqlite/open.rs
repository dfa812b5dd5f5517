//! How a file is opened, and what is refused.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::watch;

use super::super::crash::crash_point;
use super::super::url::{Place, SqliteUrl, Synchronous};
use super::super::{Absent, JobId, OpenError, StoreClock, StoreUrl};
use super::SqliteStore;
use super::batch::Whereabouts;
use super::error::open_error;
use super::files::{make, named, sync};
use super::inbox::Inbox;
use super::lock::Locks;
use super::place::refuse_network;
use super::schema::{Older, prepare, version};
use super::writer::{Ended, Writer};
use crate::error::WithCauses;
use crate::time::real_now;

/// Older ones can damage a file whose log is checkpointed while another connection writes (fixed in 3.51.3).
const OLDEST: i32 = 3_051_003;

/// Pages that may gather in the log before they are moved into the file.
const CHECKPOINT: i64 = 4000;

impl SqliteStore {
    /// Opens a file, and makes it if there is none and that is wanted. Blocks its thread.
    pub(in crate::store) fn open(url: &SqliteUrl, clock: StoreClock, absent: Absent) -> Result<Self, OpenError> {
        let (connection, path) = prepared(url, Older::Refuse, absent)?;
        let identity = named(&path);
        let (inbox, changes) = (Arc::new(Inbox::default()), Arc::new(watch::Sender::new(0)));
        let (ended, has_ended) = watch::channel(false);
        let failed = Arc::new(OnceLock::new());
        let writer = Writer {
            connection,
            clock,
            inbox: Arc::clone(&inbox),
            changes: Arc::clone(&changes),
            failed: Arc::clone(&failed),
            path: path.clone(),
            identity,
            whereabouts: Whereabouts::default(),
            _ended: Ended {
                inbox: Arc::clone(&inbox),
                failed: Arc::clone(&failed),
                changes: Arc::clone(&changes),
                said: ended,
            },
        };
        crate::tasks::thread("hostkit-store", move || writer.run())
            .map_err(|error| OpenError::store("the system has no room for the store's thread").because(error))?;
        let locks = Locks::beside(&path);
        Ok(Self {
            path,
            synchronous: url.synchronous,
            inbox,
            changes,
            failed,
            readers: Arc::new(Mutex::new(Some(Vec::new()))),
            ended: has_ended,
            locks,
            lock: Arc::default(),
        })
    }
}

/// Brings the tables of a store up to date, and makes the store if there is none, for `store migrate`. Blocks its thread.
///
/// # Errors
/// Fails when the store cannot be opened, is newer than this program, or is in use by programs that would not understand
/// it afterwards.
pub fn migrate(url: &StoreUrl) -> Result<(), OpenError> {
    match &url.0 {
        Place::Memory => Ok(()),
        Place::Sqlite(url) => prepared(url, Older::Migrate, Absent::Made).map(drop),
    }
}

/// A connection to a file that is fit to keep jobs, and the file's path from the root.
fn prepared(url: &SqliteUrl, older: Older, absent: Absent) -> Result<(Connection, PathBuf), OpenError> {
    if rusqlite::version_number() < OLDEST {
        return Err(OpenError::configuration(format!(
            "this program has SQLite {}, and versions before 3.51.3 can damage a store; build it with the bundled one",
            rusqlite::version()
        )));
    }
    let path = found(&url.path, absent)?;
    let mut connection =
        Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|error| open_error(&format!("cannot open `{}`", path.display()), error))?;
    let failed = |error| open_error(&format!("cannot use `{}`", path.display()), error);
    connection.busy_timeout(url.busy_timeout).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(128);
    // Before anything is changed in a file that may be somebody else's.
    if absent == Absent::Refused && version(&connection).map_err(failed)? == 0 {
        return Err(OpenError::store(format!("there are no jobs in `{}` yet; {HOW_MADE}", path.display())));
    }
    make_log(&connection, &path, url.busy_timeout)?;
    let synchronous = match url.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    for (pragma, value) in [("synchronous", synchronous), ("trusted_schema", "OFF"), ("foreign_keys", "OFF")] {
        connection.pragma_update(None, pragma, value).map_err(failed)?;
    }
    for (pragma, value) in
        [("wal_autocheckpoint", CHECKPOINT), ("cache_size", -16_384), ("journal_size_limit", 64 << 20)]
    {
        connection.pragma_update_and_check(None, pragma, value, |_| Ok(())).or_else(no_answer).map_err(failed)?;
    }
    prepare(&mut connection, older)?;
    Ok((connection, path))
}

/// Some pragmas answer with their new value and some do not.
fn no_answer(error: rusqlite::Error) -> rusqlite::Result<()> {
    match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        other => Err(other),
    }
}

/// How a store comes to be.
const HOW_MADE: &str = "the program makes the store when it first needs it, and `store migrate` makes it now";

/// The file, made if there is none and that is wanted.
fn found(path: &Path, absent: Absent) -> Result<PathBuf, OpenError> {
    let path = std::path::absolute(path)
        .map_err(|error| OpenError::store(format!("`{}` is no path", path.display())).because(error))?;
    let directory = path.parent().unwrap_or(Path::new("/"));
    if !directory.is_dir() {
        return Err(OpenError::store(format!(
            "`{}`, the directory of the store, is not there; make it, or name a file elsewhere",
            directory.display()
        )));
    }
    refuse_network(directory)?;
    if path.is_dir() {
        return Err(OpenError::configuration(format!("`{}` is a directory; name a file in it", path.display())));
    }
    if absent == Absent::Refused {
        return match path.try_exists() {
            Ok(true) => Ok(path),
            Ok(false) => Err(OpenError::store(format!("there is no store at `{}` yet; {HOW_MADE}", path.display()))),
            Err(error) => {
                Err(OpenError::store(format!("cannot tell whether `{}` is there", path.display())).because(error))
            }
        };
    }
    match make(&path) {
        Ok(file) => {
            drop(file);
            crash_point!("open.file_made");
        }
        // It is not opened here: closing it again would let go of the locks that others in this process hold on it.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => {
            let why = WithCauses(&error).to_string();
            return Err(OpenError::store(format!(
                "cannot make `{}`: {why}; give the process the right to, or name a file elsewhere",
                path.display()
            ))
            .because(error));
        }
    }
    Ok(path)
}

/// Switches the file to a log that is written ahead, which needs it alone for a moment.
fn make_log(connection: &Connection, path: &Path, patience: Duration) -> Result<(), OpenError> {
    let began = real_now();
    loop {
        let mode: rusqlite::Result<String> = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(OpenError::store(format!(
                    "`{}` cannot have a write-ahead log, it stays at `{mode}`; name a file on a disk of this machine",
                    path.display()
                )));
            }
            // For this SQLite does not always wait by itself.
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {
                if began.elapsed() > patience {
                    return Err(open_error(&format!("cannot use `{}`", path.display()), error));
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(open_error(&format!("cannot use `{}`", path.display()), error)),
        }
    }
}

/// A connection that only reads.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Copies everything, as of one moment, to a file that must not exist.
pub(super) fn copy(reader: &mut Connection, to: &Path) -> rusqlite::Result<std::io::Result<()>> {
    if to.exists() {
        return Ok(Err(std::io::ErrorKind::AlreadyExists.into()));
    }
    // A copy that is not whole never has the name of one that is.
    let mut partial = to.as_os_str().to_owned();
    partial.push(format!(".{}.partial", JobId::new()));
    let partial = PathBuf::from(partial);
    // With the right mode from the beginning. SQLite takes an empty file for one that is not there.
    if let Err(error) = make(&partial) {
        return Ok(Err(error));
    }
    let copied = copy_into(reader, &partial);
    let named = copied.map(|copied| copied.and_then(|()| rename_new(&partial, to)));
    // It has another name by now, or is of no use.
    let _ = std::fs::remove_file(&partial);
    named
}

fn copy_into(reader: &mut Connection, to: &Path) -> rusqlite::Result<std::io::Result<()>> {
    let Some(name) = to.to_str() else { return Ok(Err(std::io::ErrorKind::InvalidFilename.into())) };
    reader.pragma_update(None, "query_only", false)?;
    let copied = reader.execute("VACUUM INTO ?1", [name]).map(drop);
    reader.pragma_update(None, "query_only", true)?;
    copied.map(|()| sync(to))
}

/// Gives a file another name, which nothing may have.
fn rename_new(from: &Path, to: &Path) -> std::io::Result<()> {
    match std::fs::hard_link(from, to) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Err(error),
        // Not every file system has links.
        Err(_) if to.exists() => return Err(std::io::ErrorKind::AlreadyExists.into()),
        Err(_) => std::fs::rename(from, to)?,
        Ok(()) => {}
    }
    sync(to)
}
