//! What operations share while a transaction is open: the connection, the instant, and what has moved.

use std::sync::Arc;

use rusqlite::{Connection, Result};

use super::super::Timestamp;
use super::super::crash::crash_point;
use super::schema::{BEHIND, Place};

/// One transaction.
#[derive(Debug)]
pub(super) struct Batch<'c> {
    pub(super) connection: &'c Connection,
    /// One instant for all of it.
    pub(super) now: Timestamp,
    tally: Tally,
    /// Whether there is more to claim or to cancel than before.
    pub(super) is_news: bool,
}

/// By how much counts will change.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally(Vec<(Arc<str>, Place, i64)>);

impl<'c> Batch<'c> {
    pub(super) fn new(connection: &'c Connection, now: Timestamp) -> Self {
        Self { connection, now, tally: Tally::default(), is_news: false }
    }

    /// What has moved so far, to be [restored](Self::restore) if something that follows is undone.
    pub(super) fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// Forgets what has moved since.
    pub(super) fn restore(&mut self, tally: Tally) {
        self.tally = tally;
    }

    /// So many more jobs of this kind are here.
    pub(super) fn count(&mut self, kind: &Arc<str>, place: Place, change: i64) {
        match self.tally.0.iter_mut().find(|(known, at, _)| *at == place && known == kind) {
            Some((_, _, total)) => *total += change,
            None => self.tally.0.push((Arc::clone(kind), place, change)),
        }
    }

    /// How many jobs of a kind wait.
    pub(super) fn waiting(&self, kind: &Arc<str>) -> Result<u64> {
        let sql = "SELECT coalesce(sum(jobs), 0) FROM hostkit_counts WHERE kind = ?1 AND place <= 2";
        let stored: i64 = self.connection.prepare_cached(sql)?.query_row([&**kind], |row| row.get(0))?;
        let changed = self.tally.0.iter().filter(|(known, place, _)| *place <= BEHIND && known == kind);
        Ok(u64::try_from(stored + changed.map(|(_, _, change)| change).sum::<i64>()).unwrap_or(0))
    }

    /// Writes down what has moved. Nothing may move afterwards.
    pub(super) fn close(&mut self) -> Result<()> {
        let sql = "INSERT INTO hostkit_counts (kind, place, jobs) VALUES (?1, ?2, ?3)
            ON CONFLICT (kind, place) DO UPDATE SET jobs = jobs + excluded.jobs";
        let mut statement = self.connection.prepare_cached(sql)?;
        for (kind, place, change) in self.tally.0.drain(..).filter(|(_, _, change)| *change != 0) {
            statement.execute((&*kind, place, change))?;
            crash_point!("commit.job_counted");
        }
        Ok(())
    }

    /// A job goes from one place to another.
    pub(super) fn moved(&mut self, kind: &Arc<str>, from: Place, to: Place) {
        self.count(kind, from, -1);
        self.count(kind, to, 1);
    }

    /// Changes nothing of a job but its place.
    pub(super) fn put(&self, seq: i64, place: Place) -> Result<()> {
        let sql = "UPDATE hostkit_jobs SET place = ?2 WHERE seq = ?1";
        self.connection.prepare_cached(sql)?.execute((seq, place))?;
        Ok(())
    }

    /// Changes many jobs in the same way. `parameters` are those of `set`.
    ///
    /// One statement changes up to 64, so that it opens the table and its indexes once for all of them.
    pub(super) fn change_all(&self, set: &str, parameters: &[i64], mut seqs: &[i64]) -> Result<()> {
        while !seqs.is_empty() {
            let count = [64, 16, 4, 1].into_iter().find(|count| *count <= seqs.len()).unwrap_or(1);
            let (these, rest) = seqs.split_at(count);
            let places: Vec<_> = (1..=count).map(|number| format!("?{}", parameters.len() + number)).collect();
            // No constraint can be broken. Saying what should happen then spares SQLite a copy of every page, to undo half a
            // statement.
            let sql = format!("UPDATE OR ROLLBACK hostkit_jobs SET {set} WHERE seq IN ({})", places.join(","));
            let values = rusqlite::params_from_iter(parameters.iter().chain(these));
            self.connection.prepare_cached(&sql)?.execute(values)?;
            crash_point!("batch.jobs_changed");
            seqs = rest;
        }
        Ok(())
    }
}
