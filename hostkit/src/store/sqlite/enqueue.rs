//! What comes in.

use rusqlite::{OptionalExtension as _, Result};

use super::super::crash::crash_point;
use super::super::{
    Enqueued, IDEMPOTENCY_KEPT, JobId, NewJob, OCCURRENCES_KEPT, PAYLOAD_LIMIT, Rejection, Timestamp, UniqueMode,
};
use super::batch::Batch;
use super::keys::{Space, stored};
use super::schema::{BEHIND, Kind, READY};

/// Larger payloads are stored beside their rows.
pub(super) const INLINE: usize = 1024;

impl Batch<'_> {
    /// Stores a job, or says why not.
    pub(super) fn enqueue(&mut self, job: &NewJob) -> Result<Enqueued> {
        if job.payload.len() > PAYLOAD_LIMIT {
            return Ok(Enqueued::Rejected(Rejection::TooLarge(job.payload.len())));
        }
        let kind = self.kind(&job.kind)?;
        let has_rules = job.idempotency_key.is_some() || job.unique.is_some() || job.capacity.is_some();
        if has_rules && let Some(answer) = self.answered_by_rules(job, kind)? {
            return Ok(answer);
        }
        if !self.insert(job, kind)? {
            return Ok(Enqueued::Rejected(Rejection::Duplicate(job.id)));
        }
        if let Some(key) = &job.idempotency_key {
            self.hold(kind, Space::Idempotency, key, job.id, None)?;
        }
        if let Some(unique) = &job.unique {
            let until = match unique.mode {
                UniqueMode::Throttle(period) => Some(self.now.after(period)),
                _ => None,
            };
            self.hold(kind, Space::Unique, &unique.key, job.id, until)?;
        }
        self.count(kind, READY, 1);
        self.is_news = true;
        Ok(Enqueued::Stored)
    }

    /// What the rules say of a job that most jobs do not have; `None` if it may come in.
    fn answered_by_rules(&mut self, job: &NewJob, kind: Kind) -> Result<Option<Enqueued>> {
        let duplicate = |id| Ok(Some(Enqueued::Rejected(Rejection::Duplicate(id))));
        let sql = "SELECT 1 FROM hostkit_jobs WHERE id = ?1";
        if self.connection.prepare_cached(sql)?.exists([job.id.as_bytes()])? {
            return duplicate(job.id);
        }
        if let Some(key) = &job.idempotency_key
            && let Some(id) = self.holder(kind, Space::Idempotency, key)?
        {
            return duplicate(id);
        }
        if let Some(unique) = &job.unique
            && let Some(id) = self.holder(kind, Space::Unique, &unique.key)?
        {
            return match unique.mode {
                UniqueMode::Debounce(quiet) if self.replace(job, id, self.now.after(quiet))? => {
                    Ok(Some(Enqueued::Replaced(id)))
                }
                _ => duplicate(id),
            };
        }
        if let Some(capacity) = job.capacity
            && self.waiting(kind)? >= capacity
        {
            return Ok(Some(Enqueued::Rejected(Rejection::Full)));
        }
        Ok(None)
    }

    /// Writes the rows of a job; `false` if there is one with its name.
    fn insert(&self, job: &NewJob, kind: Kind) -> Result<bool> {
        let sql = "INSERT INTO hostkit_jobs (
                id, kind, place, priority, due, epoch, failures, crashes, at_most_once, cancel_requested, enqueued_at,
                serial_key, idempotency_key, unique_key, unique_mode, version, trace, payload
            ) VALUES (?1, ?2, 0, ?3, ?4, 0, 0, 0, 0, 0, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            ON CONFLICT (id) DO NOTHING";
        let due = match job.unique.as_ref().map(|unique| unique.mode) {
            Some(UniqueMode::Debounce(quiet)) => self.now.after(quiet),
            _ => job.due.instant(self.now),
        };
        let is_inline = job.payload.len() <= INLINE;
        let inserted = self.connection.prepare_cached(sql)?.execute((
            job.id.as_bytes(),
            kind,
            -i64::from(job.priority),
            due.as_micros(),
            self.now.as_micros(),
            &job.serial_key,
            &job.idempotency_key,
            job.unique.as_ref().map(|unique| &unique.key),
            job.unique.as_ref().map(|unique| stored(unique.mode)),
            job.envelope.version,
            &job.envelope.trace,
            is_inline.then_some(&job.payload),
        ))?;
        crash_point!("enqueue.row_written");
        if inserted == 0 {
            return Ok(false);
        }
        if !is_inline {
            self.put_beside(self.connection.last_insert_rowid(), &job.payload)?;
        }
        Ok(true)
    }

    fn put_beside(&self, seq: i64, payload: &[u8]) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO hostkit_payloads (seq, payload) VALUES (?1, ?2)";
        self.connection.prepare_cached(sql)?.execute((seq, payload))?;
        crash_point!("enqueue.payload_written");
        Ok(())
    }

    /// Puts what a job carries into one that waits; `false` if that waits no more.
    fn replace(&mut self, job: &NewJob, id: JobId, due: Timestamp) -> Result<bool> {
        let Some(old) = self.managed(id)?.filter(|old| old.place <= BEHIND) else { return Ok(false) };
        let to = if old.place == BEHIND { READY } else { old.place };
        let is_inline = job.payload.len() <= INLINE;
        let sql = "UPDATE hostkit_jobs SET place = ?2, priority = ?3, due = ?4, version = ?5, trace = ?6, payload = ?7
            WHERE seq = ?1";
        self.connection.prepare_cached(sql)?.execute((
            old.seq,
            to,
            -i64::from(job.priority),
            due.as_micros(),
            job.envelope.version,
            &job.envelope.trace,
            is_inline.then_some(&job.payload),
        ))?;
        crash_point!("enqueue.row_replaced");
        let sql = "DELETE FROM hostkit_payloads WHERE seq = ?1";
        self.connection.prepare_cached(sql)?.execute([old.seq])?;
        if !is_inline {
            self.put_beside(old.seq, &job.payload)?;
        }
        if let Some(key) = &job.idempotency_key {
            let until = Some(self.now.after(IDEMPOTENCY_KEPT));
            self.hold(old.kind, Space::Idempotency, key, id, until)?;
        }
        self.moved(old.kind, old.place, to);
        self.left_line(&old)?;
        self.is_news = true;
        Ok(true)
    }

    /// Stores the job of an instant of a schedule, unless somebody has.
    pub(super) fn enqueue_occurrence(&mut self, schedule: &str, instant: Timestamp, job: &NewJob) -> Result<Enqueued> {
        let sql = "SELECT instant, id FROM hostkit_occurrences WHERE schedule = ?1 ORDER BY instant DESC LIMIT 1";
        let last: Option<(i64, [u8; 16])> = self
            .connection
            .prepare_cached(sql)?
            .query_row([schedule], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((last, id)) = last
            && instant < Timestamp::from_micros(last).before(OCCURRENCES_KEPT)
        {
            return Ok(Enqueued::Rejected(Rejection::Duplicate(JobId::from_bytes(id))));
        }
        let sql = "SELECT id FROM hostkit_occurrences WHERE schedule = ?1 AND instant = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let stored = statement.query_row((schedule, instant.as_micros()), |row| row.get(0)).optional()?;
        if let Some(id) = stored {
            return Ok(Enqueued::Rejected(Rejection::Duplicate(JobId::from_bytes(id))));
        }
        let answer = self.enqueue(job)?;
        let id = match answer {
            Enqueued::Stored => job.id,
            // The job that is there stands for this instant as well.
            Enqueued::Replaced(id) | Enqueued::Rejected(Rejection::Duplicate(id)) => id,
            Enqueued::Rejected(_) => return Ok(answer),
        };
        let sql = "INSERT INTO hostkit_occurrences (schedule, instant, id) VALUES (?1, ?2, ?3)";
        self.connection.prepare_cached(sql)?.execute((schedule, instant.as_micros(), id.as_bytes()))?;
        crash_point!("enqueue.occurrence_written");
        Ok(answer)
    }

    /// The payload that is stored beside a row.
    pub(super) fn beside(&self, seq: i64) -> Result<Vec<u8>> {
        let sql = "SELECT payload FROM hostkit_payloads WHERE seq = ?1";
        self.connection.prepare_cached(sql)?.query_row([seq], |row| row.get(0))
    }
}
