//! The one thread that writes.
//!
//! # Invariants
//! 1. What has come while one transaction was written goes into the next, together; everybody in it is answered after its commit
//!    and not before.
//! 2. If something in a transaction fails, nothing of it is done. Then each of its operations gets one of its own, so that
//!    nobody suffers from another's, unless the file itself has failed.
//! 3. Whether a commit that failed is in the file is not known if the disk failed, because its last page may be there. After that,
//!    and when the file is damaged or gone, nothing more is written: what was read from it may not be what the disk has.
//! 4. If something panics, which nothing should, its transaction comes to nothing, and nothing more is written.
//! 5. A commit into a file that has no name any more is not one that is kept, so after each the name is looked at.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::watch;

use super::super::StoreClock;
use super::super::crash::crash_point;
use super::super::error::ErrorKind;
use super::batch::{Batch, Whereabouts};
use super::error::kind;
use super::files::{Identity, named};
use super::inbox::{Inbox, Next, Turn};
use super::operation::{Fault, Operation};
use crate::time::real_now;

/// How often the writer looks whether somebody else has written, while it has nothing to do and somebody wants to know.
const LOOK: Duration = Duration::from_millis(25);
/// How often it looks if nobody does.
const LOOK_SELDOM: Duration = Duration::from_millis(250);
/// It waits no longer than this for those who came together last time.
const LINGER: Duration = Duration::from_millis(1);

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) clock: StoreClock,
    pub(super) inbox: Arc<Inbox>,
    pub(super) changes: Arc<watch::Sender<u64>>,
    /// What ended the writing, for good.
    pub(super) failed: Arc<OnceLock<Fault>>,
    pub(super) path: PathBuf,
    pub(super) identity: Option<Identity>,
    pub(super) whereabouts: Whereabouts,
    /// The last, so that the file is closed when it says so.
    pub(super) _ended: Ended,
}

/// Says that the thread has ended, however it does, so that nobody waits for it in vain.
pub(super) struct Ended {
    pub(super) inbox: Arc<Inbox>,
    pub(super) failed: Arc<OnceLock<Fault>>,
    pub(super) changes: Arc<watch::Sender<u64>>,
    pub(super) said: watch::Sender<bool>,
}

impl Drop for Ended {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let died = Fault { kind: ErrorKind::Died, is_unknown: false, source: None };
            tracing::error!(target: "hostkit::store", "the store takes nothing more: {}", died.kind);
            // It may have failed before.
            let _ = self.failed.set(died);
        }
        self.inbox.abandon();
        self.said.send_replace(true);
        self.changes.send_modify(|count| *count += 1);
    }
}

/// Where a transaction failed.
enum Failed {
    /// Before it could begin.
    Begin(Fault),
    /// In one of its operations.
    Apply(Fault),
    /// At its end.
    Commit(Fault),
}

impl Writer {
    /// The life of the thread.
    pub(super) fn run(mut self) {
        let (mut expected, mut linger) = (1, Duration::ZERO);
        let (mut version, mut looked) = (self.version(), real_now());
        loop {
            let idle = if self.changes.receiver_count() > 0 { LOOK } else { LOOK_SELDOM };
            match self.inbox.next(idle, expected, linger) {
                Next::Closed => return,
                Next::Idle => {}
                Next::Group(group) => {
                    expected = group.len();
                    let began = real_now();
                    self.settle(group);
                    linger = (began.elapsed() / 2).min(LINGER);
                }
            }
            if looked.elapsed() >= LOOK {
                looked = real_now();
                let now = self.version();
                if now != version {
                    self.tell();
                }
                version = now;
            }
        }
    }

    /// Changes whenever another connection has written, to the same file, in this process or another.
    fn version(&self) -> Option<i64> {
        self.connection.query_row("PRAGMA data_version", [], |row| row.get(0)).ok()
    }

    fn tell(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn settle(&mut self, mut group: Vec<Box<dyn Operation>>) {
        if let Some(failed) = self.failed.get() {
            let kind = if failed.kind == ErrorKind::Died { ErrorKind::Died } else { ErrorKind::Failed };
            self.answer(group, Err(&Fault { kind, is_unknown: false, source: failed.source.clone() }));
            return;
        }
        let attempted = catch_unwind(AssertUnwindSafe(|| self.attempt(&mut group)));
        match attempted.unwrap_or_else(|_panic| Err(self.died())) {
            Ok(()) => self.answer(group, Ok(())),
            Err(Failed::Apply(fault)) if group.len() > 1 && !is_fatal(fault.kind) => {
                for operation in group {
                    self.settle(vec![operation]);
                }
            }
            Err(Failed::Begin(fault) | Failed::Apply(fault) | Failed::Commit(fault)) => {
                if is_fatal(fault.kind) {
                    tracing::error!(
                        target: "hostkit::store", path = %self.path.display(), "the store takes nothing more: {}", fault.kind
                    );
                    let _ = self.failed.set(Fault { is_unknown: false, ..fault.clone() });
                    self.tell();
                }
                self.answer(group, Err(&fault));
            }
        }
    }

    /// Gives up after a panic (invariant 4).
    fn died(&self) -> Failed {
        // Without a transaction it has been committed, or was about to begin.
        let is_unknown = self.connection.is_autocommit();
        self.roll_back();
        Failed::Commit(Fault { kind: ErrorKind::Died, is_unknown, source: None })
    }

    fn answer(&self, group: Vec<Box<dyn Operation>>, outcome: Result<(), &Fault>) {
        for operation in group {
            if let Some(next) = operation.answer(outcome) {
                // A store that is closed has no owners that could have anything.
                let _ = self.inbox.push(next, Turn::Last);
            }
        }
    }

    /// Does everything in one transaction.
    fn attempt(&mut self, group: &mut [Box<dyn Operation>]) -> Result<(), Failed> {
        let fault =
            |error: rusqlite::Error| Fault { kind: kind(&error), is_unknown: false, source: Some(Arc::new(error)) };
        self.execute("BEGIN IMMEDIATE").map_err(|error| Failed::Begin(fault(error)))?;
        crash_point!("commit.begun");
        let mut batch = Batch::new(&self.connection, self.clock.now());
        batch.whereabouts = std::mem::take(&mut self.whereabouts);
        let mut applied = group.iter_mut().try_for_each(|operation| operation.apply(&mut batch));
        applied = applied.and_then(|()| batch.close());
        let is_news = batch.is_news;
        self.whereabouts = std::mem::take(&mut batch.whereabouts);
        drop(batch);
        if let Err(error) = applied {
            self.roll_back();
            return Err(Failed::Apply(fault(error)));
        }
        crash_point!("commit.applied");
        if let Err(error) = self.execute("COMMIT") {
            self.roll_back();
            let fault = fault(error);
            let is_unknown = !matches!(fault.kind, ErrorKind::Full | ErrorKind::Locked | ErrorKind::ReadOnly);
            return Err(Failed::Commit(Fault { is_unknown, ..fault }));
        }
        crash_point!("commit.done");
        if self.identity.is_some() && named(&self.path) != self.identity {
            return Err(Failed::Commit(Fault { kind: ErrorKind::Gone, is_unknown: true, source: None }));
        }
        if is_news {
            self.tell();
        }
        Ok(())
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    /// SQLite may have done so already.
    fn roll_back(&self) {
        if !self.connection.is_autocommit() {
            let _ = self.execute("ROLLBACK");
        }
    }
}

/// Whether the file must not be trusted any more (invariant 3).
fn is_fatal(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Io | ErrorKind::Corrupt | ErrorKind::Gone | ErrorKind::Died)
}
