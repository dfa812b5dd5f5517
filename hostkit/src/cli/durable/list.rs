//! `jobs list` and `dead list`.
//!
//! As JSON: `{ "jobs": [ … ], "has_more": false }`, where each job is as [`job`](super::job) has it.

use serde::Serialize;

use super::job::{Job, json};
use super::moment::{cut, moment, now, one_line};
use super::{LETTERS, Payload, Wanted, note_kind};
use crate::cli::list::Form;
use crate::cli::stdout;
use crate::cli::table::aligned;
use crate::program::{Failure, say};
use crate::store::{Filter, JobView, PageRequest, State, Store, Timestamp};

/// Jobs come from the store in pages of so many, and leave their payloads there.
const PAGE: u32 = 200;

/// A reason is cut after so many characters.
const REASON: usize = 60;

#[derive(Debug, Serialize)]
struct Listing<'a> {
    jobs: Vec<Job<'a>>,
    has_more: bool,
}

pub(super) async fn list(
    store: &dyn Store,
    wanted: Wanted,
    kind: Option<&str>,
    limit: u32,
    form: Form,
) -> Result<(), Failure> {
    note_kind(store, kind).await?;
    let (jobs, has_more) = match wanted {
        Wanted::All => found(store, kind, None, limit).await?,
        Wanted::In(state) => found(store, kind, Some(state), limit).await?,
        Wanted::Letters => letters(store, kind, limit).await?,
    };
    match form {
        Form::Json => {
            let jobs = jobs.iter().map(|job| Job::of(job, Payload::Hidden)).collect();
            stdout::print(&json(&Listing { jobs, has_more }))
        }
        Form::Table if jobs.is_empty() => {
            say(match wanted {
                Wanted::Letters => "no dead letters",
                _ => "no jobs",
            });
            Ok(())
        }
        Form::Table => {
            stdout::print(&table(&jobs, now()))?;
            if has_more {
                say(&format!("there are more than these {limit}; --limit shows more, and `jobs counts` how many"));
            }
            Ok(())
        }
    }
}

/// The latest jobs, and whether there are more of them.
async fn found(
    store: &dyn Store,
    kind: Option<&str>,
    state: Option<State>,
    limit: u32,
) -> Result<(Vec<JobView>, bool), Failure> {
    let filter = Filter { kind: kind.map(Into::into), state };
    let (mut jobs, mut after) = (Vec::new(), None);
    loop {
        // One more than is shown tells whether there are more.
        let left = (limit as usize).saturating_add(1) - jobs.len();
        let request = PageRequest { limit: u32::try_from(left).unwrap_or(PAGE).min(PAGE), after };
        let page = store.list(filter.clone(), request).await?;
        jobs.extend(page.jobs);
        after = page.next;
        if jobs.len() > limit as usize {
            jobs.truncate(limit as usize);
            return Ok((jobs, true));
        }
        if after.is_none() {
            return Ok((jobs, false));
        }
    }
}

/// The latest dead letters, in whichever of their states.
async fn letters(store: &dyn Store, kind: Option<&str>, limit: u32) -> Result<(Vec<JobView>, bool), Failure> {
    let (mut jobs, mut has_more) = (Vec::new(), false);
    for state in LETTERS {
        let (some, are_more) = found(store, kind, Some(state), limit).await?;
        jobs.extend(some);
        has_more |= are_more;
    }
    jobs.sort_by_key(|job| std::cmp::Reverse((job.enqueued_at, job.id)));
    has_more |= jobs.len() > limit as usize;
    jobs.truncate(limit as usize);
    Ok((jobs, has_more))
}

fn table(jobs: &[JobView], now: Timestamp) -> String {
    let head = ["ID", "KIND", "STATE", "FAILURES", "WHEN", "REASON"].map(ToOwned::to_owned);
    let rows = jobs.iter().map(|job| {
        let reason = job.reason.as_deref().map(one_line).unwrap_or_default();
        [
            job.id.to_string(),
            one_line(&job.kind),
            job.state.to_string(),
            job.failures.to_string(),
            when(job, now),
            cut(&reason, REASON),
        ]
    });
    aligned(std::iter::once(head).chain(rows))
}

/// The instant that matters in the state of a job.
fn when(job: &JobView, now: Timestamp) -> String {
    match (job.state, job.claimed_at, job.ended_at) {
        (State::Running, Some(at), _) if job.is_cancel_requested => format!("to stop, runs since {}", moment(at, now)),
        (State::Running, Some(at), _) => format!("since {}", moment(at, now)),
        (state, _, Some(at)) if state.is_outcome() => format!("ended {}", moment(at, now)),
        _ => format!("due {}", moment(job.due, now)),
    }
}
