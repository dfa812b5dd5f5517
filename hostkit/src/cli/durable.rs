//! `jobs`, `dead` and `store`: what people do with durable jobs from outside of the programs that run them.
//!
//! # Invariants
//! 1. Nothing of the program is built or started, and the store gets no owner: only the configuration is needed, and any
//!    number of processes may run jobs meanwhile.
//! 2. None of these makes a store, but for `store migrate`.
//! 3. A payload is shown by `jobs show --payload` and by nothing else.

mod change;
mod counts;
mod job;
mod list;
mod many;
mod moment;
mod show;
mod upkeep;
pub(super) mod words;

use std::path::PathBuf;
use std::sync::Arc;

pub(super) use self::change::Change;
pub(super) use self::many::Letters;
use super::list::Form;
use crate::config::suggest;
use crate::error::WithCauses;
use crate::host::HostBuilder;
use crate::program::{Failure, say};
use crate::store::{self, JobId, OpenError, State, Store, StoreError};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// `jobs list` and `dead list`.
    List { wanted: Wanted, kind: Option<String>, limit: u32, form: Form },
    /// `jobs show`
    Show { id: JobId, payload: Payload, form: Form },
    /// `jobs counts`
    Counts(Form),
    /// `jobs retry`, `jobs cancel`, `jobs discard`, and `dead` with ids.
    Change { change: Change, ids: Vec<JobId> },
    /// `dead` with `--all`.
    All { letters: Letters, kind: Option<String> },
    /// `store check`
    Check(Form),
    /// `store migrate`
    Migrate,
    /// `store backup`
    Backup(PathBuf),
}

/// Which jobs a list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// In any state.
    All,
    /// In this one.
    In(State),
    /// Dead or quarantined.
    Letters,
}

/// Whether a payload is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payload {
    Hidden,
    Shown,
}

/// The states of dead letters.
const LETTERS: [State; 2] = [State::Dead, State::Quarantined];

impl Request {
    pub(super) async fn perform(self, builder: &HostBuilder) -> Result<(), Failure> {
        let url = builder.store_options()?.url;
        if self == Self::Migrate {
            return upkeep::migrate(url).await;
        }
        let store = match (store::open_existing(&url).await, &self) {
            (Err(error), Self::Check(form)) if error.is_corrupt() => return upkeep::unreadable(&error, *form),
            (opened, _) => opened?,
        };
        let done = self.perform_on(&store).await;
        // What fails here fails nobody: it is a way of saying goodbye.
        let _ = store.close().await;
        done
    }

    async fn perform_on(self, store: &Arc<dyn Store>) -> Result<(), Failure> {
        match self {
            Self::List { wanted, kind, limit, form } => {
                list::list(&**store, wanted, kind.as_deref(), limit, form).await
            }
            Self::Show { id, payload, form } => show::show(&**store, id, payload, form).await,
            Self::Counts(form) => counts::counts(&**store, form).await,
            Self::Change { change, ids } => change::change(&**store, change, &ids).await,
            Self::All { letters, kind } => many::all(&**store, letters, kind.as_deref()).await,
            Self::Check(form) => upkeep::check(&**store, form).await,
            Self::Backup(file) => upkeep::backup(&**store, &file).await,
            Self::Migrate => Ok(()),
        }
    }
}

/// Says that no job is of a kind, if that is so: the queue may be empty, or the name misspelt.
async fn note_kind(store: &dyn Store, kind: Option<&str>) -> Result<(), Failure> {
    let Some(kind) = kind else { return Ok(()) };
    let counts = store.counts().await?;
    let mut known = counts.iter().map(|counts| &*counts.kind);
    if !known.clone().any(|known| known == kind) {
        let kind = moment::one_line(kind);
        match suggest(&kind, &mut known) {
            Some(meant) => say(&format!("no job is of kind `{kind}`; did you mean `{meant}`?")),
            None => say(&format!("no job is of kind `{kind}`")),
        }
    }
    Ok(())
}

/// "1 job", "2 jobs".
fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let code = if error.is_configuration() { 78 } else { 75 };
        Self { report: WithCauses(&error).to_string(), code }
    }
}

/// The store did not do its part, which is another matter than a job that is not there or refuses.
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { report: WithCauses(&error).to_string(), code: 75 }
    }
}
