//! The life of a background service: call it, and decide what its end means.
//!
//! # Invariants
//!
//! 1. Every call has its own scope, its own child token and its own span.
//! 2. What ends after `stop` fired ended because it was told to: it is never restarted, and an error is only a warning.
//!    A panic stays a failure.
//! 3. A service that takes the token is told by `stop` and dropped by `abandon`; any other is dropped by `stop`.
//! 4. A failure is logged once, with what happens next.
//! 5. When one of several instances has failed for good, the host hears of it at once and the others are told to stop;
//!    they are dropped at the service's deadline.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::budget::Budget;
use super::instances::{Instances, Phase};
use super::options::{OnComplete, OnFailure, Options};
use super::{BackgroundService, Instance, Ready};
use crate::component::{Context, Limits, RunFailure, RunValues};
use crate::runner::{Callee, Conduct, End, crashed, until_abandoned};
use crate::time::{now, show_duration, show_rounded};

/// How long the instances beside one that failed for good have to end where no host says so, unless `stop_timeout` does.
const GRACE: Duration = Duration::from_secs(10);

/// Runs every instance until all have ended.
///
/// Services are many and live long, so what they only need for a moment is in boxes that are gone afterwards.
pub(super) fn run(service: Arc<BackgroundService>, conduct: Conduct) -> impl Future<Output = End> {
    let preparing = Box::pin(prepare(service, conduct));
    async move {
        let service = match preparing.await {
            Ok(service) => service,
            Err(end) => return end,
        };
        match service.of.options.instances {
            1 => service.supervise(0).await.into(),
            count => Box::pin(Arc::new(service).supervise_all(count)).await.into(),
        }
    }
}

async fn prepare(of: Arc<BackgroundService>, conduct: Conduct) -> Result<Supervised, End> {
    let count = of.options.instances;
    let instances = Instances::new(count, &conduct.status, &conduct.stop);
    let callee = conduct.arm(of.bind).await?;
    let stop = if count == 1 { conduct.stop.clone() } else { conduct.stop.child_token() };
    Ok(Supervised { of, callee, stop, instances, conduct })
}

/// How an instance ended.
enum Finish {
    Completed,
    Stopped,
    /// It completed, and the host shall stop for it.
    StopHost,
    Failed(RunFailure),
    /// It failed, and the host has heard of it.
    Heard,
    /// It failed with this error, which shall not matter.
    Ignored(String),
    Abandoned,
}

impl From<Finish> for End {
    fn from(finish: Finish) -> Self {
        match finish {
            Finish::Completed | Finish::Stopped | Finish::Ignored(_) => Self::Done,
            Finish::StopHost => Self::StopHost,
            Finish::Failed(failure) => Self::Failed(failure),
            Finish::Heard => Self::Heard,
            Finish::Abandoned => Self::Abandoned,
        }
    }
}

impl Finish {
    /// What two instances' ends mean together.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Heard, _) | (_, Self::Heard) => Self::Heard,
            (failed @ Self::Failed(_), _) | (_, failed @ Self::Failed(_)) => failed,
            (Self::Abandoned, _) | (_, Self::Abandoned) => Self::Abandoned,
            (Self::Stopped, _) | (_, Self::Stopped) => Self::Stopped,
            (Self::StopHost, _) | (_, Self::StopHost) => Self::StopHost,
            (Self::Completed | Self::Ignored(_), _) => Self::Completed,
        }
    }
}

struct Supervised {
    of: Arc<BackgroundService>,
    callee: Box<dyn Callee>,
    /// With several instances a child of the host's, which also fires when another has failed for good.
    stop: CancellationToken,
    instances: Instances,
    conduct: Conduct,
}

impl Supervised {
    async fn supervise_all(self: Arc<Self>, count: usize) -> Finish {
        let spawn = |index| {
            let service = Arc::clone(&self);
            let instance = async move { service.supervise(index).await };
            AbortOnDropHandle::new(self.conduct.tasks.spawn(self.conduct.name, instance))
        };
        let mut running: FuturesUnordered<_> = (0..count).map(spawn).collect();
        let mut together: Option<Finish> = None;
        let mut until = None;
        loop {
            let joined = match until {
                None => running.next().await,
                // What this loses are the instances that outlasted their time; dropping their handles aborts them.
                Some(deadline) => tokio::time::timeout_at(deadline, running.next()).await.unwrap_or(None),
            };
            let Some(joined) = joined else { break };
            let mut finish = joined.unwrap_or_else(|error| Finish::Failed(crashed(error)));
            if let Finish::Failed(failure) = finish {
                self.stop.cancel();
                finish = match self.conduct.alarm.raise(failure) {
                    // The host stops, and sees to it that the others end by its deadline.
                    None => Finish::Heard,
                    Some(failure) => {
                        until.get_or_insert_with(|| now() + self.of.options.stop_timeout.unwrap_or(GRACE));
                        Finish::Failed(failure)
                    }
                };
            }
            together = Some(match together {
                Some(former) => former.and(finish),
                None => finish,
            });
        }
        self.instances.all_ended();
        together.unwrap_or(Finish::Completed)
    }

    /// Calls one instance, again and again if its options say so.
    async fn supervise(&self, index: usize) -> Finish {
        let mut budget = None;
        let mut attempt = 0_u64;
        loop {
            attempt += 1;
            let started = now();
            let result = self.call(index, attempt).await;
            let delay = match self.after(index, result, &mut budget, started) {
                Ok(delay) => delay,
                Err(finish) => return self.ended(index, finish),
            };
            self.instances.set(index, Phase::Restarting(now() + delay));
            // A stop loses nothing but the wait.
            if Box::pin(self.stop.run_until_cancelled(tokio::time::sleep(delay))).await.is_none() {
                return self.ended(index, Finish::Stopped);
            }
            self.instances.set(index, Phase::Starting);
        }
    }

