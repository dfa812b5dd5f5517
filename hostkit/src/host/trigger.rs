//! One function, once, with the components, hooks and queues it relies on, and nothing else.
//!
//! # Invariants
//!
//! 1. `on_start` hooks run before it and `on_stopped` hooks after it, as in the life of a whole host.
//! 2. Queues that it can reach run beside it and are drained before the end: what it enqueues is done.
//! 3. A signal tells it to stop; the host's `stop_timeout` bounds the rest.

use std::any::TypeId;
use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::build::{ServicePlan, same_name};
use super::error::{Fate, Report, ServiceFailure, StartCause, Stuck};
use super::run::until_forced;
use super::running::Running;
use super::start::{Interrupted, prepare, run_hook, start_services};
use super::stop::Stopping;
use super::{Host, RunError, StartError};
use crate::component::{RunFailure, Want, install_panic_hook};
use crate::queue::TaskQueue;
use crate::runner::{End, Ended, Stage, StopsWith};
use crate::tasks::joined;
use crate::time::now;

/// What a name means to `trigger`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// Something that runs without a payload.
    Function(Function),
    /// A queued function: it runs once per item.
    Queue(Function),
}

/// What can be triggered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Function {
    /// A background service or a periodic function, by its place among the services.
    Service(usize),
    /// A hook, by its place among the hooks.
    Hook(usize),
}

impl ServicePlan {
    /// The type by which others reach the service's queue, if it has one.
    pub(crate) fn queue_type(&self) -> Option<TypeId> {
        if std::ptr::eq(self.entry, TaskQueue::ENTRY) {
            return Some(TypeId::of::<TaskQueue>());
        }
        // What is put into a store need not be worked off here.
        self.runner.handle().filter(|_| !self.runner.is_stored()).map(|handle| (*handle).type_id())
    }
}

impl Host {
    /// Who is called that in this host.
    pub(crate) fn target(&self, name: &str) -> Option<Target> {
        let service = self.services.iter().position(|service| same_name(service.name, name));
        let hook = self.hooks.iter().position(|hook| same_name(hook.service.name, name));
        match (service, hook) {
            (Some(place), _) if self.services[place].runner.stops() == StopsWith::Queues => {
                Some(Target::Queue(Function::Service(place)))
            }
            (Some(place), _) => Some(Target::Function(Function::Service(place))),
            (None, Some(place)) => Some(Target::Function(Function::Hook(place))),
            (None, None) => None,
        }
    }

    /// Whether a function works on payloads that can be given as JSON.
    pub(crate) fn takes_json(&self, function: Function) -> bool {
        match function {
            Function::Service(place) => self.services[place].runner.is_stored(),
            Function::Hook(_) => false,
        }
    }

    /// Runs one function once, with a payload if it takes one, and what it relies on.
    ///
    /// # Errors
    /// Fails as [`run`](Self::run) does.
    pub(crate) async fn trigger(self, function: Function, json: Option<String>) -> Result<(), RunError> {
        install_panic_hook();
        let running = Running::of(self);
        let life = once(Arc::clone(&running), function, json);
        until_forced(&running, life).await
    }
}

async fn once(running: Arc<Running>, function: Function, json: Option<String>) -> Result<(), RunError> {
    let (ended, mut events) = mpsc::unbounded_channel();
    let mut report = Report::default();
    let result = bring_up_and_call(&running, (function, json), &ended, &mut events, &mut report).await;
    drop(ended);
    running.lifetime.request_stop();
    let (result, stopping) = match result {
        // A stop that has begun goes on with what is left of its time (invariant 3).
        Ok(begun) => (Ok(()), begun.unwrap_or_else(|| Stopping::begin(&running))),
        Err(Interrupted { cause, report: begun }) => {
            report = *begun;
            match cause {
                None => (Ok(()), Stopping::begin(&running)),
                Some(cause) => (Err(cause), Stopping::after_failure(&running)),
            }
        }
    };
    stopping.finish(&mut events, &mut report).await;
    match result {
        Ok(()) => report.into_result(),
        Err(cause) => Err(StartError { cause, report: Box::new(report) }.into()),
    }
}

