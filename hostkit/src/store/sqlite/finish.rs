//! What becomes of jobs that an owner has.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{OptionalExtension as _, Result, Row, params_from_iter};

use super::super::crash::crash_point;
use super::super::{Applied, CRASHES_TO_QUARANTINE, Claim, Finish, JobId, Timestamp, UniqueMode, Verdict, rules};
use super::batch::{Batch, Rows, together};
use super::keys::read;
use super::schema::{CANCELLED, DEAD, DONE, Kind, Place, QUARANTINED, READY, RUNNING, SUSPECT};

const HELD: &str = "SELECT seq, id, kind, epoch, failures, crashes, due, serial_key, unique_key, unique_mode,
    cancel_requested, at_most_once, reason, place FROM hostkit_jobs WHERE id = ?1";
const HELD_BY: &str = "SELECT seq, id, kind, epoch, failures, crashes, due, serial_key, unique_key, unique_mode,
    cancel_requested, at_most_once, reason, place FROM hostkit_jobs INDEXED BY hostkit_running
    WHERE place = 3 AND owner = ?1";
/// How a job that succeeded is changed.
const END: &str = "place = 4, ended_at = ?1, reason = NULL, owner = NULL, cancel_requested = 0";
const LET_GO: &str =
    "UPDATE hostkit_jobs SET place = ?2, due = ?3, failures = ?4, crashes = ?5, reason = ?6, ended_at = ?7,
    owner = NULL, cancel_requested = 0 WHERE seq = ?1";

/// Those of some rows that run in one epoch and have no key. Their number is how they are found, and no index.
fn still_running(rows: &Rows) -> String {
    format!(
        "SELECT seq, id, kind FROM hostkit_jobs NOT INDEXED WHERE {} AND epoch = ?1 AND place = 3
        AND serial_key IS NULL AND unique_key IS NULL",
        rows.condition(2)
    )
}

/// Every statement of a finish that searches jobs, for the test that looks at their plans.
#[cfg(test)]
pub(super) fn searches() -> Vec<String> {
    let rows = [Rows::Run([1, 9]), Rows::List(vec![1, 3])];
    let change =
        |rows: &Rows| format!("UPDATE OR ROLLBACK hostkit_jobs NOT INDEXED SET {END} WHERE {}", rows.condition(2));
    let mut searches: Vec<_> = rows.iter().flat_map(|rows| [still_running(rows), change(rows)]).collect();
    searches.push(HELD.to_owned());
    searches
}

/// A job that an owner has.
#[derive(Debug)]
pub(super) struct Held {
    seq: i64,
    pub(super) claim: Claim,
    kind: Kind,
    failures: i64,
    crashes: u32,
    due: Timestamp,
    serial_key: Option<String>,
    unique: Option<(String, UniqueMode)>,
    is_cancel_requested: bool,
    at_most_once: bool,
    reason: Option<String>,
    place: Place,
}

fn held(row: &Row<'_>) -> Result<Held> {
    let (epoch, mode): (i64, Option<i64>) = (row.get(3)?, row.get(9)?);
    Ok(Held {
        seq: row.get(0)?,
        claim: Claim { id: JobId::from_bytes(row.get(1)?), epoch: u64::try_from(epoch).unwrap_or(0) },
        kind: row.get(2)?,
        failures: row.get(4)?,
        crashes: row.get(5)?,
        due: Timestamp::from_micros(row.get(6)?),
        serial_key: row.get(7)?,
        unique: row.get::<_, Option<String>>(8)?.zip(mode.and_then(read)),
        is_cancel_requested: row.get(10)?,
        at_most_once: row.get(11)?,
        reason: row.get(12)?,
        place: row.get(13)?,
    })
}

/// What a dead owner leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Interrupted,
    Quarantined,
    Cancelled,
}

