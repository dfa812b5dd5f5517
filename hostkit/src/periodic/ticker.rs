//! The life of a periodic function: wait for the grid, run, look at the clock.
//!
//! # Invariants
//!
//! 1. A function has one task and one sleep. Where runs may not overlap they happen in that task; where they may, each has
//!    a task of its own, so that one that blocks its thread is in nobody's way.
//! 2. Unless `overlap` is `"allow"`, no two runs of a function are under way at once, triggered ones included.
//! 3. What becomes of an instant that passed without a run is decided in one place, [`Grid::take`]; then the grid goes on
//!    where it always was.
//! 4. A run that was begun, a triggered one included, may finish after `stop` and is dropped by `abandon`; none is begun
//!    after `stop`. The function has ended when its last run has.
//! 5. A failure is logged once, with what happens next.

mod beside;
mod newest;
mod rest;
mod under_way;

use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use self::rest::Rest;
use self::under_way::{Ran, UnderWay};
use super::Tick;
use super::grid::{Grid, Taken, Way};
use super::options::{OnFailure, Options, Overlap, Schedule};
use crate::component::{Context, Limits, RunFailure, RunValues};
use crate::runner::{Bind, Callee, Conduct, End, Runner, ServiceState, Upcoming, crashed, until_abandoned};
use crate::time::{Clock, Reading};

/// One periodic function in one host.
pub(super) struct Ticker {
    options: Options,
    /// Held by the run under way (invariant 2).
    turn: Semaphore,
    runs: AtomicU64,
    bind: Bind,
}

/// What the function ends with when its last run has failed.
type Ending = Option<End>;

impl Runner for Ticker {
    fn stop_timeout(&self) -> Option<Duration> {
        self.options.stop_timeout
    }

    fn summary(&self) -> String {
        self.options.to_string()
    }

    fn schedule(&self) -> Option<String> {
        Some(self.options.schedule.in_words())
    }

    fn upcoming(&self) -> Vec<Upcoming> {
        self.options.upcoming(&Clock::default().read())
    }

    fn run(self: Arc<Self>, conduct: Conduct) -> BoxFuture<'static, End> {
        Box::pin(async move {
            conduct.status.set(ServiceState::Starting);
            let callee = match conduct.arm(self.bind).await {
                Ok(callee) => callee,
                Err(end) => return end,
            };
            let end = match self.options.overlap {
                Overlap::Forbid => self.one_by_one(Called::new(callee), &conduct).await,
                // Boxed, so that the many schedules that never overlap need no room for it.
                Overlap::Allow => {
                    let function = Arc::new(Called::new(callee));
                    Box::pin(self.beside_each_other(function, &conduct)).await
                }
                Overlap::CancelPrevious => {
                    let function = Arc::new(Called::new(callee));
                    Box::pin(self.newest_only(function, &conduct)).await
                }
            };
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
            let called = Called::new((self.bind)(&conduct).map_err(RunFailure::Inject)?);
            // A stop loses nothing: the run has not begun.
            let turn = conduct.stop.run_until_cancelled(self.turn_unless_beside()).await.ok_or(RunFailure::Dropped)?;
            let taken = Taken::at(&conduct.clock.read());
            let call = self.once(&called, &conduct, called.told(&conduct), &conduct.abandon, taken);
            let result = until_abandoned(&conduct.abandon, call).await;
            drop(turn);
            if let Err(failure) = &result
                && !matches!(failure, RunFailure::Dropped)
            {
                let service = conduct.name;
                tracing::error!(target: "hostkit::periodic", service, error = %failure, "triggered run failed");
            }
            result
        }))
    }
}

/// A function that is called again and again. What its plan says of a run is looked up once.
struct Called<C> {
    callee: C,
    takes_token: bool,
    takes_tick: bool,
}

impl<C: Deref<Target = dyn Callee>> Called<C> {
    fn new(callee: C) -> Self {
        let plan = callee.plan();
        let (takes_token, takes_tick) = (plan.wants_token, plan.wants::<Tick>());
        Self { callee, takes_token, takes_tick }
    }

    /// The token of the next run.
    fn told(&self, conduct: &Conduct) -> Told {
        Told(self.takes_token.then(|| conduct.stop.child_token()))
    }
}

/// The token of one run, if it takes any.
struct Told(Option<CancellationToken>);

impl Told {
    fn tell(&self) {
        self.0.iter().for_each(CancellationToken::cancel);
    }
}

/// A run in a task of its own.
struct Flight {
    told: Option<CancellationToken>,
    /// Drops its future.
    drop: CancellationToken,
    /// Whether it was told to end, or dropped, for the next one.
    is_cancelled: bool,
    running: JoinHandle<Result<(), RunFailure>>,
}

impl Ticker {
    pub(super) fn new(options: Options, bind: Bind) -> Self {
        Self { options, turn: Semaphore::new(1), runs: AtomicU64::new(0), bind }
    }

