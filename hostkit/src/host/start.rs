//! Starting: singletons for the hooks, the `on_start` hooks, the other singletons, then the services along `after`.
//!
//! # Invariants
//!
//! 1. A service's task waits for its predecessors; nothing else orders the start.
//! 2. Whatever cuts the start short, a failure, a request to stop or the future being dropped, what has started is told
//!    to stop.
//! 3. A hook that was begun may finish, within the time that the stop has; no other is begun after a stop was asked for.
//!    What it returns then no longer decides about the start; that it hung or panicked is in the report.
//! 4. Constructors and hooks run in tasks of their own, so that none that blocks its thread keeps the host from stopping.
//!    One that does is waited for within the time that the stop has, and then named.
//! 5. A service that fails for good ends the start at once, also while the `on_started` hooks run.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::{BoxFuture, try_join, try_join_all};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::build::ServicePlan;
use super::error::{Fate, Report, ServiceFailure, StartCause, Stuck};
use super::running::{Hook, Over, Running, RunningHost, Service};
use super::stop::{Kept, Stopping};
use super::{Host, StartError, supervisor};
use crate::component::{InjectError, RunFailure, catch_panic, install_panic_hook};
use crate::error::WithCauses;
use crate::runner::{Alarm, Conduct, End, Ended, ServiceState, Stage, StatusCell};
use crate::tasks::joined;
use crate::time::now;

impl Host {
    /// Starts everything and returns when every service is ready.
    ///
    /// Signals are left alone; [`run`](Self::run) is what handles them.
    ///
    /// # Errors
    /// Fails with the root cause when a constructor, a hook or a service fails or does not become ready in time. What
    /// had started has then been stopped, in reverse.
    ///
    /// # Cancel safety
    /// Cancelling stops what has started in the background, and does not wait for it.
    pub async fn start(self) -> Result<RunningHost, StartError> {
        start(Running::of(self)).await
    }
}

/// Stops everything when the start is abandoned (invariant 2).
struct Guard(Option<Arc<Running>>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(running) = self.0.take() {
            running.lifetime.request_stop();
            if tokio::runtime::Handle::try_current().is_ok() {
                let tasks = running.tasks.clone();
                tasks.spawn_side("abandoned start", async move {
                    // The services' ends were for the one who started them to hear.
                    let (_ended, mut events) = mpsc::unbounded_channel();
                    Stopping::after_failure(&running).run(&mut events, &mut Report::default()).await;
                });
            } else {
                running.services.iter().for_each(|service| service.stop.cancel());
            }
        }
    }
}

/// Why a start did not come to its end.
pub(super) struct Interrupted {
    /// What failed; nothing if somebody asked for a stop, which is no failure.
    pub(super) cause: Option<StartCause>,
    /// What else went wrong on the way out.
    pub(super) report: Box<Report>,
}

impl From<StartCause> for Interrupted {
    fn from(cause: StartCause) -> Self {
        Self { cause: Some(cause), report: Box::default() }
    }
}

impl Interrupted {
    fn stopped(report: Report) -> Self {
        Self { cause: None, report: Box::new(report) }
    }

    fn stuck(stuck: Stuck) -> Self {
        Self::stopped(Report { stuck: vec![stuck], ..Report::default() })
    }
}

pub(super) async fn start(running: Arc<Running>) -> Result<RunningHost, StartError> {
    install_panic_hook();
    let began = now();
    let mut guard = Guard(Some(Arc::clone(&running)));
    tracing::info!(
        target: "hostkit::host",
        environment = running.lifetime.environment(),
        services = running.services.len(),
        "starting",
    );
    let (ended, mut events) = mpsc::unbounded_channel();
    let mut report = Report::default();
    let result = bring_up(&running, &ended, &mut events).await;
    drop(ended);
    guard.0 = None;
    match result {
        Ok(()) => {
            running.lifetime.started_now();
            let took = crate::time::show_rounded(now() - began);
            tracing::info!(target: "hostkit::host", %took, "started: every service is ready");
        }
        Err(Interrupted { cause: None, report: partial }) => {
            report = *partial;
            tracing::info!(target: "hostkit::host", "asked to stop while starting");
        }
        Err(Interrupted { cause: Some(cause), report: mut partial }) => {
            running.lifetime.request_stop();
            let (outcome, reported) = oneshot::channel();
            let rolled_back = Arc::clone(&running);
            // A task of its own, which goes on when nobody waits for the start any more (invariant 2).
            running.tasks.spawn_side("roll-back", async move {
                Stopping::after_failure(&rolled_back).run(&mut events, &mut partial).await;
                // Nobody may be waiting for the report.
                drop(outcome.send(partial));
            });
            return Err(StartError { cause, report: reported.await.unwrap_or_default() });
        }
    }
    let reported = supervisor::spawn(&running, events, report);
    Ok(RunningHost { running, outcome: Some(reported) })
}

