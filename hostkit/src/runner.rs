//! What the host knows of anything it runs: how to set it up, run it and see how it fares.

mod call;
mod kind;
#[cfg(feature = "testing")]
mod probe;
#[cfg(not(feature = "testing"))]
#[path = "runner/no_probe.rs"]
mod probe;
#[cfg(test)]
pub(crate) mod rig;

#[cfg(feature = "testing")]
pub(crate) use call::AtFirstPoll;
pub(crate) use call::{Bind, Callee, bind};
pub(crate) use probe::Probe;
#[cfg(feature = "testing")]
pub(crate) use probe::{Attended, Begun, Observer};

pub use kind::{Kind, Stage};

use std::any::Any;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use pin_project_lite::pin_project;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use crate::component::{Caught, Container, InjectError, Plan, RunFailure, Supplied};
use crate::config::Settings;
use crate::error::{Problem, WithCauses};
use crate::queue::QueueCounts;
use crate::registry::ServiceEntry;
use crate::tasks::{Tasks, share_woken};
use crate::time::Clock;

/// Reads a function's settings and makes its runner; called while the host is built, so it starts nothing.
pub(crate) type SetUp = fn(Setup<'_>) -> Arc<dyn Runner>;

/// What a runner is made from.
pub(crate) struct Setup<'a> {
    pub(crate) entry: &'static ServiceEntry,
    /// What it is called in this host.
    pub(crate) name: &'static str,
    /// The attribute's options under the configuration's.
    pub(crate) settings: Settings,
    /// What the runner adds to the graph, such as the handle of its queue.
    pub(crate) supplied: &'a mut Vec<Supplied>,
    /// The same, also where the host knows the function and does not run it.
    #[cfg(feature = "durable")]
    pub(crate) offered: &'a mut Vec<Supplied>,
    /// What durable queues share.
    #[cfg(feature = "durable")]
    pub(crate) jobs: &'a Arc<crate::queue::Jobs>,
    /// Every fault in the settings.
    pub(crate) problems: &'a mut Vec<Problem>,
    /// Who looks on.
    #[cfg_attr(not(feature = "testing"), allow(dead_code, reason = "nobody looks on"))]
    pub(crate) probe: &'a Probe,
}

/// One annotated function in one host.
pub(crate) trait Runner: Send + Sync + 'static {
    /// Whether one call lives as long as the host, so that it may hold nothing scoped.
    fn is_host_long(&self) -> bool {
        false
    }

    /// When it stops.
    fn stops(&self) -> StopsWith {
        StopsWith::Workers
    }

    /// Whether the host may end by itself while this is idle: true of background services that are done.
    fn keeps_host_alive(&self) -> bool {
        true
    }

    /// A limit of its own for stopping.
    fn stop_timeout(&self) -> Option<std::time::Duration> {
        None
    }

    /// A limit for becoming ready.
    fn start_timeout(&self) -> Option<std::time::Duration> {
        None
    }

    /// Its schedule, capacity or policy in a few words, for `list`.
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "the command line shows it"))]
    fn summary(&self) -> String;

    /// When it runs, in words, as far as it has a schedule, for `list`.
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "the command line shows it"))]
    fn schedule(&self) -> Option<String> {
        None
    }

    /// When it runs next, as far as it has a schedule, for `list`.
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "the command line shows it"))]
    fn upcoming(&self) -> Vec<Upcoming> {
        Vec::new()
    }

    /// What it says if something was left undone when it ended, for the report of the stop.
    fn leftovers(&self) -> Option<String> {
        None
    }

    /// What others reach it by: of a queue its [`Queue`](crate::Queue).
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "the command line shows it"))]
    fn handle(&self) -> Option<Box<dyn Any + Send>> {
        None
    }

    /// Of a queue, how it fares.
    fn counts(&self) -> Option<QueueCounts> {
        None
    }

    /// Arms the plan, becomes ready, and runs until it is done or told to stop.
    fn run(self: Arc<Self>, conduct: Conduct) -> BoxFuture<'static, End>;

    /// Takes the place of [`run`](Self::run) when the host stops before its turn.
    fn never_ran(&self) {}

    /// Hands what it could not do to whoever takes that, once it has ended; where nothing is left or taken, none.
    fn hand_over(&self) -> Option<BoxFuture<'static, Result<(), RunFailure>>> {
        None
    }

    /// Whether it works on payloads from a store.
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "the command line asks"))]
    fn is_stored(&self) -> bool {
        false
    }

    /// Stores a payload that is given as JSON; where payloads are not stored, none.
    #[cfg(all(feature = "cli", feature = "durable"))]
    fn enqueue_json(
        &self,
        json: String,
        options: crate::Enqueue,
    ) -> Option<BoxFuture<'static, Result<crate::store::JobId, String>>> {
        let _ = (json, options);
        None
    }

    /// Runs it once, now, with a payload that is given as JSON and never was in a store; where there is no such thing, none.
    #[cfg(feature = "cli")]
    fn trigger_with(
        self: Arc<Self>,
        conduct: Conduct,
        json: String,
    ) -> Option<BoxFuture<'static, Result<(), RunFailure>>> {
        let _ = (conduct, json);
        None
    }

    /// Runs it once, now, and says how that ended; where there is no such thing, none.
    fn trigger(self: Arc<Self>, conduct: Conduct) -> Option<BoxFuture<'static, Result<(), RunFailure>>> {
        let _ = conduct;
        None
    }

    /// Works on one item of a queue that never was in it; where there is no such thing, or no such payload, none.
    #[cfg(feature = "testing")]
    fn run_item(
        self: Arc<Self>,
        conduct: Conduct,
        payload: Box<dyn Any + Send>,
    ) -> Option<BoxFuture<'static, Result<(), RunFailure>>> {
        let _ = (conduct, payload);
        None
    }
}

