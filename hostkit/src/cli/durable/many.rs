//! `dead redrive --all` and `dead purge --all`.

use super::change::Change;
use super::{LETTERS, counted, note_kind};
use crate::cli::stdout;
use crate::program::{Failure, say};
use crate::store::{Filter, Store};

/// One transaction takes no more than so many, so that nobody waits long for it.
const BATCH: u64 = 500;

/// What becomes of dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Letters {
    Redrive,
    Purge,
}

impl Letters {
    /// The same for one that is named.
    pub(super) fn one(self) -> Change {
        match self {
            Self::Redrive => Change::Redrive,
            Self::Purge => Change::Purge,
        }
    }
}

pub(super) async fn all(store: &dyn Store, letters: Letters, kind: Option<&str>) -> Result<(), Failure> {
    note_kind(store, kind).await?;
    // As many as there are now: what is redriven may come back as fast as this goes.
    let most = waiting_letters(store, kind).await?;
    let mut changed = 0;
    for state in LETTERS {
        let filter = Filter { kind: kind.map(Into::into), state: Some(state) };
        while changed < most {
            let limit = u32::try_from(BATCH.min(most - changed)).unwrap_or(u32::MAX);
            let batch = match letters {
                Letters::Redrive => store.redrive(filter.clone(), limit).await,
                Letters::Purge => store.purge(filter.clone(), limit).await,
            };
            let batch = batch.inspect_err(|_| say(&said(letters, changed)))?;
            changed += batch.changed;
            if !batch.has_more {
                break;
            }
        }
    }
    stdout::print(&(said(letters, changed) + "\n"))?;
    // Others may have been at it as well.
    let left = most.saturating_sub(changed).min(waiting_letters(store, kind).await?);
    if left > 0 && letters == Letters::Redrive {
        say(&format!("{} stayed: another job has the unique key by now", counted(left, "dead letter")));
    }
    Ok(())
}

fn said(letters: Letters, changed: u64) -> String {
    let what = match letters {
        Letters::Redrive => "redriven",
        Letters::Purge => "purged",
    };
    format!("{} {what}", counted(changed, "dead letter"))
}

async fn waiting_letters(store: &dyn Store, kind: Option<&str>) -> Result<u64, Failure> {
    let counts = store.counts().await?;
    let of_kind = counts.iter().filter(|counts| kind.is_none_or(|kind| *counts.kind == *kind));
    Ok(of_kind.map(|counts| LETTERS.map(|state| counts.of(state)).iter().sum::<u64>()).sum())
}
