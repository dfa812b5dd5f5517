//! `sqlite://`: jobs in one file, with nothing to install.
//!
//! The file may be one of its own or the one that has the tables of the program: names of ours begin with `hostkit_`. Then jobs can
//! be enqueued in the transaction that makes the reason for them ([`enqueue_in`]), and a handler's own changes can be
//! committed together with its acknowledgement ([`SqliteStore::finish_with`]), which makes their effect happen exactly once.
//!
//! One thread writes, and puts what has come meanwhile into one transaction; others read beside it. Several processes may use one
//! file, all on one machine: network file systems are refused. Each that runs jobs holds a lock on a file of its own in the
//! directory `<file>-owners`, so that the others know at once when it has died.
//!
//! Leases go by the machine's wall clock. Whoever sets that forward by more than a lease makes the next sweep declare the
//! living dead: their jobs run again, and what the former attempts say of them is stale.
//!
//! Whoever uses another library than rusqlite, such as sqlx, enqueues in a transaction with three statements of SQL, which
//! [`ENQUEUE_SQL`] has.
//!
//! # When something fails
//! | what | what is answered | what to do |
//! |---|---|---|
//! | the disk is full | certainly not done; nothing else is lost, and later tries may succeed | make room |
//! | another connection holds the write lock for longer than `busy_timeout` | certainly not done | keep write transactions short |
//! | the file or directory is read-only | not opened; later: certainly not done | rights |
//! | the file is damaged | [fatal](super::StoreError::is_fatal) from then on | keep a copy, restore a backup |
//! | the file is moved or deleted | unknown for what was under way, then fatal | put it back, start again |
//! | the disk fails while it writes | unknown for what was under way, then fatal | look after the disk, start again |
//! | the thread that writes panics | unknown for what was under way, then fatal | start again |
//!
//! [`Store::health`] says what was fatal, from then on.

mod batch;
mod claim;
mod enqueue;
mod error;
mod files;
mod finish;
mod inbox;
mod keys;
mod lock;
mod manage;
mod open;
mod operation;
mod owners;
mod place;
mod read;
mod schema;
mod slots;
mod transaction;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use rusqlite;
use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

pub use open::migrate;
pub use transaction::{ENQUEUE_SQL, Work, enqueue_in};

use self::batch::Batch;
use self::inbox::{Inbox, Turn};
use self::lock::{Lock, Locks};
use self::operation::{Call, Fault, Operation};
use super::error::{ErrorKind, HEALTH};
use super::url::Synchronous;
use super::{
    Answer, Applied, Batch as Changes, Beat, Changed, Claim, ClaimRequest, Claimed, Counts, Durability, Enqueued,
    Filter, Finish, JobId, JobView, NewJob, OwnerId, Page, PageRequest, Rejection, Retention, Store, StoreError, Swept,
    Timestamp, Verdict, Worker,
};

/// A store in a SQLite file.
pub struct SqliteStore {
    path: PathBuf,
    synchronous: Synchronous,
    inbox: Arc<Inbox>,
    changes: Arc<watch::Sender<u64>>,
    /// What ended the writing, for good.
    failed: Arc<OnceLock<Fault>>,
    /// Connections that nobody uses at the moment; `None` once the store is closed.
    readers: Arc<Mutex<Option<Vec<Connection>>>>,
    /// Whether the writer has ended.
    ended: watch::Receiver<bool>,
    locks: Locks,
    /// Shows others that this process lives, as soon as it has owners.
    lock: Arc<Mutex<Option<Lock>>>,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.inbox.close();
    }
}

/// Nothing is to be done if nobody hears an answer.
fn nothing<T>(_value: T) -> Option<Box<dyn Operation>> {
    None
}

/// Jobs that nobody has heard of are given back.
fn give_back(claimed: Claimed) -> Option<Box<dyn Operation>> {
    let Claimed::Jobs { jobs, .. } = claimed else { return None };
    if jobs.is_empty() {
        return None;
    }
    let release = move |batch: &mut Batch<'_>| {
        jobs.iter().try_for_each(|job| batch.finish(&Finish { claim: job.claim, verdict: Verdict::Released }).map(drop))
    };
    Some(Call::boxed("give jobs back", 1, release, nothing).0)
}

/// The answer to a claim on its way. If nobody waits for it any more the jobs go back.
struct Claiming {
    answered: Option<oneshot::Receiver<Result<Claimed, StoreError>>>,
    inbox: Arc<Inbox>,
}

impl Drop for Claiming {
    fn drop(&mut self) {
        let Some(mut answered) = self.answered.take() else { return };
        // From here on the writer sees that nobody waits.
        answered.close();
        if let Ok(Ok(claimed)) = answered.try_recv()
            && let Some(release) = give_back(claimed)
        {
            let _ = self.inbox.push(release, Turn::Last);
        }
    }
}

