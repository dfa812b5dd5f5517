//! What people change of jobs that they name.

use super::{LETTERS, counted};
use crate::cli::stdout;
use crate::program::Failure;
use crate::store::{Changed, JobId, State, Store};

/// What becomes of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Change {
    Retry,
    Cancel { reason: String },
    Discard { reason: String },
    Redrive,
    Purge,
}

/// What the store said of one job, as the end of a sentence that begins with its id.
type Said = Result<&'static str, String>;

pub(super) async fn change(store: &dyn Store, change: Change, ids: &[JobId]) -> Result<(), Failure> {
    let (mut changed, mut refusals) = (0, Vec::new());
    let mut seen = std::collections::HashSet::new();
    for id in ids.iter().filter(|id| seen.insert(**id)) {
        match change.of(store, *id).await {
            Ok(Ok(said)) => {
                changed += 1;
                // Of letters only the number is of interest.
                if !change.is_of_letters() {
                    stdout::print(&format!("{id} {said}\n"))?;
                }
            }
            Ok(Err(refusal)) => refusals.push(refusal),
            // What was said of the others must not get lost.
            Err(failure) => {
                refusals.push(format!("job {id}: {}", failure.report));
                return Err(Failure { code: failure.code, ..left(&refusals) });
            }
        }
    }
    if change.is_of_letters() {
        let what = if change == Change::Redrive { "redriven" } else { "purged" };
        stdout::print(&format!("{} {what}\n", counted(changed, "dead letter")))?;
    }
    if refusals.is_empty() { Ok(()) } else { Err(left(&refusals)) }
}

/// The report of what was not done.
fn left(refusals: &[String]) -> Failure {
    match refusals {
        [refusal] => Failure::other(refusal.clone()),
        several => Failure::other(format!(
            "{} were left as they are:\n  {}",
            counted(several.len() as u64, "job"),
            several.join("\n  ")
        )),
    }
}

impl Change {
    fn is_of_letters(&self) -> bool {
        matches!(self, Self::Redrive | Self::Purge)
    }

    async fn of(&self, store: &dyn Store, id: JobId) -> Result<Said, Failure> {
        if let Some(refusal) = self.refusal(store, id).await? {
            return Ok(Err(refusal));
        }
        let changed = match self {
            Self::Retry | Self::Redrive => store.retry(id).await?,
            Self::Cancel { reason } | Self::Discard { reason } => store.cancel(id, reason).await?,
            Self::Purge => store.delete(id).await?,
        };
        Ok(match changed {
            Changed::Changed => Ok(match self {
                Self::Retry => "retried",
                Self::Cancel { .. } => "cancelled",
                Self::Discard { .. } => "discarded",
                Self::Redrive => "redriven",
                Self::Purge => "purged",
            }),
            // It may have been given to an owner since it was looked at.
            Changed::Requested => Ok("runs and was asked to stop"),
            Changed::Refused(state) => Err(self.refused(id, state)),
            Changed::Duplicate(other) => Err(format!("job {id} needs a unique key that job {other} has")),
            Changed::NotFound => Err(format!("there is no job {id}")),
        })
    }

    /// Why a job is not even tried: what the store allows in a state is more than the word says.
    async fn refusal(&self, store: &dyn Store, id: JobId) -> Result<Option<String>, Failure> {
        let is_fit: fn(State) -> bool = match self {
            Self::Retry | Self::Cancel { .. } => return Ok(None),
            Self::Discard { .. } => |state| state != State::Running,
            Self::Redrive | Self::Purge => |state| LETTERS.contains(&state),
        };
        Ok(match store.show(id).await? {
            None => Some(format!("there is no job {id}")),
            Some(job) if is_fit(job.state) => None,
            Some(job) => Some(self.refused(id, job.state)),
        })
    }

    fn refused(&self, id: JobId, state: State) -> String {
        let why = match (self, state) {
            (Self::Retry, _) => "and can be retried when it is over",
            (Self::Discard { .. }, State::Running) => "and is not disturbed; `jobs cancel` asks it to stop",
            (Self::Cancel { .. } | Self::Discard { .. }, _) => "and nothing is left to be cancelled",
            (Self::Redrive, State::Done | State::Cancelled) => "and no dead letter; `jobs retry` runs it again",
            (Self::Redrive | Self::Purge, _) => "and no dead letter",
        };
        format!("job {id} is {state}, {why}")
    }
}
