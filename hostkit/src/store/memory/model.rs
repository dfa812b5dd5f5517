//! What is stored, and how it comes in. Everything is told the time and answers at once.

mod change;
mod claim;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::store::{
    Counts, Enqueued, Envelope, Filter, IDEMPOTENCY_KEPT, JobId, JobView, NewJob, OCCURRENCES_KEPT, OwnerId,
    PAYLOAD_LIMIT, Page, PageRequest, Rejection, State, Timestamp, Unique, UniqueMode, inspect::Cursor,
};

/// All that is stored.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// In the order in which they were enqueued.
    jobs: BTreeMap<u64, Job>,
    numbers: HashMap<JobId, u64>,
    next: u64,
    owners: BTreeMap<OwnerId, Owner>,
    next_owner: i64,
    /// Idempotency keys by kind.
    idempotency: HashMap<(Arc<str>, String), Hold>,
    /// Unique keys by kind.
    unique: HashMap<(Arc<str>, String), Hold>,
    occurrences: HashMap<String, BTreeMap<Timestamp, JobId>>,
    /// When each kind with a rate is at rest.
    at_rest: HashMap<Arc<str>, Timestamp>,
    pub(super) is_closed: bool,
}

/// A job that has a key.
#[derive(Debug, Clone, Copy)]
struct Hold {
    id: JobId,
    /// Until then, or until it lets go.
    until: Option<Timestamp>,
}