/// Does what the command is for, and returns the stop that has begun meanwhile, if any.
async fn bring_up_and_call<'r>(
    running: &'r Arc<Running>,
    (function, json): (Function, Option<String>),
    ended: &mpsc::UnboundedSender<Ended>,
    events: &mut mpsc::UnboundedReceiver<Ended>,
    report: &mut Report,
) -> Result<Option<Stopping<'r>>, Interrupted> {
    let own = match function {
        Function::Service(place) => &running.services[place].plan,
        Function::Hook(place) => &running.hooks[place].service,
    };
    let queues = reached_queues(running, own);
    let plans = queues.iter().map(|place| &running.services[*place].plan).chain([own]);
    prepare(running, plans).await?;
    start_services(running, &queues, ended, events).await?;
    match function {
        Function::Service(place) => Ok(call(running, place, json, report).await),
        Function::Hook(place) => {
            let hook = &running.hooks[place];
            // The others have run, or will.
            if matches!(hook.stage, Stage::Started | Stage::Stopping) {
                run_hook(running, hook, CancellationToken::new()).await.map_err(StartCause::Hook)?;
            }
            Ok(None)
        }
    }
}

/// The queues that the function, or whoever works off one of these, can put something into (invariant 2).
///
/// Whoever can open scopes reaches whatever is in them, such as the handlers of a web service: all of them.
fn reached_queues(running: &Running, own: &ServicePlan) -> Vec<usize> {
    let graph = &running.container.graph;
    let mut reached = own.singletons.clone();
    let mut opens_scopes = opens_scopes(running, own);
    let mut queues = BTreeSet::new();
    loop {
        let mut more = running.services.iter().enumerate().filter(|(place, service)| {
            let queue = service.plan.queue_type().map(|of| graph.fitting_of(of));
            let is_reached = |queue: Option<_>| opens_scopes || queue.is_some_and(|id| reached.contains(&id));
            !queues.contains(place) && queue.is_some_and(is_reached)
        });
        let Some((place, service)) = more.next() else { return queues.into_iter().collect() };
        reached.extend(&service.plan.singletons);
        opens_scopes |= self::opens_scopes(running, &service.plan);
        queues.insert(place);
    }
}

/// Whether a function or a component that it reaches asks for scopes of no certain content.
fn opens_scopes(running: &Running, plan: &ServicePlan) -> bool {
    let graph = &running.container.graph;
    let of_steps = plan.plan.steps.iter().map(|step| step.provider);
    let edges = plan.singletons.iter().copied().chain(of_steps).flat_map(|id| graph.provider(id).edges());
    plan.entry.edges.iter().chain(edges).any(|edge| matches!(edge.want, Want::Scope | Want::Scopes))
}

/// Calls the function, tells it to stop when somebody asks for that, and drops it at its deadline (invariant 3).
async fn call<'r>(
    running: &'r Arc<Running>,
    place: usize,
    json: Option<String>,
    report: &mut Report,
) -> Option<Stopping<'r>> {
    let service = &running.services[place];
    let name = service.plan.name;
    tracing::info!(target: "hostkit::host", service = name, "triggered");
    let runner = Arc::clone(&service.plan.runner);
    let conduct = service.conduct(running);
    // A background service is its one run.
    let triggered = match json {
        None => Arc::clone(&runner).trigger(conduct.clone()),
        Some(json) => Arc::clone(&runner).trigger_with(conduct.clone(), json),
    };
    let calling: BoxFuture<'static, Result<(), RunFailure>> = match triggered {
        Some(run) => run,
        None => Box::pin(async move {
            match runner.run(conduct).await {
                End::Done | End::StopHost => Ok(()),
                End::Failed(failure) => Err(failure),
                End::Abandoned | End::Heard => Err(RunFailure::Dropped),
            }
        }),
    };
    // A task of its own, so that a stop is noticed while the function blocks its thread.
    let mut calling = AbortOnDropHandle::new(running.tasks.of(service.mark).spawn(name, calling));
    let (result, stop) = tokio::select! {
        biased;
        result = &mut calling => (Some(joined(result).await), None),
        () = running.lifetime.stopping().cancelled() => {
            service.stop.cancel();
            let began = now();
            let stop = Stopping::begin(running);
            let result = match tokio::time::timeout_at(stop.deadline_of(service, began), &mut calling).await {
                Ok(result) => Some(joined(result).await),
                Err(_elapsed) => {
                    let hung = now() - began;
                    service.abandon.cancel();
                    let fate = Fate::within(stop.grace(), &mut calling).await;
                    report.stuck.push(Stuck { name: name.to_owned(), phase: "stopping", hung, fate });
                    None
                }
            };
            (result, Some(stop))
        }
    };
    drop(calling);
    service.status.end();
    match result {
        Some(Ok(())) => tracing::info!(target: "hostkit::host", service = name, "done"),
        // A run that had not begun when it was told to stop has nothing to report.
        Some(Err(RunFailure::Dropped)) if running.lifetime.stopping().is_cancelled() => {}
        Some(Err(failure)) => report.failures.push(ServiceFailure { name: name.to_owned(), failure }),
        None => {}
    }
    stop
}