    fn grid(&self, ready: &Reading) -> Grid<'_> {
        Grid::new(&self.options.schedule, self.options.jitter, u64::from(!self.options.run_at_start), ready)
    }

    /// Whether there is a run at the start although the schedule has no instant there.
    fn begins_with_a_run(&self) -> bool {
        match self.options.schedule {
            Schedule::Every(_) => false,
            Schedule::Cron(_) => self.options.run_at_start,
        }
    }

    fn one_by_one<'r>(
        &'r self,
        called: Called<Box<dyn Callee>>,
        conduct: &'r Conduct,
    ) -> impl Future<Output = End> + Send + 'r {
        async move {
            let mut rest = pin!(Rest::new(&self.options.schedule, conduct));
            let mut grid = self.grid(&rest.at());
            let mut at_start = self.begins_with_a_run();
            conduct.is_now(ServiceState::Ready);
            let mut way = Way::Free;
            loop {
                if way == Way::Blocked {
                    // Runs that never wait for anything and are always late would starve the other tasks.
                    tokio::task::yield_now().await;
                    rest.as_mut().look(conduct);
                } else if !at_start {
                    rest.as_mut().until_due(&mut grid, conduct).await;
                }
                // A stop loses nothing: the run has not begun. What somebody triggered is rarely in the way.
                let turn = match self.turn.try_acquire() {
                    _ if conduct.is_stopping() => None,
                    Ok(turn) => Some(turn),
                    Err(_taken) => {
                        let turn = Box::pin(conduct.stop.run_until_cancelled(self.turn())).await;
                        rest.as_mut().look(conduct);
                        turn
                    }
                };
                let Some(turn) = turn else {
                    // Whoever triggered the run under way sees how it ends, and is the one to drop it.
                    let last = Box::pin(conduct.abandon.run_until_cancelled(self.turn())).await;
                    return if last.is_some() { End::Done } else { End::Abandoned };
                };
                let taken = if std::mem::take(&mut at_start) {
                    Some(Taken::at(&rest.at()))
                } else {
                    grid.take(&rest.at(), way, self.options.missed)
                };
                let Some(taken) = taken else {
                    passed_over(conduct);
                    way = Way::Free;
                    continue;
                };
                let call = self.once(&called, conduct, called.told(conduct), &conduct.abandon, taken);
                let Ran { result, was_shown } = UnderWay::new(call, conduct).await;
                drop(turn);
                way = grid.way(&rest.as_mut().look(conduct));
                if let Err(failure) = result
                    && let Some(end) = self.failed(failure, conduct, &grid)
                {
                    return end;
                }
                if was_shown {
                    conduct.is_now(ServiceState::Ready);
                }
            }
        }
    }

    async fn turn(&self) -> SemaphorePermit<'_> {
        match self.turn.acquire().await {
            Ok(turn) => turn,
            // Nobody closes the semaphore.
            Err(_closed) => std::future::pending().await,
        }
    }

    /// The turn, unless runs go beside each other.
    async fn turn_unless_beside(&self) -> Option<SemaphorePermit<'_>> {
        match self.options.overlap {
            Overlap::Allow => None,
            Overlap::Forbid | Overlap::CancelPrevious => Some(self.turn().await),
        }
    }

    /// Begins a run in a task of its own.
    fn launch(self: &Arc<Self>, called: &Arc<Called<Box<dyn Callee>>>, conduct: &Conduct, taken: Taken) -> Flight {
        let told = called.told(conduct);
        let by = told.0.clone();
        let drop = conduct.abandon.child_token();
        let running = {
            let (ticker, called, conduct, drop) = (Arc::clone(self), Arc::clone(called), conduct.clone(), drop.clone());
            async move {
                // What is lost is the turn of a run that has not begun.
                let turn = drop.run_until_cancelled(ticker.turn_unless_beside()).await.ok_or(RunFailure::Dropped)?;
                let call = ticker.once(&called, &conduct, told, &drop, taken);
                let result = until_abandoned(&conduct.abandon, call).await;
                std::mem::drop(turn);
                result
            }
        };
        Flight { told: by, drop, is_cancelled: false, running: conduct.tasks.spawn(conduct.name, running) }
    }

    /// One run in its own scope, with its own child token and its own span. What its constructors and disposers take
    /// beyond the deadline of a stop is the caller's to end.
    fn once<'r, C: Deref<Target = dyn Callee>>(
        &'r self,
        called: &'r Called<C>,
        conduct: &'r Conduct,
        told: Told,
        drop_on: &'r CancellationToken,
        taken: Taken,
    ) -> impl Future<Output = Result<(), RunFailure>> + Send + 'r {
        let run = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        conduct.probe.missed(conduct.name, taken.missed);
        let values = called.takes_tick.then(|| Arc::new((Tick::new(taken, run),)) as Arc<dyn RunValues>);
        let limits = Limits { of: conduct.name, timeout: self.options.timeout, drop_on: Some(drop_on) };
        let span = tracing::info_span!(
            target: "hostkit::periodic", "periodic", service = conduct.name, run, missed = taken.missed
        );
        let context = Context { token: told.0.clone(), values };
        let (service, began) = (conduct.name, taken.began);
        let call = called.callee.call(context, &|| None, limits).instrument(span);
        call.inspect(move |result| match result {
            Ok(()) => {
                let took = began.elapsed();
                tracing::debug!(target: "hostkit::periodic", service, run, ?took, "run succeeded");
            }
            // What an unfinished run has spawned is told as well.
            Err(_) => told.tell(),
        })
    }

    /// Logs a failure; says so if it ends the function.
    fn failed(&self, failure: RunFailure, conduct: &Conduct, grid: &Grid<'_>) -> Ending {
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
                let wait = grid.wait(&conduct.clock.read());
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

/// Says that instants passed and nobody ran for them.
fn passed_over(conduct: &Conduct) {
    if !conduct.is_stopping() {
        tracing::debug!(target: "hostkit::periodic", service = conduct.name, "missed; the next run is on the grid");
    }
}

/// How a run in a task of its own ended.
fn landed(joined: Result<Result<(), RunFailure>, tokio::task::JoinError>) -> Result<(), RunFailure> {
    joined.unwrap_or_else(|error| Err(crashed(error)))
}