impl SqliteStore {
    /// Has the writer do something.
    fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        weight: usize,
        work: impl FnMut(&mut Batch<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        self.write_in(Turn::Last, name, weight, work)
    }

    fn write_in<T: Send + 'static>(
        &self,
        turn: Turn,
        name: &'static str,
        weight: usize,
        work: impl FnMut(&mut Batch<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        let (operation, answered) = Call::boxed(name, weight, work, nothing);
        Box::pin(async move {
            if self.inbox.push(operation, turn).is_err() {
                return Err(self.closed(name));
            }
            heard(name, answered.await)
        })
    }

    fn is_closed(&self) -> bool {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Why nothing is taken any more.
    fn closed(&self, name: &'static str) -> StoreError {
        match self.failed.get() {
            Some(fault) if !self.is_closed() => fault.error(name),
            _ => StoreError::new(name, ErrorKind::Closed),
        }
    }

    /// Looks at what is stored, beside the writer.
    fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        let (readers, path) = (Arc::clone(&self.readers), self.path.clone());
        let read = move || {
            let free = {
                let mut readers = readers.lock().unwrap_or_else(PoisonError::into_inner);
                readers.as_mut().ok_or_else(|| StoreError::new(name, ErrorKind::Closed))?.pop()
            };
            let reader = free.map_or_else(|| open::reader(&path), Ok);
            let mut reader = reader.map_err(|error| error::not_done(name, error))?;
            let value = work(&mut reader).map_err(|error| error::not_done(name, error))?;
            if let Some(readers) = readers.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                readers.push(reader);
            }
            Ok(value)
        };
        Box::pin(crate::tasks::blocking(read))
    }
}

/// What the writer said, if it did.
fn heard<T>(
    name: &'static str,
    answer: Result<Result<T, StoreError>, oneshot::error::RecvError>,
) -> Result<T, StoreError> {
    answer.unwrap_or_else(|error| Err(StoreError::new(name, ErrorKind::Unanswered).unknown().because(error)))
}

