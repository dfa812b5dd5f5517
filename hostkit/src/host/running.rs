//! A host that runs: its services, their states, and what may be asked of it.

use std::any::TypeId;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::build::{HookPlan, ServicePlan};
use super::error::Report;
use super::order::StopOrder;
use super::pulse::Kept;
use super::start::run_hook;
use super::watch::{forget, remember};
use super::watched::Watched;
use super::{Health, Host, HostLifetime, RunError};
use crate::component::{Container, RunFailure, Scopes};
use crate::config::HostOptions;
use crate::function::{Callable, Handle, Queued};
use crate::queue::{Queue, QueueCounts};
use crate::runner::{Alarm, Conduct, Probe, ServiceState, Stage, StatusCell, StopsWith};
use crate::stall::Mark;
use crate::tasks::Tasks;
use crate::time::Clock;

/// The parts of a host that live until it has stopped.
pub(super) struct Running {
    pub(super) services: Vec<Service>,
    pub(super) hooks: Vec<Arc<Hook>>,
    pub(super) container: Arc<Container>,
    pub(super) options: HostOptions,
    pub(super) lifetime: HostLifetime,
    pub(super) tasks: Tasks,
    pub(super) clock: Clock,
    /// Who looks on.
    pub(super) probe: Probe,
    /// The hook of the start that is under way: half a migration is worse than a late stop.
    pub(super) in_hook: watch::Sender<Option<&'static str>>,
    /// Whether the start came as far as the services, so that the hooks of the stop have something to end.
    pub(super) services_began: AtomicBool,
    /// Which services have ended, for whoever stops the host.
    pub(super) over: Arc<Over>,
    /// What the side thread knows of it.
    pub(super) watched: Arc<Watched>,
    /// Where durable jobs are kept.
    #[cfg(feature = "durable")]
    pub(super) store: crate::config::StoreOptions,
    /// What its durable queues share.
    #[cfg(feature = "durable")]
    pub(super) jobs: Arc<crate::queue::Jobs>,
}

/// The services that have ended and that nobody has asked about yet. It outlives whoever was to hear of them.
#[derive(Debug, Default)]
pub(super) struct Over {
    ended: Mutex<Vec<usize>>,
    more: Notify,
}

impl Over {
    pub(super) fn push(&self, service: usize) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).push(service);
        self.more.notify_one();
    }

    /// Waits until there are some, and takes them.
    pub(super) async fn take(&self) -> Vec<usize> {
        loop {
            let ended = std::mem::take(&mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner));
            if !ended.is_empty() {
                return ended;
            }
            self.more.notified().await;
        }
    }
}

/// The order in which these services stop.
pub(super) fn stop_order<'p>(plans: impl Iterator<Item = &'p ServicePlan> + Clone) -> StopOrder {
    let is_queue: Vec<_> = plans.clone().map(|plan| plan.runner.stops() == StopsWith::Queues).collect();
    StopOrder::of(plans.map(|plan| plan.after.clone()).collect(), |index| is_queue[index])
}

impl Drop for Running {
    fn drop(&mut self) {
        forget(&self.watched);
    }
}

/// One hook.
pub(super) struct Hook {
    pub(super) stage: Stage,
    pub(super) service: ServicePlan,
    pub(super) mark: Mark,
}

/// One service and the tokens that end it.
pub(super) struct Service {
    pub(super) plan: ServicePlan,
    pub(super) mark: Mark,
    pub(super) status: Arc<StatusCell>,
    /// Tells it to stop. Those that are told together share it.
    pub(super) stop: CancellationToken,
    /// Drops its futures. Those that are told together and have one deadline share it.
    pub(super) abandon: CancellationToken,
    /// Whether it has a task, which may still wait for its predecessors.
    pub(super) spawned: AtomicBool,
}

