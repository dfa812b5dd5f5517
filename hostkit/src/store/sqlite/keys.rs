//! Idempotency and unique keys: who has one, and until when.

use std::time::Duration;

use rusqlite::{OptionalExtension as _, Result};

use super::super::crash::crash_point;
use super::super::{IDEMPOTENCY_KEPT, JobId, Timestamp, UniqueMode};
use super::batch::Batch;
use super::schema::Kind;

/// Which keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    Idempotency = 0,
    Unique = 1,
}

/// How a mode is stored. Periods are not: what they lead to is.
pub(super) fn stored(mode: UniqueMode) -> i64 {
    match mode {
        UniqueMode::WhilePending => 1,
        UniqueMode::WhileActive => 2,
        UniqueMode::Throttle(_) => 3,
        UniqueMode::Debounce(_) => 4,
    }
}

/// Reads what [`stored`] made of a mode.
pub(super) fn read(mode: i64) -> Option<UniqueMode> {
    Some(match mode {
        1 => UniqueMode::WhilePending,
        2 => UniqueMode::WhileActive,
        3 => UniqueMode::Throttle(Duration::ZERO),
        4 => UniqueMode::Debounce(Duration::ZERO),
        _ => return None,
    })
}

impl Batch<'_> {
    /// The job that has a key.
    pub(super) fn holder(&self, kind: Kind, space: Space, key: &str) -> Result<Option<JobId>> {
        let sql = "SELECT id FROM hostkit_keys
            WHERE kind = ?1 AND space = ?2 AND key = ?3 AND (until IS NULL OR until > ?4)";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_row((kind, space as i64, key, self.now.as_micros()), |row| row.get(0));
        Ok(found.optional()?.map(JobId::from_bytes))
    }

    /// Gives a key to a job.
    pub(super) fn hold(&self, kind: Kind, space: Space, key: &str, id: JobId, until: Option<Timestamp>) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO hostkit_keys (kind, space, key, id, until) VALUES (?1, ?2, ?3, ?4, ?5)";
        let until = until.map(Timestamp::as_micros);
        self.connection.prepare_cached(sql)?.execute((kind, space as i64, key, id.as_bytes(), until))?;
        crash_point!("key.held");
        Ok(())
    }

    /// Takes its unique key from a job, unless that has another by now or lasts for a time of its own.
    pub(super) fn release_unique(&self, kind: Kind, id: JobId, unique: Option<&(String, UniqueMode)>) -> Result<()> {
        let Some((key, mode)) = unique else { return Ok(()) };
        if matches!(mode, UniqueMode::Throttle(_)) {
            return Ok(());
        }
        let sql = "DELETE FROM hostkit_keys WHERE kind = ?1 AND space = 1 AND key = ?2 AND id = ?3";
        self.connection.prepare_cached(sql)?.execute((kind, key, id.as_bytes()))?;
        crash_point!("key.released");
        Ok(())
    }

    /// A job is deleted: its idempotency key is forgotten, or will be.
    pub(super) fn outlive(&self, kind: Kind, id: JobId, key: &str, enqueued_at: i64) -> Result<()> {
        let until = Timestamp::from_micros(enqueued_at).after(IDEMPOTENCY_KEPT);
        let sql = if until <= self.now {
            "DELETE FROM hostkit_keys WHERE kind = ?1 AND space = 0 AND key = ?2 AND id = ?3 AND ?4 = ?4"
        } else {
            "UPDATE hostkit_keys SET until = ?4 WHERE kind = ?1 AND space = 0 AND key = ?2 AND id = ?3"
        };
        self.connection.prepare_cached(sql)?.execute((kind, key, id.as_bytes(), until.as_micros()))?;
        Ok(())
    }
}
