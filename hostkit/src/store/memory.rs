//! `memory://`: everything in this process, nothing on disk. For tests, and the model that other homes are held against.
//!
//! It is written to be obviously right: one lock, one list of jobs, and whoever looks for one looks at all that are not over.

mod model;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use self::model::Model;
use super::error::{ErrorKind, HEALTH};
use super::{
    Answer, Applied, Batch, Beat, Changed, Claim, ClaimRequest, Claimed, Counts, Durability, Enqueued, Filter, Finish,
    JobId, JobView, NewJob, OwnerId, Page, PageRequest, Retention, Store, StoreClock, StoreError, Swept, Timestamp,
    Worker,
};

/// A store that lives and dies with the process.
#[derive(Debug)]
pub struct MemoryStore {
    clock: StoreClock,
    model: Mutex<Model>,
    changes: watch::Sender<u64>,
}

/// Whether those who wait for changes are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tell {
    Nobody,
    Everybody,
}

impl MemoryStore {
    /// An empty store that goes by this clock.
    pub fn new(clock: StoreClock) -> Self {
        Self { clock, model: Mutex::default(), changes: watch::Sender::new(0) }
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something when the future is polled, and at once then.
    fn answer<'a, T: Send + 'a>(
        &'a self,
        operation: &'static str,
        tell: Tell,
        what: impl FnOnce(&mut Model, Timestamp) -> T + Send + 'a,
    ) -> Answer<'a, T> {
        Box::pin(async move {
            let mut model = self.model();
            if model.is_closed {
                return Err(StoreError::new(operation, ErrorKind::Closed));
            }
            let answer = what(&mut model, self.clock.now());
            drop(model);
            if tell == Tell::Everybody {
                self.changes.send_modify(|count| *count += 1);
            }
            Ok(answer)
        })
    }
}

impl Store for MemoryStore {
    fn enqueue(&self, jobs: Vec<NewJob>) -> Answer<'_, Vec<Enqueued>> {
        let enqueue = |model: &mut Model, now| jobs.into_iter().map(|job| model.enqueue(job, now)).collect::<Vec<_>>();
        Box::pin(async move {
            let mut model = self.model();
            let answers = enqueue(&mut model, self.clock.now());
            drop(model);
            self.changes.send_modify(|count| *count += 1);
            Ok(answers)
        })
    }

    fn enqueue_occurrence(&self, schedule: &str, instant: Timestamp, job: NewJob) -> Answer<'_, Enqueued> {
        let schedule = schedule.to_owned();
        self.answer("store an occurrence", Tell::Everybody, move |model, now| {
            model.enqueue_occurrence(&schedule, instant, job, now)
        })
    }

    fn last_occurrence(&self, schedule: &str) -> Answer<'_, Option<Timestamp>> {
        let schedule = schedule.to_owned();
        self.answer("look for an occurrence", Tell::Nobody, move |model, _| model.last_occurrence(&schedule))
    }

    fn register(&self, worker: Worker) -> Answer<'_, OwnerId> {
        self.answer("register an owner", Tell::Nobody, move |model, now| model.register(&worker, now))
    }

    fn claim(&self, request: ClaimRequest) -> Answer<'_, Claimed> {
        self.answer("claim jobs", Tell::Nobody, move |model, now| model.claim(&request, now))
    }

    fn finish(&self, finishes: Vec<Finish>) -> Answer<'_, Vec<Applied>> {
        self.answer("finish jobs", Tell::Everybody, move |model, now| {
            finishes.into_iter().map(|finish| model.finish(finish, now)).collect()
        })
    }

    fn beat(&self, owner: OwnerId) -> Answer<'_, Beat> {
        self.answer("beat", Tell::Nobody, move |model, now| model.beat(owner, now))
    }

    fn reconcile(&self, owner: OwnerId, held: Vec<Claim>) -> Answer<'_, u64> {
        self.answer("give back what is not known", Tell::Everybody, move |model, now| {
            model.give_back(owner, &held, now)
        })
    }

    fn leave(&self, owner: OwnerId) -> Answer<'_, ()> {
        self.answer("leave", Tell::Everybody, move |model, now| model.leave(owner, now))
    }

    fn sweep(&self) -> Answer<'_, Swept> {
        self.answer("sweep", Tell::Everybody, Model::sweep)
    }

    fn prune(&self, retention: Retention, limit: u32) -> Answer<'_, Batch> {
        self.answer("prune", Tell::Nobody, move |model, now| model.prune(&retention, limit, now))
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn counts(&self) -> Answer<'_, Vec<Counts>> {
        self.answer("count jobs", Tell::Nobody, |model, _| model.counts())
    }

    fn list(&self, filter: Filter, page: PageRequest) -> Answer<'_, Page> {
        self.answer("list jobs", Tell::Nobody, move |model, _| model.list(&filter, page))
    }

    fn show(&self, id: JobId) -> Answer<'_, Option<JobView>> {
        self.answer("show a job", Tell::Nobody, move |model, _| model.show(id))
    }

    fn cancel(&self, id: JobId, reason: &str) -> Answer<'_, Changed> {
        let reason = reason.to_owned();
        self.answer("cancel a job", Tell::Everybody, move |model, now| model.cancel(id, &reason, now))
    }

    fn retry(&self, id: JobId) -> Answer<'_, Changed> {
        self.answer("retry a job", Tell::Everybody, move |model, now| model.retry(id, now))
    }

    fn redrive(&self, filter: Filter, limit: u32) -> Answer<'_, Batch> {
        self.answer("redrive jobs", Tell::Everybody, move |model, now| model.redrive(&filter, limit, now))
    }

    fn purge(&self, filter: Filter, limit: u32) -> Answer<'_, Batch> {
        self.answer("purge jobs", Tell::Nobody, move |model, now| model.purge(&filter, limit, now))
    }

    fn delete(&self, id: JobId) -> Answer<'_, Changed> {
        self.answer("delete a job", Tell::Nobody, move |model, now| model.delete_one(id, now))
    }

    fn check(&self) -> Answer<'_, Vec<String>> {
        self.answer("check the store", Tell::Nobody, |_, _| Vec::new())
    }

    fn backup(&self, _to: &Path) -> Answer<'_, ()> {
        Box::pin(async {
            Err(StoreError::new("back up the store", ErrorKind::Unsupported).because("memory:// keeps nothing on disk"))
        })
    }

    fn health(&self) -> Result<(), StoreError> {
        if self.model().is_closed {
            return Err(StoreError::new(HEALTH, ErrorKind::Closed));
        }
        Ok(())
    }

    fn durability(&self) -> Durability {
        Durability::Process
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async {
            self.model().is_closed = true;
            self.changes.send_modify(|count| *count += 1);
            Ok(())
        })
    }
}
