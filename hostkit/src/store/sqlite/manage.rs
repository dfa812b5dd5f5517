//! What people do to jobs, and how jobs are forgotten.

use rusqlite::{OptionalExtension as _, Result, params};

use super::super::crash::crash_point;
use super::super::{
    Batch as Changes, Changed, Filter, JobId, OCCURRENCES_KEPT, Retention, State, Timestamp, UniqueMode,
};
use super::batch::Batch;
use super::keys::{Space, read};
use super::schema::{BEHIND, CANCELLED, DEAD, Kind, Place, QUARANTINED, READY, RUNNING, place, state};
use super::slots::Line;

/// How many rows are looked at in one go.
const CHUNK: u32 = 500;

const ENDED: &str = "SELECT seq, ended_at, id FROM hostkit_jobs INDEXED BY hostkit_ended
    WHERE place >= 4 AND kind = ?1 AND place = ?2 AND ended_at <= ?3 AND (ended_at, seq) > (?4, ?5)
    ORDER BY ended_at, seq LIMIT ?6";

const END_OF_TIME: Timestamp = Timestamp::from_micros(i64::MAX);

/// A job, as far as those who manage it need to know.
pub(super) struct Managed {
    pub(super) seq: i64,
    pub(super) kind: Kind,
    pub(super) place: Place,
    priority: i64,
    due: i64,
    serial_key: Option<String>,
    unique: Option<(String, UniqueMode)>,
}

/// A job that has an outcome.
struct Ended {
    seq: i64,
    at: i64,
    id: JobId,
}

