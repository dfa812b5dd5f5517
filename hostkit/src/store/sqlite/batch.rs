//! What operations share while a transaction is open: the connection, the instant, and what has moved.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Result};

use super::super::crash::crash_point;
use super::super::{JobId, Timestamp};
use super::schema::{BEHIND, Kind, Place};

/// One transaction.
#[derive(Debug)]
pub(super) struct Batch<'c> {
    pub(super) connection: &'c Connection,
    /// One instant for all of it.
    pub(super) now: Timestamp,
    tally: Tally,
    /// Numbers of kinds that were asked for before.
    kinds: Vec<(Arc<str>, Kind)>,
    /// Whether there is more to claim or to cancel than before.
    pub(super) is_news: bool,
    /// Outlives the transaction.
    pub(super) whereabouts: Whereabouts,
}

/// The rows of jobs that were claimed here, so that most of them are not searched by their id when they end.
///
/// It need not be right: a transaction may have come to nothing, or a row be another's by now. Who uses it looks at the row.
#[derive(Debug, Default)]
pub(super) struct Whereabouts(HashMap<JobId, i64>);

impl Whereabouts {
    /// More jobs than run at once. Those that end elsewhere are never asked for.
    const MOST: usize = 50_000;

    pub(super) fn learn(&mut self, id: JobId, seq: i64) {
        if self.0.len() >= Self::MOST {
            self.0.clear();
        }
        self.0.insert(id, seq);
    }

    /// Where a job was when it was claimed.
    pub(super) fn forget(&mut self, id: JobId) -> Option<i64> {
        self.0.remove(&id)
    }
}

/// By how much counts will change.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally(Vec<(Kind, Place, i64)>);

impl<'c> Batch<'c> {
    pub(super) fn new(connection: &'c Connection, now: Timestamp) -> Self {
        Self {
            connection,
            now,
            tally: Tally::default(),
            kinds: Vec::new(),
            is_news: false,
            whereabouts: Whereabouts::default(),
        }
    }

    /// What has moved so far, to be [restored](Self::restore) if something that follows is undone.
    pub(super) fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// Forgets what has moved since.
    pub(super) fn restore(&mut self, tally: Tally) {
        self.tally = tally;
    }

    /// The number of a kind, if there ever was a job of it.
    pub(super) fn known_kind(&mut self, name: &Arc<str>) -> Result<Option<Kind>> {
        if let Some((_, kind)) = self.kinds.iter().find(|(known, _)| known == name) {
            return Ok(Some(*kind));
        }
        let mut statement = self.connection.prepare_cached("SELECT kind FROM hostkit_kinds WHERE name = ?1")?;
        let found = statement.query_row([&**name], |row| row.get(0)).optional()?;
        self.kinds.extend(found.map(|kind| (Arc::clone(name), kind)));
        Ok(found)
    }

    /// The number of a kind, which gets one if it has none.
    pub(super) fn kind(&mut self, name: &Arc<str>) -> Result<Kind> {
        if let Some(kind) = self.known_kind(name)? {
            return Ok(kind);
        }
        self.connection.prepare_cached("INSERT INTO hostkit_kinds (name) VALUES (?1)")?.execute([&**name])?;
        crash_point!("enqueue.kind_written");
        let kind = self.connection.last_insert_rowid();
        self.kinds.push((Arc::clone(name), kind));
        Ok(kind)
    }

    /// So many more jobs of this kind are here.
    pub(super) fn count(&mut self, kind: Kind, place: Place, change: i64) {
        match self.tally.0.iter_mut().find(|(known, at, _)| *at == place && *known == kind) {
            Some((_, _, total)) => *total += change,
            None => self.tally.0.push((kind, place, change)),
        }
    }

    /// How many jobs of a kind wait.
    pub(super) fn waiting(&self, kind: Kind) -> Result<u64> {
        let sql = "SELECT coalesce(sum(jobs), 0) FROM hostkit_counts WHERE kind = ?1 AND place <= 2";
        let stored: i64 = self.connection.prepare_cached(sql)?.query_row([kind], |row| row.get(0))?;
        let changed = self.tally.0.iter().filter(|(known, place, _)| *place <= BEHIND && *known == kind);
        Ok(u64::try_from(stored + changed.map(|(_, _, change)| change).sum::<i64>()).unwrap_or(0))
    }