/// One of the next times at which a function is due.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "the command line shows it"))]
pub(crate) struct Upcoming {
    /// For people.
    pub(crate) text: String,
    /// By RFC 3339, with the offset of its zone; none of what counts from the start of the host.
    pub(crate) time: Option<String>,
}

/// The two waves of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StopsWith {
    /// Background services and periodic runs.
    Workers,
    /// Queues, which may still receive what the workers enqueue while they end.
    Queues,
}

/// What the host hands to a runner when it starts it.
#[derive(Clone)]
pub(crate) struct Conduct {
    pub(crate) name: &'static str,
    pub(crate) container: Arc<Container>,
    pub(crate) plan: Arc<Plan>,
    /// Fires when the function should end.
    pub(crate) stop: CancellationToken,
    /// Fires at its deadline, when its futures are dropped. Always after `stop`.
    pub(crate) abandon: CancellationToken,
    pub(crate) status: Arc<StatusCell>,
    /// The way to the host for a failure that it must hear of before the runner has ended.
    pub(crate) alarm: Alarm,
    /// The one door for spawning.
    pub(crate) tasks: Tasks,
    /// What the host goes by.
    pub(crate) clock: Clock,
    /// Who looks on.
    pub(crate) probe: Probe,
}

/// What the host hears of a service: how it ended, or that it failed for good while the rest of it still ends.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) index: usize,
    pub(crate) end: End,
}

/// The way to the host for a failure that it must hear of while the rest of the service still ends.
#[derive(Clone, Default)]
pub(crate) struct Alarm(Option<(mpsc::UnboundedSender<Ended>, usize)>);

impl Alarm {
    /// One of the service at this place.
    pub(crate) fn of(index: usize, host: mpsc::UnboundedSender<Ended>) -> Self {
        Self(Some((host, index)))
    }

    /// Tells the host, which stops for it. Gives the failure back if nobody listens.
    pub(crate) fn raise(&self, failure: RunFailure) -> Option<RunFailure> {
        match &self.0 {
            Some((host, index)) => {
                // The host is gone only after it has stopped.
                drop(host.send(Ended { index: *index, end: End::Failed(failure) }));
                None
            }
            None => Some(failure),
        }
    }
}

