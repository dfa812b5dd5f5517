//! Effects that happen exactly once: work that is committed together with the acknowledgement of its job.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::component::{kind, run_value};
use crate::error::BoxError;
use crate::store::sqlite::Work;

/// The transaction in which a durable job is acknowledged, for a function that takes it as a parameter (feature `sqlite`).
///
/// The job and what it changes are in one SQLite file. A function must not hold a write transaction while it awaits: the one
/// thread that writes to the file would wait for it, and it for that thread. So it collects what is to be done, and
/// the store does that together with the acknowledgement: both are committed, or neither. If the process dies before, nothing has
/// happened and the job runs again; if another has the job by then, nothing happens.
///
/// What the function collects is dropped when it fails, and when its [`Verdict`](crate::Verdict) is another than done.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use hostkit::JobTransaction;
///
/// #[hostkit::queued(durable)]
/// async fn book(amount: i64, tx: JobTransaction) {
///     tx.on_commit(move |connection| {
///         connection.execute("UPDATE accounts SET balance = balance + ?1", [amount]).map(drop)
///     });
/// }
/// # }
/// ```
///
/// The work blocks the store's writing thread, so it should be short. It must not begin, commit or roll back. When it fails or
/// panics the attempt has failed. It may [enqueue](crate::store::sqlite::enqueue_in) further jobs, which
/// [`Queue::job`](crate::Queue::job) makes. Other stores than SQLite keep jobs apart from the program's data: there a host with
/// such a function cannot be built.
#[derive(Clone)]
pub struct JobTransaction(Arc<Mutex<Vec<Work>>>);

run_value!(JobTransaction, kind::Durable);

impl JobTransaction {
    /// Nothing is to be done yet. Public for tests that call a function by hand.
    #[allow(clippy::new_without_default, reason = "one comes with a job")]
    pub fn new() -> Self {
        Self(Arc::default())
    }

    /// Adds work to the transaction. It runs after the function has returned and its scope has ended, in the order in which it
    /// was added, on a connection to the file that has the job.
    pub fn on_commit<E: Into<BoxError>>(&self, work: impl FnOnce(&Connection) -> Result<(), E> + Send + 'static) {
        let work: Work = Box::new(move |connection| work(connection).map_err(Into::into));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(work);
    }

    /// All that was added, as one piece of work; none if nothing was. For tests that called a function by hand, too.
    pub fn into_work(self) -> Option<Work> {
        let works = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if works.is_empty() {
            return None;
        }
        Some(Box::new(move |connection| works.into_iter().try_for_each(|work| work(connection))))
    }
}

impl fmt::Debug for JobTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let works = self.0.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("JobTransaction").field("works", &works).finish()
    }
}