    /// What comes after a call: the delay before the next, or the end.
    fn after(
        &self,
        index: usize,
        result: Result<(), RunFailure>,
        budget: &mut Option<Box<Budget>>,
        started: Instant,
    ) -> Result<Duration, Finish> {
        let stopping = self.stop.is_cancelled();
        match result {
            Err(RunFailure::Dropped) if self.of.told => Err(Finish::Abandoned),
            Ok(()) | Err(RunFailure::Dropped) if stopping => Err(Finish::Stopped),
            Ok(()) => match self.completed(index) {
                Some(finish) => Err(finish),
                None => Ok(self.of.options.backoff.delay(0)),
            },
            Err(failure) if stopping && !matches!(failure, RunFailure::Panicked(_)) => {
                tracing::warn!(
                    target: "hostkit::service", service = self.conduct.name, instance = index, error = %failure,
                    "failed while stopping"
                );
                Err(Finish::Stopped)
            }
            Err(failure) => self.failed(index, failure, budget, started),
        }
    }

    /// One call (invariant 1).
    async fn call(&self, index: usize, attempt: u64) -> Result<(), RunFailure> {
        let plan = self.callee.plan();
        let wants_ready = plan.wants::<Ready>();
        let values = (wants_ready || plan.wants::<Instance>()).then(|| {
            let instance = Instance::new(index, self.of.options.instances);
            Arc::new((Ready::of(&self.instances, index), instance)) as Arc<dyn RunValues>
        });
        let token = plan.wants_token.then(|| self.stop.child_token());
        let at_first_poll = || {
            if !wants_ready {
                self.instances.set(index, Phase::Running);
            }
            None
        };
        let drop_on = if self.of.told { &self.conduct.abandon } else { &self.stop };
        let span = tracing::info_span!(
            target: "hostkit::service", "background_service", service = self.conduct.name, instance = index, attempt
        );
        let limits = Limits { of: self.conduct.name, timeout: None, drop_on: Some(drop_on) };
        let call = self.callee.call(Context { token, values }, &at_first_poll, limits).instrument(span);
        // Without components there is nothing that could outlast the body.
        if self.callee.plan().steps.is_empty() {
            call.await
        } else {
            // In a box for the sake of those without.
            Box::pin(until_abandoned(&self.conduct.abandon, call)).await
        }
    }

    /// It returned while nobody had told it to; nothing if it shall be called again.
    fn completed(&self, index: usize) -> Option<Finish> {
        let name = self.conduct.name;
        let (next, finish) = match self.of.options.on_complete {
            OnComplete::Done => ("done", Some(Finish::Completed)),
            OnComplete::KeepRunning => ("done; the host keeps running", Some(Finish::Completed)),
            OnComplete::StopHost => ("done; the host stops", Some(Finish::StopHost)),
            OnComplete::Restart => ("done; it is started again", None),
        };
        tracing::info!(target: "hostkit::service", service = name, instance = index, "{next}");
        finish
    }

    /// It failed while nobody had told it to stop, or it panicked; how long to wait before it is called again.
    fn failed(
        &self,
        index: usize,
        failure: RunFailure,
        budget: &mut Option<Box<Budget>>,
        started: Instant,
    ) -> Result<Duration, Finish> {
        let name = self.conduct.name;
        let policy = match self.of.options.on_failure {
            OnFailure::Restart if self.stop.is_cancelled() => OnFailure::StopHost,
            policy => policy,
        };
        match policy {
            OnFailure::StopHost => {
                tracing::error!(
                    target: "hostkit::service", service = name, instance = index, error = %failure,
                    "failed; the host stops"
                );
                Err(Finish::Failed(failure))
            }
            OnFailure::Ignore => {
                tracing::warn!(
                    target: "hostkit::service", service = name, instance = index, error = %failure,
                    "failed; the host goes on without it"
                );
                Err(Finish::Ignored(failure.to_string()))
            }
            OnFailure::Restart => {
                let budget = budget.get_or_insert_with(|| Box::new(Budget::new(&self.of.options)));
                match budget.spend(started, now()) {
                    Some(delay) => {
                        let shown = show_rounded(delay);
                        tracing::warn!(
                            target: "hostkit::service", service = name, instance = index, error = %failure,
                            left = budget.left(), "failed; restarted in {shown}"
                        );
                        Ok(delay)
                    }
                    None => {
                        let Options { max_restarts, within, .. } = self.of.options;
                        tracing::error!(
                            target: "hostkit::service", service = name, instance = index, error = %failure,
                            "failed, and {max_restarts} restarts within {} are used up; the host stops", show_duration(within)
                        );
                        Err(Finish::Failed(failure))
                    }
                }
            }
        }
    }

    fn ended(&self, index: usize, finish: Finish) -> Finish {
        let phase = match &finish {
            Finish::Completed | Finish::StopHost => Phase::Completed,
            Finish::Stopped | Finish::Abandoned => Phase::Stopped,
            Finish::Failed(failure) => Phase::Failed(failure.to_string()),
            Finish::Heard => return finish,
            Finish::Ignored(error) => Phase::Failed(error.clone()),
        };
        self.instances.set(index, phase);
        finish
    }
}