/// Awaits a call, and gives it up when its service is abandoned.
///
/// A body ends by its own limits. What this adds are its constructors and disposers, which may take longer than a stop:
/// what is left of the scope goes to the reaper.
pub(crate) fn until_abandoned<C: Future<Output = Result<(), RunFailure>>>(
    abandon: &CancellationToken,
    call: C,
) -> UntilAbandoned<'_, C> {
    UntilAbandoned { call, abandoned: abandon.cancelled() }
}

pin_project! {
    /// See [`until_abandoned`]. A type of its own, because an async function would hold the call twice.
    pub(crate) struct UntilAbandoned<'a, C> {
        #[pin]
        call: C,
        #[pin]
        abandoned: WaitForCancellationFuture<'a>,
    }
}

impl<C: Future<Output = Result<(), RunFailure>>> Future for UntilAbandoned<'_, C> {
    type Output = Result<(), RunFailure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // The call goes first, so that a body that is dropped is dropped by it, and a scope that ends at once has ended.
        if let Poll::Ready(result) = this.call.poll(cx) {
            return Poll::Ready(result);
        }
        this.abandoned.poll(cx).map(|()| Err(RunFailure::Dropped))
    }
}

impl Conduct {
    /// Builds the singletons that the function reads and binds its parameters.
    ///
    /// # Errors
    /// How the runner ended, if that failed or took until the deadline.
    pub(crate) async fn arm<T>(&self, bind: impl FnOnce(&Self) -> Result<T, InjectError>) -> Result<T, End> {
        // What the other arm loses is the constructors under way.
        let built = tokio::select! {
            biased;
            built = self.container.ensure_all(&self.plan.singletons) => built,
            () = self.abandon.cancelled() => {
                self.status.set(ServiceState::Stopped);
                return Err(End::Abandoned);
            }
        };
        built.and_then(|()| bind(self)).map_err(|error| {
            tracing::error!(target: "hostkit::service", service = self.name, error = %WithCauses(&error), "could not start");
            self.status.set(ServiceState::Failed { error: WithCauses(&error).to_string() });
            End::Failed(RunFailure::Inject(error))
        })
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Moves on to another state, unless the host has been told to stop meanwhile.
    pub(crate) fn is_now(&self, state: ServiceState) {
        if !self.is_stopping() {
            self.status.set(state);
        }
    }
}

/// The failure of a task of ours that ended before its time.
pub(crate) fn crashed(error: tokio::task::JoinError) -> RunFailure {
    match error.try_into_panic() {
        Ok(payload) => {
            let message = payload.downcast_ref::<&str>().map(ToString::to_string);
            let message = message.or_else(|| payload.downcast_ref::<String>().cloned());
            RunFailure::Panicked(Caught { message: message.unwrap_or_default(), location: None })
        }
        // The runtime is shutting down.
        Err(_cancelled) => RunFailure::Dropped,
    }
}

/// How a runner ended.
#[derive(Debug)]
pub(crate) enum End {
    /// It did all it had to do, or ended because it was told to.
    Done,
    /// It did all it had to do, and the host shall stop for it.
    StopHost,
    /// It failed for good, and the host shall stop for it.
    Failed(RunFailure),
    /// It failed for good, and the host has heard of it.
    Heard,
    /// Its futures were dropped at the deadline.
    Abandoned,
}

/// Where a service stands. Changes are events and visible in [`RunningHost::status`](crate::RunningHost::status).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceState {
    /// Its predecessors are not ready yet.
    Waiting,
    /// Its components are being built, or it has not said that it is ready.
    Starting,
    /// It may be relied on.
    Ready,
    /// It is doing its work.
    Running,
    /// It failed and is tried again at this instant.
    Restarting {
        /// When the next try starts.
        at: tokio::time::Instant,
    },
    /// It was told to stop.
    Stopping,
    /// It stopped because it was told to.
    Stopped,
    /// It did all it had to do.
    Completed,
    /// It failed for good.
    Failed {
        /// The last error.
        error: String,
    },
}

