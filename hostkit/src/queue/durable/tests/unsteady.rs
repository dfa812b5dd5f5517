//! A store in memory that fails when a test wants it to.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::store::{
    Answer, Applied, Batch, Beat, Changed, Claim, ClaimRequest, Claimed, Counts, Durability, Enqueued, Filter, Finish,
    JobId, JobView, MemoryStore, NewJob, OwnerId, Page, PageRequest, Retention, Store, StoreClock, StoreError, Swept,
    Timestamp, Worker,
};

/// What happens instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is certainly not done.
    Refused,
    /// It is done, and nobody is told.
    DoneUnknown,
    /// It is not done, and nobody is told.
    NotDoneUnknown,
    /// There is no answer, ever.
    Silence,
    /// Nothing gets better by itself.
    Fatal,
    /// A bug of ours.
    Panic,
}

/// What can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Claim,
    Finish,
    Beat,
}

#[derive(Debug)]
pub(super) struct Unsteady {
    inner: MemoryStore,
    faults: Mutex<VecDeque<(Of, Fault)>>,
    /// What is said to the next beat.
    pub(super) says_lost: Mutex<bool>,
}

impl Unsteady {
    pub(super) fn new() -> Self {
        Self { inner: MemoryStore::new(StoreClock::machine()), faults: Mutex::default(), says_lost: Mutex::default() }
    }

    /// The next calls of this kind fail like this, one after the other.
    pub(super) fn fail(&self, of: Of, faults: impl IntoIterator<Item = Fault>) {
        let faults = faults.into_iter().map(|fault| (of, fault));
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
    }

    fn fault(&self, of: Of) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let place = faults.iter().position(|(one, _)| *one == of)?;
        faults.remove(place).map(|(_, fault)| fault)
    }

    fn with_fault<'a, T: Send + 'a>(&'a self, of: Of, answer: Answer<'a, T>) -> Answer<'a, T> {
        let fault = self.fault(of);
        Box::pin(async move {
            match fault {
                None => answer.await,
                Some(Fault::Refused) => Err(StoreError::made_up(false, false)),
                Some(Fault::Fatal) => Err(StoreError::made_up(true, false)),
                Some(Fault::NotDoneUnknown) => Err(StoreError::made_up(false, true)),
                Some(Fault::DoneUnknown) => {
                    answer.await?;
                    Err(StoreError::made_up(false, true))
                }
                Some(Fault::Panic) => panic!("as a test asked for"),
                Some(Fault::Silence) => std::future::pending().await,
            }
        })
    }
}

impl Store for Unsteady {
    fn enqueue(&self, jobs: Vec<NewJob>) -> Answer<'_, Vec<Enqueued>> {
        self.inner.enqueue(jobs)
    }

    fn enqueue_occurrence(&self, schedule: &str, instant: Timestamp, job: NewJob) -> Answer<'_, Enqueued> {
        self.inner.enqueue_occurrence(schedule, instant, job)
    }

    fn last_occurrence(&self, schedule: &str) -> Answer<'_, Option<Timestamp>> {
        self.inner.last_occurrence(schedule)
    }

    fn register(&self, worker: Worker) -> Answer<'_, OwnerId> {
        self.inner.register(worker)
    }

    fn claim(&self, request: ClaimRequest) -> Answer<'_, Claimed> {
        self.with_fault(Of::Claim, self.inner.claim(request))
    }

    fn finish(&self, finishes: Vec<Finish>) -> Answer<'_, Vec<Applied>> {
        self.with_fault(Of::Finish, self.inner.finish(finishes))
    }

    fn beat(&self, owner: OwnerId) -> Answer<'_, Beat> {
        if std::mem::take(&mut *self.says_lost.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Box::pin(async { Ok(Beat::Lost) });
        }
        self.with_fault(Of::Beat, self.inner.beat(owner))
    }

    fn reconcile(&self, owner: OwnerId, held: Vec<Claim>) -> Answer<'_, u64> {
        self.inner.reconcile(owner, held)
    }

    fn leave(&self, owner: OwnerId) -> Answer<'_, ()> {
        self.inner.leave(owner)
    }

    fn sweep(&self) -> Answer<'_, Swept> {
        self.inner.sweep()
    }

    fn prune(&self, retention: Retention, limit: u32) -> Answer<'_, Batch> {
        self.inner.prune(retention, limit)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes()
    }

    fn counts(&self) -> Answer<'_, Vec<Counts>> {
        self.inner.counts()
    }

    fn list(&self, filter: Filter, page: PageRequest) -> Answer<'_, Page> {
        self.inner.list(filter, page)
    }

    fn show(&self, id: JobId) -> Answer<'_, Option<JobView>> {
        self.inner.show(id)
    }

    fn cancel(&self, id: JobId, reason: &str) -> Answer<'_, Changed> {
        self.inner.cancel(id, reason)
    }

    fn retry(&self, id: JobId) -> Answer<'_, Changed> {
        self.inner.retry(id)
    }

    fn redrive(&self, filter: Filter, limit: u32) -> Answer<'_, Batch> {
        self.inner.redrive(filter, limit)
    }

    fn purge(&self, filter: Filter, limit: u32) -> Answer<'_, Batch> {
        self.inner.purge(filter, limit)
    }

    fn delete(&self, id: JobId) -> Answer<'_, Changed> {
        self.inner.delete(id)
    }

    fn check(&self) -> Answer<'_, Vec<String>> {
        self.inner.check()
    }

    fn backup(&self, to: &Path) -> Answer<'_, ()> {
        self.inner.backup(to)
    }

    fn health(&self) -> Result<(), StoreError> {
        self.inner.health()
    }

    fn durability(&self) -> Durability {
        self.inner.durability()
    }

    fn close(&self) -> Answer<'_, ()> {
        self.inner.close()
    }
}
