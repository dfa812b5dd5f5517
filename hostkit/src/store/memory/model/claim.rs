//! Who runs what.

use std::sync::Arc;
use std::time::Duration;

use super::{Model, Owner};
use crate::store::claim::Allowance;
use crate::store::{
    Applied, Beat, CRASHES_TO_QUARANTINE, Claim, ClaimRequest, Claimed, ClaimedJob, Delivery, Finish, OwnerId, State,
    Swept, Timestamp, UniqueMode, Verdict, Wanted, Worker, rules,
};

impl Model {
    pub(in crate::store::memory) fn register(&mut self, worker: &Worker, now: Timestamp) -> OwnerId {
        self.next_owner += 1;
        let owner = OwnerId(self.next_owner);
        self.owners.insert(owner, Owner { lease: worker.lease, until: now.after(worker.lease) });
        owner
    }

    pub(in crate::store::memory) fn beat(&mut self, owner: OwnerId, now: Timestamp) -> Beat {
        let Some(beating) = self.owners.get_mut(&owner) else { return Beat::Lost };
        beating.until = now.after(beating.lease);
        let wanted = self.jobs.values().filter(|job| job.owner == Some(owner) && job.is_cancel_requested);
        let mut cancelled: Vec<_> = wanted.map(|job| Claim { id: job.id, epoch: job.epoch }).collect();
        cancelled.sort_unstable();
        Beat::Alive { cancelled }
    }

    pub(in crate::store::memory) fn claim(&mut self, request: &ClaimRequest, now: Timestamp) -> Claimed {
        if !self.owners.contains_key(&request.owner) {
            return Claimed::Lost;
        }
        let (mut jobs, mut next) = (Vec::new(), None::<Duration>);
        for wanted in &request.kinds {
            let wait = self.claim_kind(request.owner, wanted, now, &mut jobs);
            next = [next, wait].into_iter().flatten().min();
        }
        Claimed::Jobs { jobs, next }
    }

    /// Claims jobs of one kind, and says when to ask again.
    fn claim_kind(
        &mut self,
        owner: OwnerId,
        wanted: &Wanted,
        now: Timestamp,
        claimed: &mut Vec<ClaimedJob>,
    ) -> Option<Duration> {
        if wanted.free == 0 {
            return None;
        }
        let allowed = match self.allowance(wanted, now) {
            Allowance::At(then) => return Some(then.since(now)),
            Allowance::Now(most) => most,
        };
        let held = self.jobs.values().filter(|job| job.owner == Some(owner) && job.kind == wanted.kind);
        let held: Vec<u32> = held.map(|job| job.crashes).collect();
        if held.iter().any(|crashes| *crashes > 0) {
            return None;
        }
        let has_suspect = self.jobs.values().any(|job| job.owner == Some(owner) && job.crashes > 0);
        let mut taken = 0;
        for (number, is_suspect) in self.due(wanted, now) {
            if taken == wanted.free.min(allowed) {
                break;
            }
            if self.is_key_taken(number, wanted) {
                continue;
            }
            if is_suspect {
                if held.is_empty() && !has_suspect {
                    claimed.extend(self.take(number, owner, wanted, now));
                    self.spend(wanted, now, 1);
                }
                return None;
            }
            claimed.extend(self.take(number, owner, wanted, now));
            taken += 1;
        }
        self.spend(wanted, now, taken);
        if taken == wanted.free {
            return None;
        }
        if taken == allowed {
            return match self.allowance(wanted, now) {
                Allowance::At(then) => Some(then.since(now)),
                Allowance::Now(_) => Some(Duration::ZERO),
            };
        }
        let later = self.jobs.values().filter(|job| job.kind == wanted.kind && job.state == State::Waiting);
        later.filter(|job| job.due > now).map(|job| job.due.since(now)).min()
    }

    fn allowance(&self, wanted: &Wanted, now: Timestamp) -> Allowance {
        let at_rest = self.at_rest.get(&wanted.kind).copied();
        wanted.rate.map_or(Allowance::Now(u32::MAX), |rate| rate.allows(at_rest, now))
    }

    /// The jobs of a kind that are due, in the order in which they go, and whether each is a suspect.
    fn due(&self, wanted: &Wanted, now: Timestamp) -> Vec<(u64, bool)> {
        let waiting = self.jobs.iter().filter(|(_, job)| job.kind == wanted.kind && job.state == State::Waiting);
        let mut due: Vec<_> = waiting
            .filter(|(_, job)| job.due <= now)
            .map(|(number, job)| (job.crashes == 0, -i16::from(job.priority), job.due, *number))
            .collect();
        due.sort_unstable();
        due.into_iter().map(|(is_innocent, _, _, number)| (number, !is_innocent)).collect()
    }

    fn is_key_taken(&self, number: u64, wanted: &Wanted) -> bool {
        let (Some(limit), Some(job)) = (wanted.per_key, self.jobs.get(&number)) else { return false };
        let Some(key) = &job.serial_key else { return false };
        let running = self.jobs.values().filter(|other| {
            other.state == State::Running && other.kind == job.kind && other.serial_key.as_ref() == Some(key)
        });
        running.count() >= limit.get() as usize
    }