impl Service {
    pub(super) fn conduct(&self, running: &Running) -> Conduct {
        Conduct {
            name: self.plan.name,
            container: Arc::clone(&running.container),
            plan: Arc::clone(&self.plan.plan),
            stop: self.stop.clone(),
            abandon: self.abandon.clone(),
            status: Arc::clone(&self.status),
            alarm: Alarm::default(),
            clock: running.clock.clone(),
            probe: running.probe.clone(),
            tasks: running.tasks.of(self.mark),
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("services", &self.services.len()).finish_non_exhaustive()
    }
}

impl Running {
    /// Everything of a host that has not been started, and spawns the reaper.
    pub(super) fn of(host: Host) -> Arc<Self> {
        let Host {
            services,
            hooks,
            known: _,
            container,
            reaped,
            configuration: _,
            options,
            #[cfg(feature = "durable")]
            store,
            #[cfg(feature = "durable")]
            jobs,
            lifetime,
            owner,
            clock,
            probe,
        } = host;
        let names = services.iter().map(|plan| plan.name).chain(hooks.iter().map(|hook| hook.service.name));
        let watched = Watched::new(names.collect(), lifetime.clone(), options, owner);
        let tasks = Tasks::default().of(watched.own_mark());
        watched.keep(Kept::start("reaper", watched.own_mark(), crate::component::reap(reaped)));
        let mut marks = watched.marks();
        let order = stop_order(services.iter());
        let (first, last) = (CancellationToken::new(), CancellationToken::new());
        let service = |(index, (plan, mark)): (usize, (ServicePlan, Mark))| {
            // Most are told at once when the host stops, and have its deadline.
            let shares = order.is_free(index) && plan.runner.stop_timeout().is_none();
            let (stop, abandon) = if shares { (first.clone(), last.clone()) } else { Default::default() };
            let status = StatusCell::new(plan.name, probe.clone());
            Service { status, plan, mark, stop, abandon, spawned: AtomicBool::new(false) }
        };
        let services = services.into_iter().zip(&mut marks).enumerate().map(service).collect();
        let hooks = hooks.into_iter().zip(marks);
        let hooks = hooks.map(|(HookPlan { stage, service }, mark)| Arc::new(Hook { stage, service, mark })).collect();
        let services_began = AtomicBool::new(false);
        let running = Arc::new(Self {
            services,
            hooks,
            container,
            options,
            lifetime,
            tasks,
            clock: clock.unwrap_or_default(),
            probe,
            in_hook: watch::Sender::new(None),
            services_began,
            over: Arc::default(),
            watched,
            #[cfg(feature = "durable")]
            store,
            #[cfg(feature = "durable")]
            jobs,
        });
        running.watched.is_of(&running);
        running.lifetime.watched_by(&running.watched);
        remember(Arc::clone(&running.watched));
        running
    }

    pub(super) fn hooks_of(&self, stage: Stage) -> impl Iterator<Item = &Arc<Hook>> {
        self.hooks.iter().filter(move |hook| hook.stage == stage)
    }

    pub(super) fn find(&self, handle: TypeId) -> Option<&Service> {
        self.services.iter().find(|service| (service.plan.entry.handle)() == handle)
    }

    pub(super) fn status(&self) -> Vec<ServiceStatus> {
        self.services
            .iter()
            .map(|service| ServiceStatus {
                name: service.plan.name,
                kind: service.plan.entry.kind.attribute(),
                state: service.status.state(),
                since: service.status.since(),
                queue: service.plan.runner.counts(),
                stalled: self.watched.stalled(service.mark),
            })
            .collect()
    }
}

/// A host whose services run. Dropping it asks the host to stop and does not wait for that.
pub struct RunningHost {
    pub(super) running: Arc<Running>,
    /// What the supervisor reports at the end; absent once it was received.
    pub(super) outcome: Option<oneshot::Receiver<Report>>,
}

impl fmt::Debug for RunningHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.running.fmt(f)
    }
}

impl RunningHost {
    /// The handle of a queued function of this host; none if the host does not run it.
    pub fn queue<F: Queued>(&self) -> Option<Queue<F>> {
        self.running.container.fitting::<Queue<F>>()
    }

    /// Runs a periodic function or a hook once and now, beside its schedule and never beside another run of it.
    ///
    /// # Errors
    /// Fails when the host does not have the function, when it is a background service, which runs already, and when the
    /// run fails.
    ///
    /// # Cancel safety
    /// Cancelling drops the run; its scope is closed in the background, as cancelled.
    pub async fn trigger<F: Callable>(&self) -> Result<(), TriggerError> {
        let handle = TypeId::of::<F>();
        if let Some(service) = self.running.find(handle) {
            return service.trigger(&self.running).await;
        }
        let hook = self.running.hooks.iter().find(|hook| (hook.service.entry.handle)() == handle);
        let hook = hook.ok_or(TriggerError { kind: TriggerFault::Unknown(F::ENTRY.name) })?;
        let run = run_hook(&self.running, hook, CancellationToken::new());
        run.await.map_err(|failed| TriggerError { kind: TriggerFault::Failed(hook.service.name, failed.failure) })
    }

