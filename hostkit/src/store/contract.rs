//! What every store does; the page above it says how each home meets it.

use std::fmt;
use std::path::Path;
#[cfg(feature = "sqlite")]
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::{
    Applied, Batch, Beat, Changed, Claim, ClaimRequest, Claimed, Counts, Durability, Enqueued, Filter, Finish, JobId,
    JobView, NewJob, OwnerId, Page, PageRequest, Retention, StoreError, Swept, Timestamp, Worker,
};

/// What a store answers, later.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// A place where jobs are kept, shared by everybody who enqueues, runs or looks.
///
/// Every answer says what is so; [`StoreError::is_unknown`] is the one way of saying that nobody knows. Each method takes
/// effect whole or not at all, and those that take a `Vec` answer for each of its items, in order.
///
/// # Cancel safety
/// Dropping a future may leave what was asked done or not done. A claim whose future is dropped gives its jobs back.
pub trait Store: Send + Sync + fmt::Debug {
    /// Stores jobs, and answers when they are as safe as [`durability`](Self::durability) says. Checked in this order: the
    /// size of the payload, whether the store is closed, the name, the idempotency key, the unique key, the capacity.
    fn enqueue(&self, jobs: Vec<NewJob>) -> Answer<'_, Vec<Enqueued>>;

    /// Stores the job of one instant of a schedule, unless somebody has: so any number of processes run each instant once.
    /// The answer of those who come later is a duplicate. An instant whose job is the same as one that is there, by its unique
    /// key, counts as stored: that job stands for it.
    fn enqueue_occurrence(&self, schedule: &str, instant: Timestamp, job: NewJob) -> Answer<'_, Enqueued>;

    /// The latest instant of a schedule that was stored, for whoever catches up after a restart. It outlives
    /// [`prune`](Self::prune).
    fn last_occurrence(&self, schedule: &str) -> Answer<'_, Option<Timestamp>>;

    /// Makes an owner, whose lease begins now.
    fn register(&self, worker: Worker) -> Answer<'_, OwnerId>;

    /// Gives an owner jobs that are due and that it can start now: of each kind the suspects first and then by priority, by
    /// when they are due and by when they were enqueued, passing over those whose serial key is taken.
    ///
    /// A **suspect** is a job that was running in a crash. It runs alone: it is given to an owner that has no other of its
    /// kind, and while the owner has it, it gets no other of its kind, and no suspect of another kind: of two that were running in
    /// one crash, only the one that causes it is convicted. While one is due, an owner that has others of its kind, or another
    /// suspect, gets no more of the kind, so that the suspect's turn comes.
    fn claim(&self, request: ClaimRequest) -> Answer<'_, Claimed>;

    /// Records what became of jobs, each if the claim is still its latest.
    fn finish(&self, finishes: Vec<Finish>) -> Answer<'_, Vec<Applied>>;

    /// Extends the lease of an owner and so of every job it has. Must not be kept waiting by reads.
    fn beat(&self, owner: OwnerId) -> Answer<'_, Beat>;

    /// Gives back what an owner has without knowing it: all but these. For an owner that does not know what became of a claim.
    fn reconcile(&self, owner: OwnerId, held: Vec<Claim>) -> Answer<'_, u64>;

    /// Ends an owner in good order. What it still has waits again as before; nothing counts as a crash.
    fn leave(&self, owner: OwnerId) -> Answer<'_, ()>;

    /// Declares owners dead whose lease is over, and those of which the store knows at once. Their jobs were interrupted, which
    /// spends no attempt but counts as a crash: the first makes a job a suspect, the third
    /// ([`CRASHES_TO_QUARANTINE`](super::CRASHES_TO_QUARANTINE)) convicts it, and a job that must run
    /// [at most once](super::Delivery::AtMostOnce) is convicted by the first.
    fn sweep(&self) -> Answer<'_, Swept>;

    /// Deletes what was kept long enough, at most so many jobs, and forgets keys and occurrences that nobody needs.
    fn prune(&self, retention: Retention, limit: u32) -> Answer<'_, Batch>;

    /// Told whenever there may be more to claim or to cancel than before, by this process or, as soon as the store hears of
    /// it, by another. Waking too often is allowed, never waking is not, but for another process: whoever waits looks again
    /// after some seconds all the same.
    fn changes(&self) -> watch::Receiver<u64>;

    /// How many jobs there are, of each kind by name.
    fn counts(&self) -> Answer<'_, Vec<Counts>>;

    /// Looks at a page of the jobs.
    fn list(&self, filter: Filter, page: PageRequest) -> Answer<'_, Page>;

    /// Looks at one job.
    fn show(&self, id: JobId) -> Answer<'_, Option<JobView>>;

    /// Cancels a job: at once if it waits or is a dead letter; if it runs, its owner hears of it by its next beat.
    fn cancel(&self, id: JobId, reason: &str) -> Answer<'_, Changed>;

    /// Makes a job due now. One that has an outcome begins anew, with all its attempts and no crash on its record.
    fn retry(&self, id: JobId) -> Answer<'_, Changed>;

    /// Retries jobs that are dead or quarantined, kind by kind the oldest first, at most so many. Those whose unique key another holds stay.
    fn redrive(&self, filter: Filter, limit: u32) -> Answer<'_, Batch>;

    /// Deletes jobs that have an outcome, at most so many.
    fn purge(&self, filter: Filter, limit: u32) -> Answer<'_, Batch>;

    /// Deletes a job that has an outcome.
    fn delete(&self, id: JobId) -> Answer<'_, Changed>;

    /// Looks for faults in what is stored, and names each in a sentence. May take long; others go on meanwhile.
    fn check(&self) -> Answer<'_, Vec<String>>;

    /// Writes a copy of the whole store, as of one moment, to a file that does not exist yet.
    fn backup(&self, to: &Path) -> Answer<'_, ()>;

    /// Whether it can still be written: what a host asks every few seconds, to be unhealthy when it cannot. Looks at nothing but
    /// memory, and [`changes`](Self::changes) tells of it when it fails.
    ///
    /// # Errors
    /// Fails once the store has failed for good, with what was the matter then, or was closed. An error that may go away by
    /// itself, such as a full disk, is only answered to whoever asked for something.
    fn health(&self) -> Result<(), StoreError>;

    /// What an `Ok` of this store survives.
    fn durability(&self) -> Durability;

    /// Takes nothing more, does what was asked before, and lets go of the files. Owners that did not
    /// [leave](Self::leave) are dead to others from then on.
    fn close(&self) -> Answer<'_, ()>;

    /// The store itself if it is a SQLite file, for what only that can do.
    #[cfg(feature = "sqlite")]
    fn as_sqlite(self: Arc<Self>) -> Option<Arc<super::sqlite::SqliteStore>> {
        None
    }
}
