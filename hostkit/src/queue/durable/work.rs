//! One attempt at a durable job: run it, and decide what becomes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::Instrument;

use super::handler::{Handler, Unreadable};
use super::jobs::{Fate, Jobs, Tokens};
use super::lane::LaneId;
use super::options::Options;
use super::verdict::{Carried, Said};
use crate::component::{Context, Limits, Plan, RunFailure, RunValues};
use crate::queue::JobContext;
use crate::queue::options::OnFailure;
use crate::runner::Conduct;
use crate::store::{Claim, ClaimedJob, Verdict};
use crate::time::show_rounded;

/// How a durable queue fares in this host.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) running: AtomicU64,
    pub(super) done: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) retried: AtomicU64,
}

/// What the attempts of one function share.
pub(super) struct Crew {
    pub(super) conduct: Conduct,
    pub(super) options: Options,
    pub(super) jobs: Arc<Jobs>,
    pub(super) lane: LaneId,
    pub(super) handler: Box<dyn Handler>,
    pub(super) tally: Arc<Tally>,
    pub(super) runs: AtomicU64,
    pub(super) failure: std::sync::Mutex<Option<RunFailure>>,
    /// Fires when a failure stops the host.
    pub(super) given_up: tokio_util::sync::CancellationToken,
}

/// A job that is being worked on. If nobody says what became of it, it was interrupted.
struct UnderWay<'a> {
    crew: &'a Crew,
    claim: Claim,
    is_over: bool,
}

/// How long a job waits for a newer program.
const NEWER: std::time::Duration = std::time::Duration::from_mins(1);

/// The store has heard what became of a job.
struct Stored;

/// What is done together with an acknowledgement.
#[cfg(feature = "sqlite")]
type Together = crate::store::sqlite::Work;
#[cfg(not(feature = "sqlite"))]
type Together = std::convert::Infallible;

/// When a job runs again whose effects could not be stored.
#[cfg(feature = "sqlite")]
const AGAIN: std::time::Duration = std::time::Duration::from_secs(5);

/// The transaction of one attempt, if its function takes one.
struct Transaction {
    #[cfg(feature = "sqlite")]
    taken: Option<super::JobTransaction>,
}

#[cfg(feature = "sqlite")]
impl Transaction {
    fn wanted(plan: &Plan) -> Self {
        Self { taken: plan.wants::<super::JobTransaction>().then(super::JobTransaction::new) }
    }

    /// What the run is given.
    fn with(&self, job: Option<JobContext>) -> Option<Arc<dyn RunValues>> {
        match (job, self.taken.clone()) {
            (None, None) => None,
            (Some(job), None) => Some(Arc::new((job,))),
            (None, Some(transaction)) => Some(Arc::new((transaction,))),
            (Some(job), Some(transaction)) => Some(Arc::new((job, transaction))),
        }
    }

    fn into_work(self) -> Option<Together> {
        self.taken.and_then(super::JobTransaction::into_work)
    }
}

#[cfg(not(feature = "sqlite"))]
impl Transaction {
    fn wanted(_plan: &Plan) -> Self {
        Self {}
    }

    #[allow(clippy::unused_self, reason = "a store with transactions has some")]
    fn with(&self, job: Option<JobContext>) -> Option<Arc<dyn RunValues>> {
        job.map(|job| Arc::new((job,)) as Arc<dyn RunValues>)
    }

    #[allow(clippy::unused_self, reason = "a store with transactions has some")]
    fn into_work(self) -> Option<Together> {
        None
    }
}

impl UnderWay<'_> {
    fn ends(mut self) {
        self.is_over = true;
        self.crew.jobs.finished(self.crew.lane, self.claim);
    }

    fn finish(mut self, verdict: Verdict) {
        self.is_over = true;
        self.crew.jobs.finish(self.crew.lane, self.claim, verdict);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.crew.tally.running.fetch_sub(1, Ordering::Relaxed);
        if !self.is_over {
            self.crew.jobs.finish(self.crew.lane, self.claim, self.crew.interrupted());
        }
    }
}

impl Crew {
    /// One attempt at a job.
    pub(super) async fn attempt(&self, job: ClaimedJob, tokens: Tokens) {
        self.tally.running.fetch_add(1, Ordering::Relaxed);
        let under_way = UnderWay { crew: self, claim: job.claim, is_over: false };
        let (service, id, attempt) = (self.conduct.name, job.claim.id, job.attempt);
        let run = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        let span = tracing::info_span!(target: "hostkit::queue", "job", service, run, job = %id, attempt);
        let (verdict, together) = self.judged(run, &job, &tokens).instrument(span.clone()).await;
        let verdict = match together {
            None => verdict,
            Some(together) => match self.finish_with(&job, together).instrument(span.clone()).await {
                Ok(verdict) => verdict,
                // The store knows it, or finds out.
                Err(Stored) => {
                    self.tally.done.fetch_add(1, Ordering::Relaxed);
                    return under_way.ends();
                }
            },
        };
        span.in_scope(|| self.count(&job, &verdict));
        under_way.finish(verdict);
    }

