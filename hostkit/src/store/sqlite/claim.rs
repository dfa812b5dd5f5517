//! Who gets what.
//!
//! # Invariants
//! 1. Every search is a seek in an index that has only what is claimable, and ends at the first row that is not wanted: what it
//!    costs follows from what is claimed and from the number of different priorities that wait, and from nothing else.
//! 2. A job that is passed over because its key is taken is moved out of the way, so it is passed over once.
//! 3. A claim passes over no more than [`PASSED_OVER`] jobs of a kind, and says to ask again at once if there may be more.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{OptionalExtension as _, Result, Row};

use super::super::claim::Allowance;
use super::super::crash::crash_point;
use super::super::{
    Claim, ClaimRequest, Claimed, ClaimedJob, Delivery, Envelope, JobId, OwnerId, Rate, Timestamp, UniqueMode, Wanted,
};
use super::batch::Batch;
use super::keys::read;
use super::schema::{Kind, Place, READY, RUNNING, SUSPECT};
use super::slots::Line;

/// How many jobs of a kind one claim moves out of the way.
const PASSED_OVER: u32 = 1000;

/// Lower than any priority that is stored.
const BEFORE_ALL: i64 = i64::MIN;

/// A job that could be claimed.
struct Candidate {
    seq: i64,
    id: JobId,
    epoch: i64,
    failures: u32,
    crashes: u32,
    priority: i64,
    enqueued_at: i64,
    due: i64,
    serial_key: Option<String>,
    unique: Option<(String, UniqueMode)>,
    envelope: Envelope,
    /// `None`: it is large.
    payload: Option<Vec<u8>>,
}

/// The columns of a [`Candidate`].
macro_rules! candidate {
    ($rest:literal) => {
        concat!(
            "SELECT seq, id, epoch, failures, crashes, priority, enqueued_at, due, serial_key, unique_key, unique_mode, \
             version, trace, payload FROM hostkit_jobs ",
            $rest
        )
    };
}

const CLAIMABLE: &str = candidate!(
    "INDEXED BY hostkit_claimable
    WHERE place <= 1 AND kind = ?1 AND place = ?2 AND priority = ?3 AND due <= ?4 ORDER BY due, seq LIMIT ?5"
);
const NEXT_PRIORITY: &str = "SELECT priority FROM hostkit_jobs INDEXED BY hostkit_claimable
    WHERE place <= 1 AND kind = ?1 AND place = ?2 AND priority > ?3 ORDER BY priority LIMIT 1";
const LATER: &str = "SELECT due FROM hostkit_jobs INDEXED BY hostkit_claimable
    WHERE place <= 1 AND kind = ?1 AND place = ?2 AND priority = ?3 AND due > ?4 ORDER BY due LIMIT 1";
/// How a job is given to an owner.
const TAKE: &str = "place = 3, epoch = epoch + 1, owner = ?1, claimed_at = ?2, at_most_once = ?3";
const HAS_SUSPECT: &str = "SELECT 1 FROM hostkit_jobs INDEXED BY hostkit_running
    WHERE place = 3 AND owner = ?1 AND crashes > 0 AND kind = ?2 LIMIT 1";
const HAS_ANY_SUSPECT: &str = "SELECT 1 FROM hostkit_jobs INDEXED BY hostkit_running
    WHERE place = 3 AND owner = ?1 AND crashes > 0 LIMIT 1";
/// Looks at all that an owner has, but is only asked while a suspect waits.
const HAS_ANY: &str = "SELECT 1 FROM hostkit_jobs INDEXED BY hostkit_running
    WHERE place = 3 AND owner = ?1 AND kind = ?2 LIMIT 1";
const AT_REST: &str = "SELECT at_rest FROM hostkit_rates WHERE kind = ?1";
const SPEND: &str = "INSERT OR REPLACE INTO hostkit_rates (kind, at_rest) VALUES (?1, ?2)";
const OWNER: &str = "SELECT 1 FROM hostkit_owners WHERE owner = ?1";

/// Every statement of a claim that searches jobs, for the test that looks at their plans.
#[cfg(test)]
pub(super) const SEARCHES: [&str; 6] = [CLAIMABLE, NEXT_PRIORITY, LATER, HAS_SUSPECT, HAS_ANY_SUSPECT, HAS_ANY];

fn candidate(row: &Row<'_>) -> Result<Candidate> {
    let mode: Option<i64> = row.get(10)?;
    Ok(Candidate {
        seq: row.get(0)?,
        id: JobId::from_bytes(row.get(1)?),
        epoch: row.get(2)?,
        failures: row.get(3)?,
        crashes: row.get(4)?,
        priority: row.get(5)?,
        enqueued_at: row.get(6)?,
        due: row.get(7)?,
        serial_key: row.get(8)?,
        unique: row.get::<_, Option<String>>(9)?.zip(mode.and_then(read)),
        envelope: Envelope { version: row.get(11)?, trace: row.get(12)? },
        payload: row.get(13)?,
    })
}

/// What is wanted of a kind that is known.
struct Asked<'w> {
    kind: Kind,
    name: &'w Arc<str>,
    free: u32,
    per_key: Option<NonZeroU32>,
    rate: Option<Rate>,
    delivery: Delivery,
}