impl Store for SqliteStore {
    fn enqueue(&self, jobs: Vec<NewJob>) -> Answer<'_, Vec<Enqueued>> {
        let sizes: Vec<usize> = jobs.iter().map(|job| job.payload.len()).collect();
        let enqueue = move |batch: &mut Batch<'_>| jobs.iter().map(|job| batch.enqueue(job)).collect();
        let (operation, answered) = Call::boxed("enqueue", sizes.len(), enqueue, nothing);
        Box::pin(async move {
            if self.inbox.push(operation, Turn::Last).is_err() {
                if !self.closed("enqueue").is_closed() {
                    return Err(self.closed("enqueue"));
                }
                let rejection = |size| match size {
                    ..=super::PAYLOAD_LIMIT => Rejection::Closed,
                    size => Rejection::TooLarge(size),
                };
                return Ok(sizes.into_iter().map(|size| Enqueued::Rejected(rejection(size))).collect());
            }
            heard("enqueue", answered.await)
        })
    }

    fn enqueue_occurrence(&self, schedule: &str, instant: Timestamp, job: NewJob) -> Answer<'_, Enqueued> {
        let schedule = schedule.to_owned();
        self.write("store an occurrence", 1, move |batch| batch.enqueue_occurrence(&schedule, instant, &job))
    }

    fn last_occurrence(&self, schedule: &str) -> Answer<'_, Option<Timestamp>> {
        let schedule = schedule.to_owned();
        self.write("look for an occurrence", 1, move |batch| batch.last_occurrence(&schedule))
    }

    fn register(&self, worker: Worker) -> Answer<'_, OwnerId> {
        let (locks, lock) = (self.locks.clone(), Arc::clone(&self.lock));
        Box::pin(async move {
            let name = "register an owner";
            let take = move || {
                let mut lock = lock.lock().unwrap_or_else(PoisonError::into_inner);
                if lock.is_none() {
                    *lock = Some(locks.take()?);
                }
                Ok::<_, std::io::Error>(lock.as_ref().map(|lock| lock.name.clone()).unwrap_or_default())
            };
            let lock = crate::tasks::blocking(take).await.map_err(|error| {
                let kind = match error.kind() {
                    std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::Full,
                    _ => ErrorKind::ReadOnly,
                };
                StoreError::new(name, kind).because(error)
            })?;
            self.write(name, 1, move |batch| batch.register(&worker, &lock)).await
        })
    }

    fn claim(&self, request: ClaimRequest) -> Answer<'_, Claimed> {
        let name = "claim jobs";
        let weight = request.kinds.iter().map(|wanted| wanted.free as usize).sum();
        let (operation, answered) = Call::boxed(name, weight, move |batch| batch.claim(&request), give_back);
        Box::pin(async move {
            if self.inbox.push(operation, Turn::Last).is_err() {
                return Err(self.closed(name));
            }
            let mut claiming = Claiming { answered: Some(answered), inbox: Arc::clone(&self.inbox) };
            let answer = match &mut claiming.answered {
                Some(answered) => answered.await,
                None => return Err(StoreError::new(name, ErrorKind::Internal)),
            };
            claiming.answered = None;
            heard(name, answer)
        })
    }

    fn finish(&self, finishes: Vec<Finish>) -> Answer<'_, Vec<Applied>> {
        self.write("finish jobs", finishes.len(), move |batch| batch.finish_all(&finishes))
    }

    fn beat(&self, owner: OwnerId) -> Answer<'_, Beat> {
        self.write_in(Turn::First, "beat", 1, move |batch| batch.beat(owner))
    }

    fn reconcile(&self, owner: OwnerId, held: Vec<Claim>) -> Answer<'_, u64> {
        self.write("give back what is not known", 1, move |batch| batch.reconcile(owner, &held))
    }

    fn leave(&self, owner: OwnerId) -> Answer<'_, ()> {
        self.write("leave", 1, move |batch| batch.leave(owner))
    }

    fn sweep(&self) -> Answer<'_, Swept> {
        let locks = self.locks.clone();
        Box::pin(async move {
            let (swept, dead) = self.write("sweep", 1, move |batch| batch.sweep(&locks)).await?;
            super::crash::crash_point!("sweep.committed");
            dead.into_iter().for_each(lock::Buried::remove);
            Ok(swept)
        })
    }

    fn prune(&self, retention: Retention, limit: u32) -> Answer<'_, Changes> {
        self.write("prune", limit as usize, move |batch| batch.prune(&retention, limit))
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn counts(&self) -> Answer<'_, Vec<Counts>> {
        self.read("count jobs", |reader| read::counts(reader))
    }

    fn list(&self, filter: Filter, page: PageRequest) -> Answer<'_, Page> {
        self.read("list jobs", move |reader| read::list(reader, &filter, page))
    }

    fn show(&self, id: JobId) -> Answer<'_, Option<JobView>> {
        self.read("show a job", move |reader| read::show(reader, id))
    }

    fn cancel(&self, id: JobId, reason: &str) -> Answer<'_, Changed> {
        let reason = reason.to_owned();
        self.write("cancel a job", 1, move |batch| batch.cancel(id, &reason))
    }

    fn retry(&self, id: JobId) -> Answer<'_, Changed> {
        self.write("retry a job", 1, move |batch| batch.retry(id))
    }

    fn redrive(&self, filter: Filter, limit: u32) -> Answer<'_, Changes> {
        self.write("redrive jobs", limit as usize, move |batch| batch.redrive(&filter, limit))
    }

    fn purge(&self, filter: Filter, limit: u32) -> Answer<'_, Changes> {
        self.write("purge jobs", limit as usize, move |batch| batch.purge(&filter, limit))
    }

    fn delete(&self, id: JobId) -> Answer<'_, Changed> {
        self.write("delete a job", 1, move |batch| batch.delete(id))
    }

    fn check(&self) -> Answer<'_, Vec<String>> {
        self.read("check the store", read::check)
    }

    fn backup(&self, to: &Path) -> Answer<'_, ()> {
        let (name, to) = ("back up the store", to.to_owned());
        Box::pin(async move {
            let path = to.clone();
            let copied = self.read(name, move |reader| open::copy(reader, &path)).await?;
            copied.map_err(|error| {
                let kind = match error.kind() {
                    std::io::ErrorKind::StorageFull => ErrorKind::Full,
                    std::io::ErrorKind::AlreadyExists => ErrorKind::Exists,
                    _ => ErrorKind::ReadOnly,
                };
                StoreError::new(name, kind).because(error)
            })
        })
    }

    fn health(&self) -> Result<(), StoreError> {
        match self.failed.get() {
            Some(fault) => Err(fault.error(HEALTH)),
            None if self.is_closed() => Err(StoreError::new(HEALTH, ErrorKind::Closed)),
            None => Ok(()),
        }
    }

    fn durability(&self) -> Durability {
        match self.synchronous {
            Synchronous::Full => Durability::Disk,
            Synchronous::Normal => Durability::Machine,
        }
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async {
            self.inbox.close();
            let mut ended = self.ended.clone();
            // The sender is dropped after it has said so.
            let _ = ended.wait_for(|ended| *ended).await;
            let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner).take();
            let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop((readers, lock));
            self.changes.send_modify(|count| *count += 1);
            Ok(())
        })
    }

    fn as_sqlite(self: Arc<Self>) -> Option<Arc<SqliteStore>> {
        Some(self)
    }
}