    /// The verdict on an attempt, and what is to be done together with the acknowledgement.
    async fn judged(&self, run: u64, job: &ClaimedJob, tokens: &Tokens) -> (Verdict, Option<Together>) {
        if job.envelope.version > self.options.version {
            // A newer program runs somewhere, or will.
            let (service, id, version) = (self.conduct.name, job.claim.id, job.envelope.version);
            tracing::warn!(
                target: "hostkit::queue", service, job = %id, version, known = self.options.version,
                "the payload is of a newer version of this program; the job waits for one"
            );
            return (Verdict::Snoozed { after: NEWER }, None);
        }
        if let Some(reason) = self.handler.refuses(&job.payload, job.attempt) {
            return (Verdict::Cancelled { reason }, None);
        }
        let transaction = Transaction::wanted(self.handler.plan());
        let limits = Limits { of: self.conduct.name, timeout: self.options.timeout, drop_on: Some(&tokens.cut) };
        let context = self.context(run, job, tokens, &transaction);
        let result = match self.handler.call(&job.payload, context, limits) {
            Ok(call) => call.await,
            Err(Unreadable(error)) => return (undecodable(error), None),
        };
        match result {
            Ok(()) => (Verdict::Done, transaction.into_work()),
            Err(failure) => (self.judge(job, tokens, failure), None),
        }
    }

    fn context(&self, run: u64, job: &ClaimedJob, tokens: &Tokens, transaction: &Transaction) -> Context {
        let plan = self.handler.plan();
        let job = || JobContext::new(self.conduct.name, run).of_job(job, self.options.attempts);
        let values = transaction.with(plan.wants::<JobContext>().then(job));
        Context { token: plan.wants_token.then(|| tokens.told.clone()), values }
    }

    /// Acknowledges a job together with its work, or says what becomes of it instead.
    #[cfg(feature = "sqlite")]
    async fn finish_with(&self, job: &ClaimedJob, together: Together) -> Result<Verdict, Stored> {
        let Some(store) = self.jobs.opened().and_then(crate::store::Store::as_sqlite) else {
            return Ok(Verdict::Released);
        };
        let finish = crate::store::Finish { claim: job.claim, verdict: Verdict::Done };
        let error = match store.finish_with(finish, together).await {
            Ok(crate::store::Applied::Applied) => return Err(Stored),
            Ok(crate::store::Applied::Stale) => {
                super::dispatcher::stale(job.claim);
                return Err(Stored);
            }
            Err(error) => error,
        };
        if error.is_of_the_work() {
            let failure = std::error::Error::source(&error)
                .map_or_else(|| error.to_string(), |source| crate::error::WithCauses(source).to_string());
            return Ok(self.failed(job, RunFailure::Returned(failure.into()), None));
        }
        let (service, id) = (self.conduct.name, job.claim.id);
        let causes = crate::error::WithCauses(&error).to_string();
        if error.is_unknown() {
            tracing::warn!(target: "hostkit::queue", service, job = %id, error = causes, "nobody knows whether the job is done; if it is not it runs again");
            self.jobs.is_unsure();
            return Err(Stored);
        }
        // Certainly neither done, and not the job's fault.
        tracing::warn!(target: "hostkit::queue", service, job = %id, error = causes, "what the job does could not be stored; it runs again, and no attempt is spent");
        Ok(Verdict::Snoozed { after: AGAIN })
    }

    #[cfg(not(feature = "sqlite"))]
    #[allow(clippy::unused_async, reason = "stores with transactions are waited for")]
    async fn finish_with(&self, _job: &ClaimedJob, together: Together) -> Result<Verdict, Stored> {
        match together {}
    }

    /// What becomes of a job that did not simply succeed.
    fn judge(&self, job: &ClaimedJob, tokens: &Tokens, failure: RunFailure) -> Verdict {
        let failure = match failure {
            RunFailure::Returned(error) => match error.downcast::<Carried>() {
                Ok(carried) => return self.said(job, carried.0.0),
                Err(error) => RunFailure::Returned(error),
            },
            failure => failure,
        };
        let fate = self.jobs.fate(job.claim);
        let is_cut = matches!(failure, RunFailure::Dropped);
        let was_told = tokens.told.is_cancelled() && self.handler.plan().wants_token;
        let gave_way = is_cut || (was_told && matches!(failure, RunFailure::Returned(_)));
        match fate {
            Fate::Cancelled if gave_way => Verdict::Cancelled { reason: "somebody wanted it cancelled".to_owned() },
            _ if gave_way => self.interrupted(),
            _ => self.failed(job, failure, None),
        }
    }