async fn bring_up(
    running: &Arc<Running>,
    ended: &mpsc::UnboundedSender<Ended>,
    events: &mut mpsc::UnboundedReceiver<Ended>,
) -> Result<(), Interrupted> {
    let hooks = running.hooks.iter().map(|hook| &hook.service);
    prepare(running, running.services.iter().map(|service| &service.plan).chain(hooks)).await?;
    let all: Vec<_> = (0..running.services.len()).collect();
    start_services(running, &all, ended, events).await?;
    let started = Arc::clone(running);
    let hooks = apart(running, async move { run_hooks(&started, Stage::Started).await.map_err(StartCause::Hook) });
    let mut hooks = pin!(hooks);
    tokio::select! {
        biased;
        failure = first_failure(running, events) => {
            // Invariant 5; and the hook that was begun still has its time.
            let asked_before = running.lifetime.stopping().is_cancelled();
            running.lifetime.request_stop();
            let mut report = hooks.await.err().map_or_else(Box::default, |late| late.report);
            if asked_before {
                report.failures.insert(0, failure);
                return Err(Interrupted { cause: None, report });
            }
            Err(Interrupted { cause: Some(StartCause::Service(failure)), report })
        }
        done = &mut hooks => done,
    }
}

/// Runs the `on_start` hooks, and builds the singletons that they and then these plans reach.
pub(super) async fn prepare(
    running: &Arc<Running>,
    plans: impl Iterator<Item = &ServicePlan>,
) -> Result<(), Interrupted> {
    let reached: BTreeSet<_> = plans.flat_map(|plan| plan.singletons.clone()).collect();
    let preparing = Arc::clone(running);
    let prepare = async move {
        #[cfg(feature = "durable")]
        preparing.open_store().await?;
        let of_hooks: BTreeSet<_> =
            preparing.hooks_of(Stage::Start).flat_map(|hook| hook.service.singletons.clone()).collect();
        preparing.container.ensure_all(&of_hooks).await.map_err(|error| preparing.not_built(error))?;
        run_hooks(&preparing, Stage::Start).await.map_err(StartCause::Hook)?;
        preparing.container.ensure_all(&reached).await.map_err(|error| preparing.not_built(error))
    };
    apart(running, prepare).await
}

impl Running {
    /// The failure of a singleton, with the first service or hook that asks for it.
    fn not_built(&self, error: InjectError) -> StartCause {
        let plans =
            self.hooks.iter().map(|hook| &hook.service).chain(self.services.iter().map(|service| &service.plan));
        let asks = |plan: &&ServicePlan| {
            plan.plan.singletons.iter().any(|id| self.container.graph.provider(*id).name == error.outermost())
        };
        let asker = plans.into_iter().find(asks).map(|plan| plan.name);
        let error = match asker {
            Some(asker) => error.asked_by(asker),
            None => error,
        };
        tracing::error!(target: "hostkit::host", error = %WithCauses(&error), "the host does not start");
        StartCause::Inject(error)
    }
}

/// Runs a part of the start in a task of its own until it is done or the host is asked to stop (invariants 3 and 4).
async fn apart(
    running: &Arc<Running>,
    part: impl Future<Output = Result<(), StartCause>> + Send + 'static,
) -> Result<(), Interrupted> {
    let mut task = AbortOnDropHandle::new(running.tasks.spawn("start", part));
    tokio::select! {
        biased;
        () = running.lifetime.stopping().cancelled() => {}
        done = &mut task => return Ok(joined(done).await?),
    }
    let stop = Stopping::begin(running);
    let mut in_hook = running.in_hook.subscribe();
    let no_hook = async { drop(in_hook.wait_for(Option::is_none).await) };
    let hook = tokio::select! {
        biased;
        done = &mut task => return Err(too_late(joined(done).await)),
        () = no_hook => None,
        () = sleep_until(stop.work_deadline()) => *running.in_hook.borrow(),
    };
    // What is lost here are constructors that have not finished, whose scopes go to the reaper, or the hook that hangs.
    task.abort();
    let hung = now() - stop.began();
    if let Some(name) = hook {
        let fate = Fate::within(stop.grace(), &mut task).await;
        return Err(Interrupted::stuck(Stuck { name: name.to_owned(), phase: "running its hook", hung, fate }));
    }
    // Whoever blocks its thread now is a constructor.
    match timeout_at(stop.latest(stop.work_deadline(), now(), Kept::ForHooks), &mut task).await {
        Ok(Ok(done)) => Err(too_late(done)),
        Ok(Err(_aborted)) => Err(Interrupted::stopped(Report::default())),
        Err(_elapsed) => {
            let name = running.container.being_built().unwrap_or("a component").to_owned();
            let hung = now() - stop.began();
            Err(Interrupted::stuck(Stuck { name, phase: "being built", hung, fate: Fate::Blocks }))
        }
    }
}