    /// Writes down what has moved. Nothing may move afterwards.
    pub(super) fn close(&mut self) -> Result<()> {
        let sql = "INSERT INTO hostkit_counts (kind, place, jobs) VALUES (?1, ?2, ?3)
            ON CONFLICT (kind, place) DO UPDATE SET jobs = jobs + excluded.jobs";
        let mut statement = self.connection.prepare_cached(sql)?;
        for (kind, place, change) in self.tally.0.drain(..).filter(|(_, _, change)| *change != 0) {
            statement.execute((kind, place, change))?;
            crash_point!("commit.job_counted");
        }
        Ok(())
    }

    /// A job goes from one place to another.
    pub(super) fn moved(&mut self, kind: Kind, from: Place, to: Place) {
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
    pub(super) fn change_all(&self, set: &str, parameters: &[i64], seqs: Vec<i64>) -> Result<()> {
        for rows in together(seqs) {
            // No constraint can be broken. Saying what should happen then spares SQLite a copy of every page, to undo half a
            // statement.
            let these = rows.condition(parameters.len() + 1);
            let sql = format!("UPDATE OR ROLLBACK hostkit_jobs NOT INDEXED SET {set} WHERE {these}");
            let values = rusqlite::params_from_iter(parameters.iter().chain(rows.parameters()));
            self.connection.prepare_cached(&sql)?.execute(values)?;
            crash_point!("batch.jobs_changed");
        }
        Ok(())
    }
}

/// Rows that one statement is about, so that it opens the table and its indexes once for all of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// All from the first to the last of these two, as what was enqueued together mostly is claimed together.
    Run([i64; 2]),
    /// These.
    List(Vec<i64>),
}

impl Rows {
    /// What a statement says of them, with parameters from this one on.
    pub(super) fn condition(&self, first: usize) -> String {
        match self {
            Self::Run(_) => format!("seq BETWEEN ?{first} AND ?{}", first + 1),
            Self::List(seqs) => {
                let places: Vec<_> = (first..first + seqs.len()).map(|number| format!("?{number}")).collect();
                format!("seq IN ({})", places.join(","))
            }
        }
    }

    pub(super) fn parameters(&self) -> &[i64] {
        match self {
            Self::Run(ends) => ends,
            Self::List(seqs) => seqs,
        }
    }
}

/// Puts rows together for statements, of which there should be few different ones.
pub(super) fn together(mut seqs: Vec<i64>) -> Vec<Rows> {
    /// Fewer are as well in a list.
    const RUN: usize = 8;
    seqs.sort_unstable();
    let (mut rows, mut single) = (Vec::new(), Vec::with_capacity(seqs.len()));
    for run in seqs.chunk_by(|one, next| one + 1 == *next) {
        match run {
            [first, .., last] if run.len() >= RUN => rows.push(Rows::Run([*first, *last])),
            _ => single.extend_from_slice(run),
        }
    }
    let mut single = &single[..];
    while let Some(count) = [64, 16, 4, 1].into_iter().find(|count| *count <= single.len()) {
        let (these, rest) = single.split_at(count);
        rows.push(Rows::List(these.to_vec()));
        single = rest;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_put_together_in_runs_and_in_lists_of_few_lengths() {
        assert_eq!(together(Vec::new()), []);
        assert_eq!(together(vec![7]), [Rows::List(vec![7])]);
        assert_eq!(together((1..=8).rev().collect()), [Rows::Run([1, 8])]);
        let scattered = together((0..30).chain(40..42).chain([50, 60, 70]).collect());
        assert_eq!(scattered, [Rows::Run([0, 29]), Rows::List(vec![40, 41, 50, 60]), Rows::List(vec![70])]);
        assert_eq!(together((0..200).step_by(2).collect()).len(), 64 / 64 + 2 + 1);
        assert_eq!(Rows::Run([3, 5]).condition(2), "seq BETWEEN ?2 AND ?3");
        assert_eq!(Rows::List(vec![3, 5]).condition(4), "seq IN (?4,?5)");
    }
}