impl Batch<'_> {
    /// Records what became of jobs. Those that succeeded and have no key, which are most, are changed together.
    pub(super) fn finish_all(&mut self, finishes: &[Finish]) -> Result<Vec<Applied>> {
        let mut ended = self.end_all(finishes)?;
        let mut answers = Vec::with_capacity(finishes.len());
        for finish in finishes {
            answers.push(match finish.verdict {
                // What stands twice in this batch was ended once.
                Verdict::Done if ended.remove(&finish.claim) => Applied::Applied,
                _ => self.finish(finish)?,
            });
        }
        self.is_news = true;
        Ok(answers)
    }

    /// Ends those that succeeded and have no key, as far as it is known where they are.
    fn end_all(&mut self, finishes: &[Finish]) -> Result<HashSet<Claim>> {
        let mut seqs = BTreeMap::<u64, Vec<i64>>::new();
        for finish in finishes {
            let seq = self.whereabouts.forget(finish.claim.id);
            if let (Verdict::Done, Some(seq)) = (&finish.verdict, seq) {
                seqs.entry(finish.claim.epoch).or_default().push(seq);
            }
        }
        // Another job may be there by now, so it is the id that counts.
        let asked: HashSet<Claim> = finishes.iter().map(|finish| finish.claim).collect();
        let mut ended = HashSet::with_capacity(finishes.len());
        for (epoch, seqs) in seqs {
            let mut found = Vec::with_capacity(seqs.len());
            for rows in together(seqs) {
                let sql = still_running(&rows);
                let connection = self.connection;
                let mut statement = connection.prepare_cached(&sql)?;
                let stored = i64::try_from(epoch).unwrap_or(i64::MAX);
                let mut rows = statement.query(params_from_iter([&stored].into_iter().chain(rows.parameters())))?;
                while let Some(row) = rows.next()? {
                    let claim = Claim { id: JobId::from_bytes(row.get(1)?), epoch };
                    if asked.contains(&claim) && ended.insert(claim) {
                        found.push(row.get(0)?);
                        self.moved(row.get(2)?, RUNNING, DONE);
                    }
                }
            }
            self.change_all(END, &[self.now.as_micros()], found)?;
        }
        Ok(ended)
    }

    pub(super) fn finish(&mut self, finish: &Finish) -> Result<Applied> {
        let found = self.connection.prepare_cached(HELD)?.query_row([finish.claim.id.as_bytes()], held).optional()?;
        let Some(mut job) = found.filter(|job| job.place == RUNNING && job.claim == finish.claim) else {
            return Ok(Applied::Stale);
        };
        if matches!(finish.verdict, Verdict::Retry { .. } | Verdict::Dead { .. }) {
            job.failures += 1;
        }
        let to = match &finish.verdict {
            Verdict::Done => {
                job.reason = None;
                DONE
            }
            Verdict::Dead { error } | Verdict::Undecodable { error } => {
                job.reason = Some(error.clone());
                DEAD
            }
            Verdict::Cancelled { reason } => {
                job.reason = Some(reason.clone());
                CANCELLED
            }
            _ if job.is_cancel_requested => CANCELLED,
            Verdict::Retry { after, error } => {
                job.due = self.now.after(*after);
                job.reason = Some(error.clone());
                job.waits()
            }
            Verdict::Snoozed { after } => {
                job.due = self.now.after(*after);
                job.waits()
            }
            Verdict::Released => job.waits(),
        };
        self.let_go(&job, to)?;
        Ok(Applied::Applied)
    }

    /// Takes a job from its owner and puts it elsewhere.
    fn let_go(&mut self, job: &Held, to: Place) -> Result<()> {
        let ended_at = (to >= DONE).then(|| self.now.as_micros());
        let parameters = (job.seq, to, job.due.as_micros(), job.failures, job.crashes, &job.reason, ended_at);
        self.connection.prepare_cached(LET_GO)?.execute(parameters)?;
        self.whereabouts.forget(job.claim.id);
        crash_point!("finish.row_written");
        if to >= DONE {
            self.release_unique(job.kind, job.claim.id, job.unique.as_ref())?;
        }
        self.moved(job.kind, RUNNING, to);
        if let Some(key) = &job.serial_key {
            self.slot_freed(job.kind, key)?;
        }
        self.is_news = true;
        Ok(())
    }

    /// All that an owner has.
    pub(super) fn held_by(&self, owner: i64) -> Result<Vec<Held>> {
        let mut statement = self.connection.prepare_cached(HELD_BY)?;
        let rows = statement.query_map([owner], held)?;
        rows.collect()
    }

    /// Lets a job wait again as before, or cancels it if that was asked for.
    pub(super) fn give_back(&mut self, job: &Held) -> Result<()> {
        let to = if job.is_cancel_requested { CANCELLED } else { job.waits() };
        self.let_go(job, to)
    }

    /// Takes a job from an owner who died.
    pub(super) fn inherit(&mut self, mut job: Held) -> Result<Fate> {
        job.crashes += 1;
        let (to, fate) = if job.is_cancel_requested {
            (CANCELLED, Fate::Cancelled)
        } else if job.at_most_once || job.crashes >= CRASHES_TO_QUARANTINE {
            job.reason = Some(rules::conviction(job.crashes));
            (QUARANTINED, Fate::Quarantined)
        } else {
            (SUSPECT, Fate::Interrupted)
        };
        self.let_go(&job, to)?;
        Ok(fate)
    }
}

impl Held {
    /// Where it waits when it comes back.
    fn waits(&self) -> Place {
        if self.crashes > 0 { SUSPECT } else { READY }
    }

    pub(super) fn is_cancel_requested(&self) -> bool {
        self.is_cancel_requested
    }
}