    /// What becomes of a job that was begun and not ended. Interrupted is not failed, but some must not be begun again.
    fn interrupted(&self) -> Verdict {
        if self.options.is_at_most_once() {
            return Verdict::Dead { error: "it was interrupted, and runs at most once".to_owned() };
        }
        Verdict::Released
    }

    fn said(&self, job: &ClaimedJob, said: Said) -> Verdict {
        match said {
            Said::Done => Verdict::Done,
            Said::Discard(reason) => Verdict::Cancelled { reason },
            Said::Snooze(after) => Verdict::Snoozed { after },
            Said::RetryAfter(after, error) => self.failed(job, RunFailure::Returned(error), Some(after)),
        }
    }

    fn failed(&self, job: &ClaimedJob, failure: RunFailure, after: Option<std::time::Duration>) -> Verdict {
        let (service, id, attempt, attempts) = (self.conduct.name, job.claim.id, job.attempt, self.options.attempts);
        let error = failure.to_string();
        let is_panic = matches!(failure, RunFailure::Panicked(_));
        if attempt < attempts {
            let after = after.unwrap_or_else(|| self.options.backoff.delay(attempt.saturating_sub(1)));
            self.conduct.probe.retried(self.conduct.name, after);
            let wait = show_rounded(after);
            // A panic is a bug, which somebody must look at.
            if is_panic {
                tracing::error!(target: "hostkit::queue", service, job = %id, attempt, attempts, error, %wait, "job failed; it is tried again");
            } else {
                tracing::warn!(target: "hostkit::queue", service, job = %id, attempt, attempts, error, %wait, "job failed; it is tried again");
            }
            return Verdict::Retry { after, error };
        }
        let stops = self.options.on_failure == OnFailure::StopHost && !self.conduct.is_stopping();
        let next =
            if stops { "job failed for good, and the host stops" } else { "job failed for good; it is a dead letter" };
        tracing::error!(target: "hostkit::queue", service, job = %id, attempt, attempts, error, "{next}");
        if stops {
            self.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(failure);
            self.given_up.cancel();
        }
        Verdict::Dead { error }
    }

    /// Counts an attempt, and says how it ended if that is worth a line.
    fn count(&self, job: &ClaimedJob, verdict: &Verdict) {
        let (service, id) = (self.conduct.name, job.claim.id);
        let counter = match verdict {
            Verdict::Done => &self.tally.done,
            Verdict::Retry { .. } => &self.tally.retried,
            Verdict::Dead { .. } => &self.tally.failed,
            Verdict::Undecodable { error } => {
                tracing::error!(target: "hostkit::queue", service, job = %id, error, "the payload cannot be read; the job is a dead letter, as it is");
                &self.tally.failed
            }
            Verdict::Snoozed { after } => {
                tracing::debug!(target: "hostkit::queue", service, job = %id, wait = %show_rounded(*after), "job asks for another time");
                return;
            }
            Verdict::Cancelled { reason } => {
                tracing::info!(target: "hostkit::queue", service, job = %id, reason, "job cancelled");
                return;
            }
            Verdict::Released => {
                tracing::info!(target: "hostkit::queue", service, job = %id, "job interrupted; it waits again, and no attempt is spent");
                return;
            }
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

fn undecodable(error: String) -> Verdict {
    Verdict::Undecodable { error }
}

/// One run with a payload that never was in a store: nothing is recorded of it.
#[cfg(any(feature = "cli", feature = "testing"))]
pub(super) async fn once(
    handler: &dyn Handler,
    conduct: &Conduct,
    options: &Options,
    payload: &[u8],
) -> Result<(), RunFailure> {
    let plan = handler.plan();
    #[cfg(feature = "sqlite")]
    if plan.wants::<super::JobTransaction>() {
        let message = "it takes a `JobTransaction`, and there is no job whose acknowledgement could be committed with its work; enqueue one";
        return Err(RunFailure::Returned(message.into()));
    }
    let values =
        plan.wants::<JobContext>().then(|| Arc::new((JobContext::new(conduct.name, 1),)) as Arc<dyn RunValues>);
    let context = Context { token: plan.wants_token.then(|| conduct.stop.child_token()), values };
    let limits = Limits { of: conduct.name, timeout: options.timeout, drop_on: Some(&conduct.abandon) };
    let call = match handler.call(payload, context, limits) {
        Ok(call) => call,
        Err(Unreadable(error)) => return Err(RunFailure::Returned(error.into())),
    };
    match call.await {
        // A verdict that puts the job off or away is an answer.
        Err(RunFailure::Returned(error)) => match error.downcast::<Carried>() {
            Ok(carried) => {
                tracing::info!(target: "hostkit::queue", service = conduct.name, verdict = %carried, "said of the job");
                match carried.0.0 {
                    Said::RetryAfter(_, error) => Err(RunFailure::Returned(error)),
                    Said::Done | Said::Discard(_) | Said::Snooze(_) => Ok(()),
                }
            }
            Err(error) => Err(RunFailure::Returned(error)),
        },
        result => result,
    }
}
