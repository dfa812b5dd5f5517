//! Serial keys: how many jobs of each run, and those that wait behind it.
//!
//! What has no key costs nothing here.

use rusqlite::{OptionalExtension as _, Result};

use super::super::crash::crash_point;
use super::batch::Batch;
use super::schema::{BEHIND, Kind, READY};

const RUNNING: &str = "SELECT running FROM hostkit_slots WHERE kind = ?1 AND serial_key = ?2";
const FIRST: &str = "SELECT priority, due, seq FROM hostkit_behind WHERE kind = ?1 AND serial_key = ?2
    ORDER BY priority, due, seq LIMIT 1";
const ANY: &str = "SELECT serial_key, priority, due, seq FROM hostkit_behind WHERE kind = ?1 LIMIT ?2";
const CALL: &str = "DELETE FROM hostkit_behind
    WHERE kind = ?1 AND serial_key = ?2 AND priority = ?3 AND due = ?4 AND seq = ?5";

/// Every statement that searches here, for the test that looks at their plans.
#[cfg(test)]
pub(super) const SEARCHES: [&str; 4] = [RUNNING, FIRST, ANY, CALL];

/// The place of a job behind its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) key: String,
    pub(super) priority: i64,
    pub(super) due: i64,
    pub(super) seq: i64,
}

impl Batch<'_> {
    /// How many jobs with this key run.
    pub(super) fn running(&self, kind: Kind, key: &str) -> Result<i64> {
        let mut statement = self.connection.prepare_cached(RUNNING)?;
        Ok(statement.query_row((kind, key), |row| row.get(0)).optional()?.unwrap_or(0))
    }

    /// A job with this key begins to run.
    pub(super) fn slot_taken(&self, kind: Kind, key: &str) -> Result<()> {
        let sql = "INSERT INTO hostkit_slots (kind, serial_key, running) VALUES (?1, ?2, 1)
            ON CONFLICT (kind, serial_key) DO UPDATE SET running = running + 1";
        self.connection.prepare_cached(sql)?.execute((kind, key))?;
        crash_point!("key.slot_taken");
        Ok(())
    }

    /// A job with this key runs no more.
    pub(super) fn slot_freed(&mut self, kind: Kind, key: &str) -> Result<()> {
        let sql = "UPDATE hostkit_slots SET running = running - 1 WHERE kind = ?1 AND serial_key = ?2";
        self.connection.prepare_cached(sql)?.execute((kind, key))?;
        let sql = "DELETE FROM hostkit_slots WHERE kind = ?1 AND serial_key = ?2 AND running <= 0";
        self.connection.prepare_cached(sql)?.execute((kind, key))?;
        crash_point!("key.slot_freed");
        self.call_next(kind, key)
    }

    /// A job gets out of the way until its key is free.
    pub(super) fn put_behind(&mut self, kind: Kind, line: &Line) -> Result<()> {
        let sql = "INSERT INTO hostkit_behind (kind, serial_key, priority, due, seq) VALUES (?1, ?2, ?3, ?4, ?5)";
        let parameters = (kind, &line.key, line.priority, line.due, line.seq);
        self.connection.prepare_cached(sql)?.execute(parameters)?;
        self.put(line.seq, BEHIND)?;
        crash_point!("claim.job_passed_over");
        self.count(kind, READY, -1);
        self.count(kind, BEHIND, 1);
        Ok(())
    }

    /// A job does not stand behind its key any more.
    pub(super) fn leave_line(&self, kind: Kind, line: &Line) -> Result<()> {
        let parameters = (kind, &line.key, line.priority, line.due, line.seq);
        self.connection.prepare_cached(CALL)?.execute(parameters)?;
        Ok(())
    }

    /// The first job behind a key may be claimed.
    pub(super) fn call_next(&mut self, kind: Kind, key: &str) -> Result<()> {
        let mut statement = self.connection.prepare_cached(FIRST)?;
        let first = statement.query_row((kind, key), |row| {
            Ok(Line { key: key.to_owned(), priority: row.get(0)?, due: row.get(1)?, seq: row.get(2)? })
        });
        match first.optional()? {
            Some(line) => self.call(kind, &line),
            None => Ok(()),
        }
    }

    fn call(&mut self, kind: Kind, line: &Line) -> Result<()> {
        self.leave_line(kind, line)?;
        self.put(line.seq, READY)?;
        crash_point!("key.next_called");
        self.count(kind, BEHIND, -1);
        self.count(kind, READY, 1);
        Ok(())
    }

    /// Jobs that got behind their key while there was a limit do not wait for ever when there is none.
    pub(super) fn call_all(&mut self, kind: Kind, most: u32) -> Result<()> {
        let mut statement = self.connection.prepare_cached(ANY)?;
        let lines = statement.query_map((kind, most), |row| {
            Ok(Line { key: row.get(0)?, priority: row.get(1)?, due: row.get(2)?, seq: row.get(3)? })
        })?;
        let lines: Vec<Line> = lines.collect::<Result<_>>()?;
        lines.iter().try_for_each(|line| self.call(kind, line))
    }
}