/// What a part of the start came to after a stop had been asked for (invariant 3).
fn too_late(done: Result<(), StartCause>) -> Interrupted {
    match done {
        Err(StartCause::Hook(failure)) if matches!(failure.failure, RunFailure::Panicked(_)) => {
            Interrupted::stopped(Report { failures: vec![failure], ..Report::default() })
        }
        Ok(()) | Err(_) => Interrupted::stopped(Report::default()),
    }
}

/// Starts these services and waits until they are ready.
pub(super) async fn start_services(
    running: &Arc<Running>,
    indices: &[usize],
    ended: &mpsc::UnboundedSender<Ended>,
    events: &mut mpsc::UnboundedReceiver<Ended>,
) -> Result<(), Interrupted> {
    running.services_began.store(true, Ordering::Relaxed);
    for index in indices {
        spawn(running, *index, &running.services[*index], ended);
    }
    let all_ready = all_ready(indices.iter().map(|index| &running.services[*index]));
    tokio::select! {
        biased;
        // A failure outranks readiness: a service may have failed right after it was ready.
        failure = first_failure(running, events) => Err(StartCause::Service(failure).into()),
        () = running.lifetime.stopping().cancelled() => Err(Interrupted::stopped(Report::default())),
        ready = all_ready => ready,
    }
}

/// Says that a service's task has ended, however it did.
struct EndsWhenDropped {
    index: usize,
    status: Arc<StatusCell>,
    over: Arc<Over>,
}

impl Drop for EndsWhenDropped {
    fn drop(&mut self) {
        self.status.end();
        self.over.push(self.index);
    }
}

/// Spawns a service's task, which waits for its predecessors and then runs it until it ends.
fn spawn(running: &Arc<Running>, index: usize, service: &Service, events: &mpsc::UnboundedSender<Ended>) {
    service.spawned.store(true, Ordering::Relaxed);
    let conduct = Conduct { alarm: Alarm::of(index, events.clone()), ..service.conduct(running) };
    let runner = Arc::clone(&service.plan.runner);
    let events = events.clone();
    let ends = EndsWhenDropped { index, status: Arc::clone(&service.status), over: Arc::clone(&running.over) };
    // A service at rest is as large as all of this, so what few need is in a box, and what is the runner's is made here:
    // the task would keep the room for what it is made from. It does nothing before it is polled.
    let life = Arc::clone(&runner).run(conduct);
    let turn = turn(running, service);
    running.tasks.of(service.mark).spawn(service.plan.name, async move {
        let may_start = match turn {
            Turn::Now(stopping) => !stopping.is_cancelled(),
            Turn::Later(turn) => turn.await,
        };
        let end = if may_start {
            // What a body of the user's panics with is caught closer to it; what is left is a destructor of the user's in
            // a body that was dropped, and bugs of ours.
            catch_panic(life).await.unwrap_or_else(|panic| {
                let name = ends.status.name();
                tracing::error!(target: "hostkit::service", service = name, %panic, "panicked while it was ended");
                ends.status.set(ServiceState::Failed { error: format!("panicked: {panic}") });
                End::Failed(RunFailure::Panicked(panic))
            })
        } else {
            drop(life);
            runner.never_ran();
            ends.status.set(ServiceState::Stopped);
            End::Done
        };
        if matches!(end, End::Done | End::StopHost) {
            ends.status.ended_well();
        }
        // The supervisor is gone only after the host has stopped.
        drop(events.send(Ended { index: ends.index, end }));
        // However this ends, by a panic of ours included, whoever waits for it goes on.
        drop(ends);
    });
}