impl fmt::Display for ServiceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl ServiceState {
    fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Restarting { .. } => "restarting",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Completed => "completed",
            Self::Failed { .. } => "failed",
        }
    }

    /// Whether nothing comes after it.
    pub(crate) fn is_end(&self) -> bool {
        matches!(self, Self::Stopped | Self::Completed | Self::Failed { .. })
    }

    /// Whether whoever waits for it may start.
    pub(crate) fn has_been_ready(&self) -> bool {
        matches!(self, Self::Ready | Self::Running | Self::Completed)
    }
}

/// One who waits for a change of state, until it is dropped.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::AcqRel);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A service's state, watched by the host.
///
/// There is one for every service and few watch it, so it is small, and a change costs little while nobody waits.
pub(crate) struct StatusCell {
    name: &'static str,
    probe: Probe,
    status: Mutex<Status>,
    /// A watcher may miss a state that lasts for a moment only.
    changed: Notify,
    /// How many wait for a change. They are woken by code that may block its thread next.
    waiting: AtomicUsize,
    /// Whether its task has ended, or it will never have one.
    is_over: AtomicBool,
}

impl fmt::Debug for StatusCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusCell").field("name", &self.name).field("status", &self.status).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Status {
    state: ServiceState,
    since: tokio::time::Instant,
    been_ready: bool,
}

impl StatusCell {
    pub(crate) fn new(name: &'static str, probe: Probe) -> Arc<Self> {
        let status = Status { state: ServiceState::Waiting, since: crate::time::now(), been_ready: false };
        Arc::new(Self {
            name,
            probe,
            status: Mutex::new(status),
            changed: Notify::new(),
            waiting: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves on to another state and says so.
    pub(crate) fn set(&self, state: ServiceState) {
        self.set_from(state, |_| true);
    }

    /// The same, unless it has ended.
    pub(crate) fn go_on(&self, state: ServiceState) {
        self.set_from(state, |former| !former.is_end());
    }

    /// The host has told it to stop. One whose turn has not come ends at once, and one that has ended keeps its state.
    pub(crate) fn stopping(&self) {
        let is_under_way = |former: &ServiceState| {
            !matches!(former, ServiceState::Waiting | ServiceState::Stopping) && !former.is_end()
        };
        self.set_from(ServiceState::Stopping, is_under_way);
    }

    fn set_from(&self, state: ServiceState, may: impl FnOnce(&ServiceState) -> bool) {
        let since = crate::time::now();
        let mut status = self.status();
        if !may(&status.state) {
            return;
        }
        self.probe.state(self.name, &state);
        let word = state.word();
        status.since = since;
        status.been_ready |= state.has_been_ready();
        let former = std::mem::replace(&mut status.state, state);
        drop(status);
        // A subscriber of the user's may ask for the state.
        tracing::debug!(target: "hostkit::service", service = self.name, state = %word, "state changed");
        drop(former);
        self.tell_waiting();
    }

    /// Wakes whoever waits. One who begins to wait after the look at their number has seen the change: both the change
    /// and his own look are made under the lock.
    fn tell_waiting(&self) {
        if self.waiting.load(Ordering::Acquire) > 0 {
            self.changed.notify_waiters();
            share_woken();
        }
    }

    pub(crate) fn state(&self) -> ServiceState {
        self.status().state.clone()
    }

    pub(crate) fn since(&self) -> tokio::time::Instant {
        self.status().since
    }

    /// Its task has ended, or it will never have one.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Waits until the turn of the service has come.
    pub(crate) async fn begun(&self) {
        self.wait(|status| status.state != ServiceState::Waiting).await;
    }

    /// Waits until the service is ready, or was, or has ended in a way that others need not mind.
    pub(crate) async fn been_ready(&self) {
        self.wait(|status| status.been_ready).await;
    }

    async fn wait(&self, until: impl Fn(&Status) -> bool) {
        let _waits = Waits::begin(&self.waiting);
        loop {
            // Listens before it looks, so that no change falls between.
            let mut next = pin!(self.changed.notified());
            next.as_mut().enable();
            if until(&self.status()) {
                return;
            }
            next.await;
        }
    }

    /// It ended, and not by a failure that stops the host: whoever waits for it goes on.
    pub(crate) fn ended_well(&self) {
        if !std::mem::replace(&mut self.status().been_ready, true) {
            self.tell_waiting();
        }
    }
}