    fn spend(&mut self, wanted: &Wanted, now: Timestamp, started: u32) {
        if let (Some(rate), 1..) = (wanted.rate, started) {
            let at_rest = self.at_rest.get(&wanted.kind).copied();
            self.at_rest.insert(Arc::clone(&wanted.kind), rate.after(at_rest, now, started));
        }
    }

    fn take(&mut self, number: u64, owner: OwnerId, wanted: &Wanted, now: Timestamp) -> Option<ClaimedJob> {
        let job = self.jobs.get_mut(&number)?;
        job.state = State::Running;
        job.owner = Some(owner);
        job.epoch += 1;
        job.claimed_at = Some(now);
        job.at_most_once = wanted.delivery == Delivery::AtMostOnce;
        let claimed = ClaimedJob {
            claim: Claim { id: job.id, epoch: job.epoch },
            kind: Arc::clone(&job.kind),
            payload: job.payload.clone(),
            envelope: job.envelope.clone(),
            attempt: job.failures + 1,
            crashes: job.crashes,
            priority: job.priority,
            enqueued_at: job.enqueued_at,
            due: job.due,
            serial_key: job.serial_key.clone(),
        };
        let mode = job.unique.as_ref().map(|unique| unique.mode);
        if matches!(mode, Some(UniqueMode::WhilePending | UniqueMode::Debounce(_))) {
            self.release_unique(number);
        }
        Some(claimed)
    }

    pub(in crate::store::memory) fn finish(&mut self, finish: Finish, now: Timestamp) -> Applied {
        let Some(number) = self.numbers.get(&finish.claim.id).copied() else { return Applied::Stale };
        let Some(job) = self.jobs.get_mut(&number) else { return Applied::Stale };
        if job.state != State::Running || job.epoch != finish.claim.epoch {
            return Applied::Stale;
        }
        if matches!(finish.verdict, Verdict::Retry { .. } | Verdict::Dead { .. }) {
            job.failures += 1;
        }
        let (state, due, reason) = match finish.verdict {
            Verdict::Done => (State::Done, job.due, None),
            Verdict::Dead { error } | Verdict::Undecodable { error } => (State::Dead, job.due, Some(error)),
            Verdict::Cancelled { reason } => (State::Cancelled, job.due, Some(reason)),
            _ if job.is_cancel_requested => (State::Cancelled, job.due, job.reason.take()),
            Verdict::Retry { after, error } => (State::Waiting, now.after(after), Some(error)),
            Verdict::Snoozed { after } => (State::Waiting, now.after(after), job.reason.take()),
            Verdict::Released => (State::Waiting, job.due, job.reason.take()),
        };
        job.due = due;
        job.reason = reason;
        self.put(number, state, now);
        Applied::Applied
    }

    /// Takes a job from its owner, into another state.
    fn put(&mut self, number: u64, state: State, now: Timestamp) {
        let Some(job) = self.jobs.get_mut(&number) else { return };
        job.state = state;
        job.owner = None;
        job.is_cancel_requested = false;
        if state.is_outcome() {
            job.ended_at = Some(now);
            self.release_unique(number);
        }
    }

    fn held_by(&self, owner: OwnerId) -> Vec<u64> {
        self.jobs.iter().filter(|(_, job)| job.owner == Some(owner)).map(|(number, _)| *number).collect()
    }

    pub(in crate::store::memory) fn give_back(&mut self, owner: OwnerId, held: &[Claim], now: Timestamp) -> u64 {
        let mut given = 0;
        for number in self.held_by(owner) {
            let Some(job) = self.jobs.get(&number) else { continue };
            if held.contains(&Claim { id: job.id, epoch: job.epoch }) {
                continue;
            }
            let state = if job.is_cancel_requested { State::Cancelled } else { State::Waiting };
            self.put(number, state, now);
            given += 1;
        }
        given
    }

    pub(in crate::store::memory) fn leave(&mut self, owner: OwnerId, now: Timestamp) {
        self.give_back(owner, &[], now);
        self.owners.remove(&owner);
    }

    pub(in crate::store::memory) fn sweep(&mut self, now: Timestamp) -> Swept {
        let mut swept = Swept::default();
        let dead: Vec<_> = self.owners.iter().filter(|(_, it)| it.until <= now).map(|(owner, _)| *owner).collect();
        for owner in dead {
            swept.owners += 1;
            self.owners.remove(&owner);
            for number in self.held_by(owner) {
                let Some(job) = self.jobs.get_mut(&number) else { continue };
                job.crashes += 1;
                let state = if job.is_cancel_requested {
                    swept.cancelled += 1;
                    State::Cancelled
                } else if job.at_most_once || job.crashes >= CRASHES_TO_QUARANTINE {
                    swept.quarantined += 1;
                    job.reason = Some(rules::conviction(job.crashes));
                    State::Quarantined
                } else {
                    swept.interrupted += 1;
                    State::Waiting
                };
                self.put(number, state, now);
            }
        }
        swept
    }
}
