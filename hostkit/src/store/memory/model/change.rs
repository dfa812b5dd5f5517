//! What people do to jobs, and how jobs are forgotten.

use std::sync::Arc;

use super::{Hold, Model};
use crate::store::{Batch, Changed, Filter, JobId, OCCURRENCES_KEPT, Retention, State, Timestamp, UniqueMode};

impl Model {
    pub(in crate::store::memory) fn cancel(&mut self, id: JobId, reason: &str, now: Timestamp) -> Changed {
        let Some(number) = self.numbers.get(&id).copied() else { return Changed::NotFound };
        let Some(job) = self.jobs.get_mut(&number) else { return Changed::NotFound };
        match job.state {
            State::Done | State::Cancelled => return Changed::Refused(job.state),
            State::Running => {
                job.is_cancel_requested = true;
                job.reason = Some(reason.to_owned());
                return Changed::Requested;
            }
            State::Waiting | State::Dead | State::Quarantined => {}
        }
        job.reason = Some(reason.to_owned());
        job.state = State::Cancelled;
        job.ended_at = Some(now);
        self.release_unique(number);
        Changed::Changed
    }

    pub(in crate::store::memory) fn retry(&mut self, id: JobId, now: Timestamp) -> Changed {
        let Some(number) = self.numbers.get(&id).copied() else { return Changed::NotFound };
        let Some(job) = self.jobs.get_mut(&number) else { return Changed::NotFound };
        match job.state {
            State::Running => return Changed::Refused(State::Running),
            State::Waiting => {
                job.due = job.due.min(now);
                return Changed::Changed;
            }
            _ => {}
        }
        if let Some(unique) = job.unique.as_ref().filter(|unique| !matches!(unique.mode, UniqueMode::Throttle(_))) {
            let key = (Arc::clone(&job.kind), unique.key.clone());
            match self.unique.get(&key).filter(|hold| hold.is_valid(now)) {
                Some(hold) if hold.id != id => return Changed::Duplicate(hold.id),
                _ => self.unique.insert(key, Hold { id, until: None }),
            };
        }
        job.state = State::Waiting;
        job.due = now;
        job.ended_at = None;
        job.failures = 0;
        job.crashes = 0;
        job.reason = None;
        Changed::Changed
    }

    pub(in crate::store::memory) fn redrive(&mut self, filter: &Filter, limit: u32, now: Timestamp) -> Batch {
        let mut changed = 0;
        for number in self.ended(filter) {
            let letter = self.jobs.get(&number).filter(|job| matches!(job.state, State::Dead | State::Quarantined));
            if changed < u64::from(limit)
                && let Some(id) = letter.map(|job| job.id)
            {
                changed += u64::from(self.retry(id, now) == Changed::Changed);
            }
        }
        Batch { changed, has_more: changed == u64::from(limit) }
    }

    pub(in crate::store::memory) fn purge(&mut self, filter: &Filter, limit: u32, now: Timestamp) -> Batch {
        let numbers: Vec<_> = self.ended(filter).into_iter().take(limit as usize).collect();
        self.delete_all(&numbers, limit, now)
    }

    pub(in crate::store::memory) fn delete_one(&mut self, id: JobId, now: Timestamp) -> Changed {
        let Some(number) = self.numbers.get(&id).copied() else { return Changed::NotFound };
        let Some(job) = self.jobs.get(&number) else { return Changed::NotFound };
        if !job.state.is_outcome() {
            return Changed::Refused(job.state);
        }
        self.delete(number, now);
        Changed::Changed
    }

    /// Jobs that have an outcome, by kind and state, the oldest first.
    fn ended(&self, filter: &Filter) -> Vec<u64> {
        let over = self.jobs.iter().filter(|(_, job)| job.state.is_outcome() && job.matches(filter));
        let mut over: Vec<_> = over.map(|(number, job)| (&job.kind, job.state, job.ended_at, *number)).collect();
        over.sort_unstable();
        over.into_iter().map(|(_, _, _, number)| number).collect()
    }

    pub(in crate::store::memory) fn prune(&mut self, retention: &Retention, limit: u32, now: Timestamp) -> Batch {
        let mut old = Vec::new();
        for (number, job) in self.jobs.iter().filter(|(_, job)| job.kind == retention.kind) {
            let kept = match job.state {
                State::Done | State::Cancelled => retention.done,
                State::Dead | State::Quarantined => retention.dead,
                State::Waiting | State::Running => continue,
            };
            if let Some(ended) = job.ended_at.filter(|ended| *ended <= now.before(kept)) {
                old.push((job.state, ended, *number));
            }
        }
        old.sort_unstable();
        let numbers: Vec<_> = old.into_iter().map(|(_, _, number)| number).take(limit as usize).collect();
        self.idempotency.retain(|_, hold| hold.is_valid(now));
        self.unique.retain(|_, hold| hold.is_valid(now));
        for stored in self.occurrences.values_mut() {
            let last = stored.last_key_value().map(|(instant, _)| *instant);
            stored.retain(|instant, _| last.is_none_or(|last| *instant >= last.before(OCCURRENCES_KEPT)));
        }
        self.delete_all(&numbers, limit, now)
    }

    fn delete_all(&mut self, numbers: &[u64], limit: u32, now: Timestamp) -> Batch {
        for number in numbers {
            self.delete(*number, now);
        }
        Batch { changed: numbers.len() as u64, has_more: numbers.len() == limit as usize }
    }
}
