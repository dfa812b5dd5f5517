//! The life of a periodic function: wait for the grid, run, look at the clock.
//!
//! # Invariants
//!
//! 1. A function has one task and one sleep; its runs happen in that task.
//! 2. No two runs of a function are under way at once, triggered ones included.
//! 3. After a run that outlasted its period one late run starts right away; then the grid goes on where it always was.
//! 4. A run that was begun, a triggered one included, may finish after `stop` and is dropped by `abandon`; none is begun
//!    after `stop`.
//! 5. A failure is logged once, with what happens next.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::Instrument;

use super::Tick;
use super::grid::{Grid, Taken};
use super::options::{OnFailure, Options};
use crate::component::{Context, Limits, RunFailure, RunValues};
use crate::runner::{Bind, Callee, Conduct, End, Runner, ServiceState, until_abandoned};
use crate::time::now;

/// One periodic function in one host.
pub(super) struct Ticker {
    options: Options,
    /// Held by the run under way (invariant 2).
    turn: Semaphore,
    runs: AtomicU64,
    bind: Bind,
}

impl Runner for Ticker {
    fn stop_timeout(&self) -> Option<Duration> {
        self.options.stop_timeout
    }

    fn summary(&self) -> String {
        self.options.to_string()
    }

    fn run(self: Arc<Self>, conduct: Conduct) -> BoxFuture<'static, End> {
        Box::pin(async move {
            conduct.status.set(ServiceState::Starting);
            let callee = match conduct.arm(self.bind).await {
                Ok(callee) => callee,
                Err(end) => return end,
            };
            let end = self.keep_time(&*callee, &conduct).await;
            conduct.status.set(match &end {
                End::Failed(failure) => ServiceState::Failed { error: failure.to_string() },
                _ => ServiceState::Stopped,
            });
            end
        })
    }

    fn trigger(self: Arc<Self>, conduct: Conduct) -> Option<BoxFuture<'static, Result<(), RunFailure>>> {
        Some(Box::pin(async move {
            conduct.container.ensure_all(&conduct.plan.singletons).await.map_err(RunFailure::Inject)?;
            let callee = (self.bind)(&conduct).map_err(RunFailure::Inject)?;
            // A stop loses nothing: the run has not begun.
            let turn = conduct.stop.run_until_cancelled(self.turn()).await.ok_or(RunFailure::Dropped)?;
            let result = self.once(&*callee, &conduct, Taken { scheduled: now(), missed: 0 }).await;
            drop(turn);
            result
        }))
    }
}

impl Ticker {
    pub(super) fn new(options: Options, bind: Bind) -> Self {
        Self { options, turn: Semaphore::new(1), runs: AtomicU64::new(0), bind }
    }

    async fn keep_time(&self, callee: &dyn Callee, conduct: &Conduct) -> End {
        let mut grid = Grid::new(now(), self.options.every, self.options.run_at_start);
        conduct.is_now(ServiceState::Ready);
        let mut sleep = std::pin::pin!(tokio::time::sleep_until(grid.due()));
        let mut late = false;
        loop {
            if late {
                // Runs that never wait for anything and are always late would starve the other tasks.
                tokio::task::yield_now().await;
            } else {
                // A stop loses nothing but the wait.
                sleep.as_mut().reset(grid.due());
                conduct.stop.run_until_cancelled(sleep.as_mut()).await;
            }
            // A stop loses nothing: the run has not begun.
            let Some(turn) = conduct.stop.run_until_cancelled(self.turn()).await else {
                // Whoever triggered the run under way sees how it ends, and is the one to drop it.
                let last = conduct.abandon.run_until_cancelled(self.turn()).await;
                return if last.is_some() { End::Done } else { End::Abandoned };
            };
            conduct.is_now(ServiceState::Running);
            let result = self.once(callee, conduct, grid.take(now(), late)).await;
            drop(turn);
            late = grid.is_late(now());
            if let Err(failure) = result
                && let Some(end) = self.failed(failure, conduct, if late { now() } else { grid.due() })
            {
                return end;
            }
            conduct.is_now(ServiceState::Ready);
        }
    }

    async fn turn(&self) -> SemaphorePermit<'_> {
        match self.turn.acquire().await {
            Ok(turn) => turn,
            // Nobody closes the semaphore.
            Err(_closed) => std::future::pending().await,
        }
    }

    /// One run in its own scope, with its own child token and its own span.
    async fn once(&self, callee: &dyn Callee, conduct: &Conduct, due: Taken) -> Result<(), RunFailure> {
        let run = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        let token = callee.plan().wants_token.then(|| conduct.stop.child_token());
        let values = callee.plan().wants::<Tick>().then(|| Arc::new(RunValues::default().with(Tick::new(due, run))));
        let limits = Limits { of: conduct.name, timeout: self.options.timeout, drop_on: Some(&conduct.abandon) };
        let span = tracing::info_span!(
            target: "hostkit::periodic", "periodic", service = conduct.name, run, missed = due.missed
        );
        let context = Context { token: token.clone(), values };
        let began = now();
        let call = callee.call(context, &|| {}, limits).instrument(span);
        let result = until_abandoned(&conduct.abandon, call).await;
        match &result {
            Ok(()) => {
                let took = began.elapsed();
                tracing::debug!(target: "hostkit::periodic", service = conduct.name, run, ?took, "run succeeded");
            }
            // What an unfinished run has spawned is told as well.
            Err(_) => token.iter().for_each(tokio_util::sync::CancellationToken::cancel),
        }
        result
    }

    /// Logs a failure; says so if it ends the function.
    fn failed(&self, failure: RunFailure, conduct: &Conduct, next: tokio::time::Instant) -> Option<End> {
        let service = conduct.name;
        let panicked = matches!(failure, RunFailure::Panicked(_));
        match self.options.on_failure {
            _ if matches!(failure, RunFailure::Dropped) => Some(End::Abandoned),
            _ if conduct.is_stopping() && !panicked => {
                tracing::warn!(target: "hostkit::periodic", service, error = %failure, "run failed while stopping");
                Some(End::Done)
            }
            OnFailure::StopHost => {
                tracing::error!(target: "hostkit::periodic", service, error = %failure, "run failed; the host stops");
                Some(End::Failed(failure))
            }
            OnFailure::Continue => {
                let wait = next.saturating_duration_since(now());
                // A panic is a bug, which somebody must look at; an error may be gone with the next run.
                if panicked {
                    tracing::error!(target: "hostkit::periodic", service, error = %failure, ?wait, "run failed; the next is on the grid");
                } else {
                    tracing::warn!(target: "hostkit::periodic", service, error = %failure, ?wait, "run failed; the next is on the grid");
                }
                None
            }
        }
    }
}