/// When a service's turn comes.
enum Turn {
    /// At once, unless the stop is asked for before.
    Now(CancellationToken),
    /// When its predecessors are ready; false if the stop is asked for before.
    Later(BoxFuture<'static, bool>),
}

fn turn(running: &Running, service: &Service) -> Turn {
    let stopping = running.lifetime.stopping().clone();
    let predecessors: Vec<_> =
        service.plan.after.iter().map(|predecessor| Arc::clone(&running.services[*predecessor].status)).collect();
    if predecessors.is_empty() {
        return Turn::Now(stopping);
    }
    Turn::Later(Box::pin(is_its_turn(stopping, predecessors)))
}

/// Waits until the predecessors are ready; whether that was before the stop.
async fn is_its_turn(stop: CancellationToken, predecessors: Vec<Arc<StatusCell>>) -> bool {
    tokio::select! {
        biased;
        () = stop.cancelled() => false,
        () = wait_for(predecessors) => true,
    }
}

async fn wait_for(predecessors: Vec<Arc<StatusCell>>) {
    for predecessor in predecessors {
        predecessor.been_ready().await;
    }
}

/// Waits until these services are ready, or for as long as one of them may take to.
async fn all_ready<'s>(services: impl DoubleEndedIterator<Item = &'s Service> + Clone) -> Result<(), Interrupted> {
    let limit = |service: &'s Service| Some((service, service.plan.runner.start_timeout()?));
    let limited = try_join_all(services.clone().filter_map(limit).map(|(service, limit)| ready(service, limit)));
    // Of those without a limit one after the other is as good as all at once. The last to start is ready last, and when
    // it is, the others are seen at a glance.
    let others = async {
        for service in services.rev() {
            service.status.been_ready().await;
        }
        Ok(())
    };
    try_join(limited, others).await.map(drop)
}

/// Waits until a service is ready, or for as long as it may take to.
async fn ready(service: &Service, limit: Duration) -> Result<(), Interrupted> {
    // Its time starts when its predecessors are ready.
    service.status.begun().await;
    tokio::time::timeout(limit, service.status.been_ready())
        .await
        .map_err(|_elapsed| StartCause::NotReady { name: service.plan.name.to_owned(), limit }.into())
}

async fn first_failure(running: &Running, events: &mut mpsc::UnboundedReceiver<Ended>) -> ServiceFailure {
    loop {
        match events.recv().await {
            Some(Ended { index, end: End::Failed(failure) }) => {
                return ServiceFailure { name: running.services[index].plan.name.to_owned(), failure };
            }
            Some(Ended { end: End::StopHost, .. }) => running.lifetime.request_stop(),
            Some(_) => {}
            None => std::future::pending().await,
        }
    }
}

/// Runs the hooks of a stage one after the other, until one fails.
pub(super) async fn run_hooks(running: &Arc<Running>, stage: Stage) -> Result<(), ServiceFailure> {
    for hook in running.hooks_of(stage) {
        let _under_way = UnderWay::begin(&running.in_hook, hook.service.name);
        // Looked at after the hook counts as begun, so that a stop either sees it or is seen (invariant 3).
        if running.lifetime.stopping().is_cancelled() {
            break;
        }
        run_hook(running, hook, CancellationToken::new()).await?;
    }
    Ok(())
}

/// Marks that a hook of the start is under way.
struct UnderWay<'a>(&'a watch::Sender<Option<&'static str>>);

impl<'a> UnderWay<'a> {
    fn begin(in_hook: &'a watch::Sender<Option<&'static str>>, name: &'static str) -> Self {
        in_hook.send_replace(Some(name));
        Self(in_hook)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.send_replace(None);
    }
}

/// Runs one hook to completion.
pub(super) async fn run_hook(
    running: &Arc<Running>,
    hook: &Hook,
    abandon: CancellationToken,
) -> Result<(), ServiceFailure> {
    let name = hook.service.name;
    let conduct = Conduct {
        name,
        container: Arc::clone(&running.container),
        plan: Arc::clone(&hook.service.plan),
        stop: abandon.child_token(),
        abandon,
        status: StatusCell::new(name, running.probe.clone()),
        alarm: Alarm::default(),
        tasks: running.tasks.clone(),
        clock: running.clock.clone(),
        probe: running.probe.clone(),
    };
    tracing::info!(target: "hostkit::host", hook = name, "running hook");
    match hook.mark.around(Arc::clone(&hook.service.runner).run(conduct)).await {
        End::Done | End::StopHost => Ok(()),
        End::Failed(failure) => Err(ServiceFailure { name: name.to_owned(), failure }),
        End::Abandoned | End::Heard => Err(ServiceFailure { name: name.to_owned(), failure: RunFailure::Dropped }),
    }
}
