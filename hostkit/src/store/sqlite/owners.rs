//! Who lives and who is dead.

use rusqlite::{OptionalExtension as _, Result};

use super::super::crash::crash_point;
use super::super::{Beat, Claim, OwnerId, Swept, Timestamp, Worker};
use super::batch::Batch;
use super::finish::Fate;
use super::lock::{Buried, Locks};

impl Batch<'_> {
    pub(super) fn register(&self, worker: &Worker, lock: &str) -> Result<OwnerId> {
        let sql = "INSERT INTO hostkit_owners (name, lease, until, lock) VALUES (?1, ?2, ?3, ?4)";
        let lease = i64::try_from(worker.lease.as_micros()).unwrap_or(i64::MAX);
        let until = self.now.after(worker.lease).as_micros();
        self.connection.prepare_cached(sql)?.execute((&worker.name, lease, until, lock))?;
        crash_point!("register.row_written");
        Ok(OwnerId(self.connection.last_insert_rowid()))
    }

    pub(super) fn beat(&self, owner: OwnerId) -> Result<Beat> {
        let sql = "UPDATE hostkit_owners SET until = iif(lease > ?3 - ?2, ?3, ?2 + lease) WHERE owner = ?1";
        let parameters = (owner.0, self.now.as_micros(), i64::MAX);
        if self.connection.prepare_cached(sql)?.execute(parameters)? == 0 {
            return Ok(Beat::Lost);
        }
        crash_point!("beat.lease_extended");
        let held = self.held_by(owner.0)?;
        let wanted = held.iter().filter(|job| job.is_cancel_requested()).map(|job| job.claim);
        let mut cancelled: Vec<_> = wanted.collect();
        cancelled.sort_unstable();
        Ok(Beat::Alive { cancelled })
    }

    pub(super) fn reconcile(&mut self, owner: OwnerId, known: &[Claim]) -> Result<u64> {
        let mut given = 0;
        for job in self.held_by(owner.0)? {
            if !known.contains(&job.claim) {
                self.give_back(&job)?;
                crash_point!("reconcile.job_given_back");
                given += 1;
            }
        }
        Ok(given)
    }

    pub(super) fn leave(&mut self, owner: OwnerId) -> Result<()> {
        self.reconcile(owner, &[])?;
        self.bury(owner.0)
    }

    fn bury(&self, owner: i64) -> Result<()> {
        self.connection.prepare_cached("DELETE FROM hostkit_owners WHERE owner = ?1")?.execute([owner])?;
        Ok(())
    }

    /// Declares the dead dead. Their locks are held until what is returned is dropped.
    pub(super) fn sweep(&mut self, locks: &Locks) -> Result<(Swept, Vec<Buried>)> {
        let mut statement = self.connection.prepare_cached("SELECT owner, until, lock FROM hostkit_owners")?;
        let owners = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let owners: Vec<(i64, i64, String)> = owners.collect::<Result<_>>()?;
        let (mut swept, mut buried) = (Swept::default(), Vec::<(String, Buried)>::new());
        for (owner, until, lock) in &owners {
            let is_known_dead = buried.iter().any(|(name, _)| name == lock);
            if !is_known_dead {
                match locks.bury(lock) {
                    Some(dead) => buried.push((lock.clone(), dead)),
                    None if Timestamp::from_micros(*until) > self.now => continue,
                    None => {}
                }
            }
            swept.owners += 1;
            for job in self.held_by(*owner)? {
                match self.inherit(job)? {
                    Fate::Interrupted => swept.interrupted += 1,
                    Fate::Quarantined => swept.quarantined += 1,
                    Fate::Cancelled => swept.cancelled += 1,
                }
                crash_point!("sweep.job_inherited");
            }
            self.bury(*owner)?;
            crash_point!("sweep.owner_removed");
        }
        locks.tidy(|name| owners.iter().any(|(_, _, lock)| lock == name));
        Ok((swept, buried.into_iter().map(|(_, dead)| dead).collect()))
    }

    pub(super) fn last_occurrence(&self, schedule: &str) -> Result<Option<Timestamp>> {
        let sql = "SELECT instant FROM hostkit_occurrences WHERE schedule = ?1 ORDER BY instant DESC LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row([schedule], |row| row.get(0)).optional()?.map(Timestamp::from_micros))
    }
}
