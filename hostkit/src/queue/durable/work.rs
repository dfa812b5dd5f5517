//! One attempt at a durable job: run it, and decide what becomes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::Instrument;

use super::handler::{Handler, Unreadable};
use super::jobs::{Fate, Jobs, Tokens};
use super::lane::LaneId;
use super::options::Options;
use super::verdict::{Carried, Said};
use crate::component::{Context, Limits, RunFailure, RunValues};
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

impl UnderWay<'_> {
    fn finish(mut self, verdict: Verdict) {
        self.is_over = true;
        self.crew.jobs.finish(self.crew.lane, self.claim, verdict);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.crew.tally.running.fetch_sub(1, Ordering::Relaxed);
        if !self.is_over {
            self.crew.jobs.finish(self.crew.lane, self.claim, Verdict::Released);
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
        let verdict = self.judged(run, &job, &tokens).instrument(span.clone()).await;
        span.in_scope(|| self.count(&job, &verdict));
        under_way.finish(verdict);
    }

    async fn judged(&self, run: u64, job: &ClaimedJob, tokens: &Tokens) -> Verdict {
        if job.envelope.version != 0 {
            let version = job.envelope.version;
            return undecodable(format!("the payload has version {version}, and this program knows 0"));
        }
        let limits =
            Limits { of: self.conduct.name, timeout: self.options.timeout, drop_on: Some(&tokens.cut) };
        let context = self.context(run, job, tokens);
        let result = match self.handler.call(&job.payload, context, limits) {
            Ok(call) => call.await,
            Err(Unreadable(error)) => return undecodable(error),
        };
        match result {
            Ok(()) => Verdict::Done,
            Err(failure) => self.judge(job, tokens, failure),
        }
    }

    fn context(&self, run: u64, job: &ClaimedJob, tokens: &Tokens) -> Context {
        let plan = self.handler.plan();
        let values = plan.wants::<JobContext>().then(|| {
            let context = JobContext::new(self.conduct.name, run).of_job(job, self.options.attempts);
            Arc::new((context,)) as Arc<dyn RunValues>
        });
        Context { token: plan.wants_token.then(|| tokens.told.clone()), values }
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
            // Interrupted is not failed.
            _ if gave_way => Verdict::Released,
            _ => self.failed(job, failure, None),
        }
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
        let next = if stops { "job failed for good, and the host stops" } else { "job failed for good; it is a dead letter" };
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