impl<'w> Asked<'w> {
    fn new(kind: Kind, wanted: &'w Wanted) -> Self {
        let Wanted { kind: name, free, per_key, rate, delivery } = wanted;
        Self { kind, name, free: *free, per_key: *per_key, rate: *rate, delivery: *delivery }
    }
}

/// What a search for ready jobs came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// All there was room for.
    Enough,
    /// All there were.
    All,
    /// Too many were passed over to go on.
    Tired,
}

impl Batch<'_> {
    pub(super) fn claim(&mut self, request: &ClaimRequest) -> Result<Claimed> {
        if !self.connection.prepare_cached(OWNER)?.exists([request.owner.0])? {
            return Ok(Claimed::Lost);
        }
        let (mut jobs, mut next) = (Vec::new(), None::<Duration>);
        for wanted in &request.kinds {
            if let Some(kind) = self.known_kind(&wanted.kind)? {
                let wait = self.claim_kind(request.owner, &Asked::new(kind, wanted), &mut jobs)?;
                next = [next, wait].into_iter().flatten().min();
            }
        }
        Ok(Claimed::Jobs { jobs, next })
    }

    /// Claims jobs of one kind, and says when to ask again.
    fn claim_kind(
        &mut self,
        owner: OwnerId,
        wanted: &Asked<'_>,
        claimed: &mut Vec<ClaimedJob>,
    ) -> Result<Option<Duration>> {
        if wanted.free == 0 {
            return Ok(None);
        }
        let allowed = match self.allowance(wanted)? {
            Allowance::At(then) => return Ok(Some(then.since(self.now))),
            Allowance::Now(most) => most,
        };
        if self.connection.prepare_cached(HAS_SUSPECT)?.exists((owner.0, wanted.kind))? {
            return Ok(None);
        }
        if let Some(suspect) = self.suspect(wanted)? {
            let is_alone = !self.connection.prepare_cached(HAS_ANY)?.exists((owner.0, wanted.kind))?
                && !self.connection.prepare_cached(HAS_ANY_SUSPECT)?.exists([owner.0])?;
            if is_alone {
                self.mark_taken(vec![suspect.seq], owner, wanted)?;
                claimed.push(self.take(suspect, SUSPECT, wanted)?);
                self.spend(wanted, 1)?;
            }
            return Ok(None);
        }
        if wanted.per_key.is_none() {
            self.call_all(wanted.kind, PASSED_OVER)?;
        }
        let before = claimed.len();
        let room = wanted.free.min(allowed);
        let found = self.claim_ready(owner, wanted, room, claimed)?;
        let taken = u32::try_from(claimed.len() - before).unwrap_or(u32::MAX);
        self.spend(wanted, taken)?;
        match found {
            Found::Tired => Ok(Some(Duration::ZERO)),
            Found::Enough if taken == wanted.free => Ok(None),
            Found::Enough => match self.allowance(wanted)? {
                Allowance::At(then) => Ok(Some(then.since(self.now))),
                Allowance::Now(_) => Ok(Some(Duration::ZERO)),
            },
            Found::All => self.later(wanted),
        }
    }

    /// Claims ready jobs, the first first, and moves those whose key is taken out of the way.
    fn claim_ready(
        &mut self,
        owner: OwnerId,
        wanted: &Asked<'_>,
        room: u32,
        claimed: &mut Vec<ClaimedJob>,
    ) -> Result<Found> {
        let (mut taken, mut passed_over, mut priority) = (0, 0, BEFORE_ALL);
        loop {
            priority = match self.next_priority(READY, wanted, priority)? {
                Some(next) => next,
                None => return Ok(Found::All),
            };
            loop {
                if taken == room {
                    return Ok(Found::Enough);
                }
                if passed_over >= PASSED_OVER {
                    return Ok(Found::Tired);
                }
                let candidates = self.candidates(READY, wanted, priority, room - taken)?;
                if candidates.is_empty() {
                    break;
                }
                // Those without a key are marked together. The others each, for it decides about the next.
                let plain = candidates.iter().filter(|job| job.serial_key.is_none()).map(|job| job.seq).collect();
                self.mark_taken(plain, owner, wanted)?;
                for job in candidates {
                    if let Some(key) = &job.serial_key
                        && self.is_key_taken(wanted, &job)?
                    {
                        let line = Line { key: key.clone(), priority: job.priority, due: job.due, seq: job.seq };
                        self.put_behind(wanted.kind, &line)?;
                        passed_over += 1;
                    } else {
                        if job.serial_key.is_some() {
                            self.mark_taken(vec![job.seq], owner, wanted)?;
                        }
                        claimed.push(self.take(job, READY, wanted)?);
                        taken += 1;
                    }
                }
            }
        }
    }

    /// The first suspect of a kind that is due and whose key is free.
    fn suspect(&self, wanted: &Asked<'_>) -> Result<Option<Candidate>> {
        let mut priority = BEFORE_ALL;
        while let Some(next) = self.next_priority(SUSPECT, wanted, priority)? {
            priority = next;
            // There are never many: each was running in a crash, under the same limits.
            for candidate in self.candidates(SUSPECT, wanted, priority, u32::MAX)? {
                if !self.is_key_taken(wanted, &candidate)? {
                    return Ok(Some(candidate));
                }
            }
        }
        Ok(None)
    }

    fn next_priority(&self, at: Place, wanted: &Asked<'_>, after: i64) -> Result<Option<i64>> {
        let mut statement = self.connection.prepare_cached(NEXT_PRIORITY)?;
        statement.query_row((wanted.kind, at, after), |row| row.get(0)).optional()
    }

    fn candidates(&self, at: Place, wanted: &Asked<'_>, priority: i64, limit: u32) -> Result<Vec<Candidate>> {
        let mut statement = self.connection.prepare_cached(CLAIMABLE)?;
        let parameters = (wanted.kind, at, priority, self.now.as_micros(), limit);
        let rows = statement.query_map(parameters, candidate)?;
        rows.collect()
    }

    fn is_key_taken(&self, wanted: &Asked<'_>, candidate: &Candidate) -> Result<bool> {
        let (Some(limit), Some(key)) = (wanted.per_key, &candidate.serial_key) else { return Ok(false) };
        Ok(self.running(wanted.kind, key)? >= i64::from(limit.get()))
    }

    /// Writes into the rows of jobs who has them.
    fn mark_taken(&self, seqs: Vec<i64>, owner: OwnerId, wanted: &Asked<'_>) -> Result<()> {
        let at_most_once = i64::from(wanted.delivery == Delivery::AtMostOnce);
        self.change_all(TAKE, &[owner.0, self.now.as_micros(), at_most_once], seqs)?;
        crash_point!("claim.jobs_marked");
        Ok(())
    }

    /// Does what else follows when a job is given to an owner.
    fn take(&mut self, job: Candidate, from: Place, wanted: &Asked<'_>) -> Result<ClaimedJob> {
        let epoch = job.epoch + 1;
        self.moved(wanted.kind, from, RUNNING);
        self.whereabouts.learn(job.id, job.seq);
        if let Some(key) = &job.serial_key {
            self.slot_taken(wanted.kind, key)?;
        }
        if let Some((_, UniqueMode::WhilePending | UniqueMode::Debounce(_))) = job.unique {
            self.release_unique(wanted.kind, job.id, job.unique.as_ref())?;
        }
        // The limit may have been raised since others got behind this key; then one more follows, and it will call the next.
        if let (Some(limit), Some(key)) = (wanted.per_key, &job.serial_key)
            && limit.get() > 1
            && !self.is_key_taken(wanted, &job)?
        {
            self.call_next(wanted.kind, key)?;
        }
        let payload = match job.payload {
            Some(payload) => payload,
            None => self.beside(job.seq)?,
        };
        Ok(ClaimedJob {
            claim: Claim { id: job.id, epoch: u64::try_from(epoch).unwrap_or(0) },
            kind: Arc::clone(wanted.name),
            payload,
            envelope: job.envelope,
            attempt: job.failures + 1,
            crashes: job.crashes,
            priority: i8::try_from(-job.priority).unwrap_or(0),
            enqueued_at: Timestamp::from_micros(job.enqueued_at),
            due: Timestamp::from_micros(job.due),
            serial_key: job.serial_key,
        })
    }

    fn at_rest(&self, wanted: &Asked<'_>) -> Result<Option<Timestamp>> {
        let mut statement = self.connection.prepare_cached(AT_REST)?;
        let stored = statement.query_row([wanted.kind], |row| row.get(0)).optional()?;
        Ok(stored.map(Timestamp::from_micros))
    }

    fn allowance(&self, wanted: &Asked<'_>) -> Result<Allowance> {
        let Some(rate) = wanted.rate else { return Ok(Allowance::Now(u32::MAX)) };
        Ok(rate.allows(self.at_rest(wanted)?, self.now))
    }

    fn spend(&self, wanted: &Asked<'_>, started: u32) -> Result<()> {
        let (Some(rate), 1..) = (wanted.rate, started) else { return Ok(()) };
        let at_rest = rate.after(self.at_rest(wanted)?, self.now, started);
        self.connection.prepare_cached(SPEND)?.execute((wanted.kind, at_rest.as_micros()))?;
        crash_point!("claim.rate_spent");
        Ok(())
    }

    /// When the next job of a kind is due.
    fn later(&self, wanted: &Asked<'_>) -> Result<Option<Duration>> {
        let mut earliest: Option<i64> = None;
        for at in [READY, SUSPECT] {
            let mut priority = BEFORE_ALL;
            while let Some(next) = self.next_priority(at, wanted, priority)? {
                priority = next;
                let mut statement = self.connection.prepare_cached(LATER)?;
                let parameters = (wanted.kind, at, priority, self.now.as_micros());
                let due = statement.query_row(parameters, |row| row.get(0)).optional()?;
                earliest = [earliest, due].into_iter().flatten().min();
            }
        }
        Ok(earliest.map(|due| Timestamp::from_micros(due).since(self.now)))
    }
}