    /// Where each service stands, in the order of their names.
    pub fn status(&self) -> Vec<ServiceStatus> {
        self.running.status()
    }

    /// Where one service stands; none if the host does not have it.
    pub fn status_of<F: Handle>(&self) -> Option<ServiceState> {
        self.running.find(TypeId::of::<F>()).map(|service| service.status.state())
    }

    /// Whether the host makes progress; see [`Health`].
    pub fn health(&self) -> Health {
        self.running.watched.health()
    }

    /// Opens scopes with the host's components, for code that is not a service.
    pub fn scopes(&self) -> Scopes {
        Scopes::of(&self.running.container)
    }

    /// The life of the host: asks it to stop, waits for it to begin stopping.
    pub fn lifetime(&self) -> &HostLifetime {
        &self.running.lifetime
    }

    /// Stops the host and waits until it has stopped, which the host's `stop_timeout` \[25 s\] bounds.
    ///
    /// # Errors
    /// Fails when a service had failed, did not end by its deadline or was not disposed well.
    pub async fn stop(mut self) -> Result<(), RunError> {
        self.running.lifetime.request_stop();
        self.wait().await
    }

    /// Waits until the host has stopped, for whatever reason. Once it has, later calls return `Ok` at once.
    ///
    /// # Errors
    /// As [`stop`](Self::stop).
    ///
    /// # Cancel safety
    /// Cancelling changes nothing; call it again.
    pub async fn wait(&mut self) -> Result<(), RunError> {
        let Some(outcome) = &mut self.outcome else { return Ok(()) };
        let report = outcome.await.unwrap_or_default();
        self.outcome = None;
        report.into_result()
    }
}

impl Drop for RunningHost {
    fn drop(&mut self) {
        self.running.lifetime.request_stop();
    }
}

impl Service {
    pub(super) async fn trigger(&self, running: &Running) -> Result<(), TriggerError> {
        let name = self.plan.name;
        let run = Arc::clone(&self.plan.runner)
            .trigger(self.conduct(running))
            .ok_or(TriggerError { kind: TriggerFault::NotTriggered(name) })?;
        self.mark.around(run).await.map_err(|failure| TriggerError { kind: TriggerFault::Failed(name, failure) })
    }
}

/// Where a service stands.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServiceStatus {
    /// The service's name.
    pub name: &'static str,
    /// The attribute, such as `periodic`.
    pub kind: &'static str,
    /// What it is doing.
    pub state: ServiceState,
    /// Since when.
    pub since: Instant,
    /// Of a queue, how many items wait, are worked on, and have ended.
    pub queue: Option<QueueCounts>,
    /// How long it has held its thread without an await, if that is longer than `stall_after` \[1 s\].
    pub stalled: Option<Duration>,
}

/// Why a function could not be run on demand, or how it failed.
pub struct TriggerError {
    kind: TriggerFault,
}

#[derive(Debug)]
enum TriggerFault {
    Unknown(&'static str),
    NotTriggered(&'static str),
    Failed(&'static str, RunFailure),
}

/// For the test kit, which runs items of queues as well.
#[cfg(feature = "testing")]
impl TriggerError {
    pub(super) fn unknown(name: &'static str) -> Self {
        Self { kind: TriggerFault::Unknown(name) }
    }

    pub(super) fn failed(name: &'static str, failure: RunFailure) -> Self {
        Self { kind: TriggerFault::Failed(name, failure) }
    }
}

impl TriggerError {
    /// Whether the function ran and failed, as opposed to not having run.
    pub fn is_failure(&self) -> bool {
        matches!(self.kind, TriggerFault::Failed(..))
    }
}

impl fmt::Display for TriggerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            TriggerFault::Unknown(name) => write!(f, "this host does not run `{name}`"),
            TriggerFault::NotTriggered(name) => {
                write!(f, "`{name}` cannot be triggered: a background service runs as long as its host")
            }
            TriggerFault::Failed(name, failure) => write!(f, "`{name}` failed: {failure}"),
        }
    }
}

impl std::error::Error for TriggerError {}