impl Hold {
    fn is_valid(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

#[derive(Debug)]
struct Owner {
    lease: Duration,
    until: Timestamp,
}

#[derive(Debug)]
struct Job {
    id: JobId,
    kind: Arc<str>,
    state: State,
    priority: i8,
    due: Timestamp,
    enqueued_at: Timestamp,
    claimed_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    epoch: u64,
    failures: u32,
    crashes: u32,
    /// Who has it.
    owner: Option<OwnerId>,
    /// It must not run again after a crash.
    at_most_once: bool,
    is_cancel_requested: bool,
    serial_key: Option<String>,
    idempotency_key: Option<String>,
    unique: Option<Unique>,
    reason: Option<String>,
    envelope: Envelope,
    payload: Vec<u8>,
}

impl Job {
    fn view(&self) -> JobView {
        JobView {
            id: self.id,
            kind: Arc::clone(&self.kind),
            state: self.state,
            priority: self.priority,
            due: self.due,
            enqueued_at: self.enqueued_at,
            claimed_at: self.claimed_at,
            ended_at: self.ended_at,
            epoch: self.epoch,
            failures: self.failures,
            crashes: self.crashes,
            is_cancel_requested: self.is_cancel_requested,
            serial_key: self.serial_key.clone(),
            reason: self.reason.clone(),
            envelope: self.envelope.clone(),
            payload: self.payload.clone(),
        }
    }

    fn matches(&self, filter: &Filter) -> bool {
        filter.kind.as_ref().is_none_or(|kind| *kind == self.kind)
            && filter.state.is_none_or(|state| state == self.state)
    }
}

impl Model {
    pub(super) fn enqueue(&mut self, job: NewJob, now: Timestamp) -> Enqueued {
        if job.payload.len() > PAYLOAD_LIMIT {
            return Enqueued::Rejected(Rejection::TooLarge(job.payload.len()));
        }
        if self.is_closed {
            return Enqueued::Rejected(Rejection::Closed);
        }
        if self.numbers.contains_key(&job.id) {
            return Enqueued::Rejected(Rejection::Duplicate(job.id));
        }
        let key = |key: &String| (Arc::clone(&job.kind), key.clone());
        let idempotency = job.idempotency_key.as_ref().map(key);
        if let Some(hold) = idempotency.as_ref().and_then(|key| self.idempotency.get(key))
            && hold.is_valid(now)
        {
            return Enqueued::Rejected(Rejection::Duplicate(hold.id));
        }
        let unique = job.unique.as_ref().map(|unique| key(&unique.key));
        if let Some(hold) = unique.as_ref().and_then(|key| self.unique.get(key))
            && hold.is_valid(now)
        {
            let (id, number) = (hold.id, self.numbers.get(&hold.id));
            let waiting = number.and_then(|number| self.jobs.get_mut(number)).filter(|job| job.state == State::Waiting);
            let (Some(UniqueMode::Debounce(quiet)), Some(waiting)) = (job.unique.map(|unique| unique.mode), waiting)
            else {
                return Enqueued::Rejected(Rejection::Duplicate(id));
            };
            waiting.payload = job.payload;
            waiting.envelope = job.envelope;
            waiting.priority = job.priority;
            waiting.due = now.after(quiet);
            if let Some(key) = idempotency {
                self.idempotency.insert(key, Hold { id, until: Some(now.after(IDEMPOTENCY_KEPT)) });
            }
            return Enqueued::Replaced(id);
        }
        if job.capacity.is_some_and(|capacity| self.waiting(&job.kind) >= capacity) {
            return Enqueued::Rejected(Rejection::Full);
        }
        if let Some(key) = idempotency {
            self.idempotency.insert(key, Hold { id: job.id, until: None });
        }
        let mode = job.unique.as_ref().map(|unique| unique.mode);
        if let Some(key) = unique {
            let until = match mode {
                Some(UniqueMode::Throttle(period)) => Some(now.after(period)),
                _ => None,
            };
            self.unique.insert(key, Hold { id: job.id, until });
        }
        let due = match mode {
            Some(UniqueMode::Debounce(quiet)) => now.after(quiet),
            _ => job.due.instant(now),
        };
        self.numbers.insert(job.id, self.next);
        let job = Job {
            id: job.id,
            kind: job.kind,
            state: State::Waiting,
            priority: job.priority,
            due,
            enqueued_at: now,
            claimed_at: None,
            ended_at: None,
            epoch: 0,
            failures: 0,
            crashes: 0,
            owner: None,
            at_most_once: false,
            is_cancel_requested: false,
            serial_key: job.serial_key,
            idempotency_key: job.idempotency_key,
            unique: job.unique,
            reason: None,
            envelope: job.envelope,
            payload: job.payload,
        };
        self.jobs.insert(self.next, job);
        self.next += 1;
        Enqueued::Stored
    }

    fn waiting(&self, kind: &Arc<str>) -> u64 {
        self.jobs.values().filter(|job| job.kind == *kind && job.state == State::Waiting).count() as u64
    }

    pub(super) fn enqueue_occurrence(
        &mut self,
        schedule: &str,
        instant: Timestamp,
        job: NewJob,
        now: Timestamp,
    ) -> Enqueued {
        let stored = self.occurrences.get(schedule);
        if let Some(id) = stored.and_then(|stored| stored.get(&instant)) {
            return Enqueued::Rejected(Rejection::Duplicate(*id));
        }
        if let Some((last, id)) = stored.and_then(|stored| stored.last_key_value())
            && instant < last.before(OCCURRENCES_KEPT)
        {
            return Enqueued::Rejected(Rejection::Duplicate(*id));
        }
        let id = job.id;
        let answer = self.enqueue(job, now);
        let id = match answer {
            Enqueued::Stored => id,
            // The job that is there stands for this instant as well.
            Enqueued::Replaced(id) | Enqueued::Rejected(Rejection::Duplicate(id)) => id,
            Enqueued::Rejected(_) => return answer,
        };
        self.occurrences.entry(schedule.to_owned()).or_default().insert(instant, id);
        answer
    }

    pub(super) fn last_occurrence(&self, schedule: &str) -> Option<Timestamp> {
        self.occurrences.get(schedule)?.last_key_value().map(|(instant, _)| *instant)
    }

    pub(super) fn counts(&self) -> Vec<Counts> {
        let mut kinds: BTreeMap<&Arc<str>, Counts> = BTreeMap::new();
        for job in self.jobs.values() {
            kinds.entry(&job.kind).or_insert_with(|| Counts::new(Arc::clone(&job.kind))).add(job.state, 1);
        }
        kinds.into_values().collect()
    }

    pub(super) fn list(&self, filter: &Filter, page: PageRequest) -> Page {
        let before = page.after.map_or(u64::MAX, |cursor| u64::try_from(cursor.0).unwrap_or(0));
        let limit = page.limit as usize;
        let matching = self.jobs.range(..before).rev().filter(|(_, job)| job.matches(filter)).take(limit);
        let found: Vec<_> = matching.collect();
        let last = found.last().filter(|_| found.len() == limit);
        let next = last.map(|(number, _)| Cursor(i64::try_from(**number).unwrap_or(i64::MAX)));
        Page { jobs: found.iter().map(|(_, job)| job.view()).collect(), next }
    }

    pub(super) fn show(&self, id: JobId) -> Option<JobView> {
        self.job(id).map(Job::view)
    }

    fn job(&self, id: JobId) -> Option<&Job> {
        self.jobs.get(self.numbers.get(&id)?)
    }

    /// Lets go of a unique key, if this job has it.
    fn release_unique(&mut self, number: u64) {
        let Some(job) = self.jobs.get(&number) else { return };
        let Some(unique) = &job.unique else { return };
        let key = (Arc::clone(&job.kind), unique.key.clone());
        if !matches!(unique.mode, UniqueMode::Throttle(_))
            && self.unique.get(&key).is_some_and(|hold| hold.id == job.id)
        {
            self.unique.remove(&key);
        }
    }

    /// Forgets a job that has an outcome.
    fn delete(&mut self, number: u64, now: Timestamp) {
        let Some(job) = self.jobs.remove(&number) else { return };
        self.numbers.remove(&job.id);
        let Some(key) = job.idempotency_key else { return };
        let key = (job.kind, key);
        if let Some(hold) = self.idempotency.get_mut(&key).filter(|hold| hold.id == job.id) {
            let until = job.enqueued_at.after(IDEMPOTENCY_KEPT);
            hold.until = Some(until);
            if until <= now {
                self.idempotency.remove(&key);
            }
        }
    }
}