impl Batch<'_> {
    pub(super) fn managed(&self, id: JobId) -> Result<Option<Managed>> {
        let sql = "SELECT seq, kind, place, priority, due, serial_key, unique_key, unique_mode FROM hostkit_jobs WHERE id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_row([id.as_bytes()], |row| {
            let mode: Option<i64> = row.get(7)?;
            Ok(Managed {
                seq: row.get(0)?,
                kind: row.get(1)?,
                place: row.get(2)?,
                priority: row.get(3)?,
                due: row.get(4)?,
                serial_key: row.get(5)?,
                unique: row.get::<_, Option<String>>(6)?.zip(mode.and_then(read)),
            })
        });
        found.optional()
    }

    /// A job that waited does so no more, or not yet: it leaves the line behind its key, or its slot to the first of that.
    pub(super) fn left_line(&mut self, job: &Managed) -> Result<()> {
        let Some(key) = &job.serial_key else { return Ok(()) };
        match job.place {
            BEHIND => {
                let line = Line { key: key.clone(), priority: job.priority, due: job.due, seq: job.seq };
                self.leave_line(job.kind, &line)
            }
            READY if job.due <= self.now.as_micros() => self.call_next(job.kind, key),
            _ => Ok(()),
        }
    }

    pub(super) fn cancel(&mut self, id: JobId, reason: &str) -> Result<Changed> {
        let Some(job) = self.managed(id)? else { return Ok(Changed::NotFound) };
        self.is_news = true;
        match state(job.place) {
            None => return Ok(Changed::NotFound),
            Some(ended @ (State::Done | State::Cancelled)) => return Ok(Changed::Refused(ended)),
            Some(State::Running) => {
                let sql = "UPDATE hostkit_jobs SET cancel_requested = 1, reason = ?2 WHERE seq = ?1";
                self.connection.prepare_cached(sql)?.execute((job.seq, reason))?;
                crash_point!("cancel.requested");
                return Ok(Changed::Requested);
            }
            Some(State::Waiting | State::Dead | State::Quarantined) => {}
        }
        let sql = "UPDATE hostkit_jobs SET place = ?2, reason = ?3, ended_at = ?4 WHERE seq = ?1";
        let parameters = (job.seq, CANCELLED, reason, self.now.as_micros());
        self.connection.prepare_cached(sql)?.execute(parameters)?;
        crash_point!("cancel.row_written");
        self.release_unique(job.kind, id, job.unique.as_ref())?;
        self.moved(job.kind, job.place, CANCELLED);
        self.left_line(&job)?;
        Ok(Changed::Changed)
    }

    pub(super) fn retry(&mut self, id: JobId) -> Result<Changed> {
        let Some(job) = self.managed(id)? else { return Ok(Changed::NotFound) };
        if job.place == RUNNING {
            return Ok(Changed::Refused(State::Running));
        }
        self.is_news = true;
        if job.place < RUNNING {
            let sql = "UPDATE hostkit_jobs SET due = min(due, ?2) WHERE seq = ?1";
            self.connection.prepare_cached(sql)?.execute((job.seq, self.now.as_micros()))?;
            return Ok(Changed::Changed);
        }
        if let Some((key, _)) = job.unique.as_ref().filter(|(_, mode)| !matches!(mode, UniqueMode::Throttle(_))) {
            match self.holder(job.kind, Space::Unique, key)? {
                Some(other) if other != id => return Ok(Changed::Duplicate(other)),
                _ => self.hold(job.kind, Space::Unique, key, id, None)?,
            }
        }
        let sql = "UPDATE hostkit_jobs
            SET place = 0, due = ?2, failures = 0, crashes = 0, reason = NULL, ended_at = NULL WHERE seq = ?1";
        self.connection.prepare_cached(sql)?.execute((job.seq, self.now.as_micros()))?;
        crash_point!("retry.row_written");
        self.moved(job.kind, job.place, READY);
        Ok(Changed::Changed)
    }

    /// The kinds that a filter is about, by name.
    fn kinds(&mut self, filter: &Filter) -> Result<Vec<Kind>> {
        if let Some(name) = &filter.kind {
            return Ok(self.known_kind(name)?.into_iter().collect());
        }
        let mut statement = self.connection.prepare_cached("SELECT kind FROM hostkit_kinds ORDER BY name")?;
        let kinds = statement.query_map([], |row| row.get(0))?;
        kinds.collect()
    }

    /// Jobs of a kind that have this outcome since then or before, the oldest first, after this one.
    fn ended(&self, kind: Kind, at: Place, until: Timestamp, after: Option<&Ended>, limit: u32) -> Result<Vec<Ended>> {
        let (ended_at, seq) = after.map_or((i64::MIN, i64::MIN), |job| (job.at, job.seq));
        let mut statement = self.connection.prepare_cached(ENDED)?;
        let rows = statement.query_map(params![kind, at, until.as_micros(), ended_at, seq, limit], |row| {
            Ok(Ended { seq: row.get(0)?, at: row.get(1)?, id: JobId::from_bytes(row.get(2)?) })
        })?;
        rows.collect()
    }

    pub(super) fn redrive(&mut self, filter: &Filter, limit: u32) -> Result<Changes> {
        let mut changed = 0;
        for kind in self.kinds(filter)? {
            for at in [DEAD, QUARANTINED] {
                if filter.state.is_some_and(|state| place(state) != at) {
                    continue;
                }
                let mut last = None;
                while changed < limit {
                    let letters = self.ended(kind, at, END_OF_TIME, last.as_ref(), CHUNK.min(limit - changed))?;
                    for letter in &letters {
                        changed += u32::from(self.retry(letter.id)? == Changed::Changed);
                    }
                    last = letters.into_iter().last();
                    if last.is_none() {
                        break;
                    }
                }
            }
        }
        Ok(Changes { changed: changed.into(), has_more: changed == limit })
    }

    pub(super) fn purge(&mut self, filter: &Filter, limit: u32) -> Result<Changes> {
        let mut changed = 0;
        for kind in self.kinds(filter)? {
            for state in State::ALL.into_iter().filter(|state| state.is_outcome()) {
                if filter.state.is_none_or(|wanted| wanted == state) {
                    changed += self.delete_ended(kind, place(state), END_OF_TIME, limit - changed)?;
                }
            }
        }
        Ok(Changes { changed: changed.into(), has_more: changed == limit })
    }

    pub(super) fn delete(&mut self, id: JobId) -> Result<Changed> {
        let Some(job) = self.managed(id)? else { return Ok(Changed::NotFound) };
        match state(job.place) {
            None => return Ok(Changed::NotFound),
            Some(state) if !state.is_outcome() => return Ok(Changed::Refused(state)),
            Some(_) => {}
        }
        self.delete_row(job.kind, job.seq, id)?;
        self.count(job.kind, job.place, -1);
        Ok(Changed::Changed)
    }

    pub(super) fn prune(&mut self, retention: &Retention, limit: u32) -> Result<Changes> {
        let mut changed = 0;
        let kind = self.known_kind(&retention.kind)?;
        for state in State::ALL {
            let kept = match state {
                State::Done | State::Cancelled => retention.done,
                State::Dead | State::Quarantined => retention.dead,
                State::Waiting | State::Running => continue,
            };
            if let Some(kind) = kind {
                changed += self.delete_ended(kind, place(state), self.now.before(kept), limit - changed)?;
            }
        }
        self.forget(limit)?;
        Ok(Changes { changed: changed.into(), has_more: changed == limit })
    }

    /// Forgets keys and occurrences that nobody needs.
    fn forget(&self, limit: u32) -> Result<()> {
        let sql = "DELETE FROM hostkit_keys WHERE (kind, space, key) IN (
                SELECT kind, space, key FROM hostkit_keys INDEXED BY hostkit_keys_until
                WHERE until IS NOT NULL AND until <= ?1 ORDER BY until LIMIT ?2
            )";
        self.connection.prepare_cached(sql)?.execute((self.now.as_micros(), limit))?;
        crash_point!("prune.keys_forgotten");
        let mut statement = self.connection.prepare_cached(
            "WITH RECURSIVE schedules (schedule) AS (
                SELECT min(schedule) FROM hostkit_occurrences
                UNION ALL
                SELECT (SELECT min(schedule) FROM hostkit_occurrences WHERE schedule > schedules.schedule)
                FROM schedules WHERE schedule IS NOT NULL
            )
            SELECT schedule, (SELECT max(instant) FROM hostkit_occurrences AS it WHERE it.schedule = schedules.schedule)
            FROM schedules WHERE schedule IS NOT NULL",
        )?;
        let last = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let last: Vec<(String, i64)> = last.collect::<Result<_>>()?;
        let sql = "DELETE FROM hostkit_occurrences WHERE schedule = ?1 AND instant < ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        for (schedule, last) in last {
            statement.execute((schedule, Timestamp::from_micros(last).before(OCCURRENCES_KEPT).as_micros()))?;
        }
        crash_point!("prune.occurrences_forgotten");
        Ok(())
    }

    /// Deletes jobs of a kind that have had this outcome for long enough, the oldest first.
    fn delete_ended(&mut self, kind: Kind, at: Place, until: Timestamp, limit: u32) -> Result<u32> {
        let old = self.ended(kind, at, until, None, limit)?;
        for job in &old {
            self.delete_row(kind, job.seq, job.id)?;
        }
        let deleted = u32::try_from(old.len()).unwrap_or(u32::MAX);
        self.count(kind, at, -i64::from(deleted));
        Ok(deleted)
    }

    fn delete_row(&self, kind: Kind, seq: i64, id: JobId) -> Result<()> {
        let sql = "DELETE FROM hostkit_jobs WHERE seq = ?1 RETURNING idempotency_key, enqueued_at, payload IS NULL";
        let mut statement = self.connection.prepare_cached(sql)?;
        let (key, enqueued_at, is_beside): (Option<String>, i64, bool) =
            statement.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        crash_point!("prune.row_deleted");
        if is_beside {
            let sql = "DELETE FROM hostkit_payloads WHERE seq = ?1";
            self.connection.prepare_cached(sql)?.execute([seq])?;
        }
        match key {
            Some(key) => self.outlive(kind, id, &key, enqueued_at),
            None => Ok(()),
        }
    }
}
