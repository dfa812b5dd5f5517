//! What happens together with changes of the user's: in the user's transaction, or in the one of an acknowledgement.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;

use super::super::crash::crash_point;
use super::super::error::ErrorKind;
use super::super::{Answer, Applied, Enqueued, Finish, NewJob, StoreClock, StoreError};
use super::SqliteStore;
use super::batch::Batch;
use super::error::not_done;
use crate::error::BoxError;

/// Enqueues a job in a transaction of the user's: it is there if the transaction is committed, and not otherwise.
///
/// The connection must be one to the file of the store, which has been opened as a store before. How safe the commit is follows from that
/// connection's `synchronous`. Programs that run jobs of this file hear of it within some milliseconds. Blocks its thread.
///
/// # Errors
/// Fails when no transaction is open, when the file has no store in it, and as writing to the file does. After an error the
/// transaction should be rolled back.
///
/// # Examples
/// ```no_run
/// use hostkit::store::{NewJob, sqlite::{enqueue_in, rusqlite::Connection}};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut connection = Connection::open("app.db")?;
/// let tx = connection.transaction()?;
/// tx.execute("INSERT INTO orders (id) VALUES (?1)", [17])?;
/// enqueue_in(&tx, &NewJob::new("confirm", *b"17"))?;
/// tx.commit()?;
/// # Ok(()) }
/// ```
pub fn enqueue_in(transaction: &Connection, job: &NewJob) -> Result<Enqueued, StoreError> {
    let name = "enqueue in a transaction";
    if transaction.is_autocommit() {
        return Err(StoreError::new(name, ErrorKind::Work).because("no transaction is open on this connection"));
    }
    let mut batch = Batch::new(transaction, StoreClock::machine().now());
    let answer = batch.enqueue(job).and_then(|answer| batch.close().map(|()| answer));
    answer.map_err(|error| not_done(name, error))
}

/// How a job is enqueued in a transaction with another library than rusqlite: three statements, for a job without keys.
///
/// The parameters are `?1` the job's id, sixteen bytes of a UUID of version 7; `?2` its kind; `?3` its payload, at most 1024 bytes;
/// `?4` the instant at which it is due and `?5` the present one, both in microseconds since 1970.
pub const ENQUEUE_SQL: [&str; 3] = [
    "INSERT INTO hostkit_kinds (name) VALUES (?2) ON CONFLICT DO NOTHING",
    "INSERT INTO hostkit_jobs (
        id, kind, place, priority, due, epoch, failures, crashes, at_most_once, cancel_requested, enqueued_at, version, payload
    ) SELECT ?1, kind, 0, 0, ?4, 0, 0, 0, 0, 0, ?5, 0, ?3 FROM hostkit_kinds WHERE name = ?2",
    "INSERT INTO hostkit_counts (kind, place, jobs) SELECT kind, 0, 1 FROM hostkit_kinds WHERE name = ?2
     ON CONFLICT (kind, place) DO UPDATE SET jobs = jobs + 1",
];

/// Work of the user's that is committed together with an acknowledgement.
pub type Work = Box<dyn FnOnce(&Connection) -> Result<(), BoxError> + Send>;

/// Why a piece of work was undone.
enum Undone {
    /// It failed.
    Work(BoxError),
    /// The claim was not the latest.
    Stale,
}

impl SqliteStore {
    /// Finishes a job and does work of the user's in one transaction: both are done, or neither.
    ///
    /// The work runs on the store's one writing thread, on a connection to the same file; everybody else waits for it, so it
    /// should be short. It must not begin, commit or roll back. If the claim is stale nothing of it is kept, and if it fails or
    /// panics the job is not finished.
    ///
    /// # Errors
    /// Fails when the work does, with its error as the source, and as [`Store::finish`](super::super::Store::finish) does.
    pub fn finish_with(&self, finish: Finish, work: Work) -> Answer<'_, Applied> {
        let name = "finish a job together with its work";
        let mut work = Some(work);
        let answer = self.write(name, 1, move |batch| {
            let Some(work) = work.take() else {
                // The transaction in which it ran came to nothing, and it cannot run twice.
                return Ok(Err("what it was written together with failed".into()));
            };
            batch.finish_with(&finish, work)
        });
        Box::pin(async move {
            answer.await?.map_err(|error: BoxError| StoreError::new(name, ErrorKind::Work).because(error))
        })
    }
}

impl Batch<'_> {
    /// The work stands in a savepoint of its own, so that it can be undone without harm to others.
    fn finish_with(&mut self, finish: &Finish, work: Work) -> rusqlite::Result<Result<Applied, BoxError>> {
        let tally = self.tally();
        self.connection.execute_batch("SAVEPOINT hostkit_work")?;
        let done = self.work_and_finish(finish, work)?;
        if self.connection.is_autocommit() {
            // It has ended the transaction of everybody else as well. What was in it is not known.
            return Err(rusqlite::Error::InvalidQuery);
        }
        let answer = match done {
            Ok(()) => Ok(Applied::Applied),
            Err(undone) => {
                self.connection.execute_batch("ROLLBACK TO hostkit_work")?;
                self.restore(tally);
                match undone {
                    Undone::Work(error) => Err(error),
                    Undone::Stale => Ok(Applied::Stale),
                }
            }
        };
        self.connection.execute_batch("RELEASE hostkit_work")?;
        Ok(answer)
    }

    fn work_and_finish(&mut self, finish: &Finish, work: Work) -> rusqlite::Result<Result<(), Undone>> {
        // First, so that the work of a zombie is not even tried.
        if self.finish(finish)? == Applied::Stale {
            return Ok(Err(Undone::Stale));
        }
        let connection = self.connection;
        let worked = catch_unwind(AssertUnwindSafe(|| work(connection)));
        crash_point!("work.done");
        Ok(match worked {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Undone::Work(error)),
            Err(_panic) => Err(Undone::Work("the work panicked".into())),
        })
    }
}
