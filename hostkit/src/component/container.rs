//! The runtime side of a graph: the singletons of one host and the way to the reaper.
//!
//! # Invariants
//!
//! 1. A singleton is built at most once, by whoever needs it first; others wait for that attempt. A failed attempt is
//!    not remembered.
//! 2. Singletons end in reverse order of construction.
//! 3. Once they are being disposed none is read or built any more: whoever holds on to a scope or a lazy component beyond
//!    the host's life gets an error.

use std::any::Any;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, Weak};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, try_join_all};
use futures_util::stream::FuturesUnordered;
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Lifetime;
use super::dispose::{CloseFault, Closing, Outcome, end};
use super::frame::{Context, Frame};
use super::graph::{Graph, Make, ProviderId};
use super::need::Handover;
use super::plan::{Binder, Failure, InjectError, Plan, PlanStep, construct};
use super::recipe::{Built, Constructed, Step};
use super::shared::Shared;
use crate::time::now;

/// What bounds constructors and disposers.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// How long an asynchronous constructor may take unless it says otherwise.
    pub(crate) construct_timeout: Duration,
    /// How long each disposer may take.
    pub(crate) dispose_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { construct_timeout: Duration::from_secs(30), dispose_timeout: Duration::from_secs(5) }
    }
}

/// One host's components.
pub(crate) struct Container {
    pub(crate) graph: Graph,
    pub(crate) settings: Settings,
    /// Fires when the host stops; singletons that ask for a token get a child of it.
    pub(crate) stop: CancellationToken,
    cells: Vec<Cell>,
    order: Mutex<Vec<Ending>>,
    /// The plans of scopes that `Scopes<T>` opens, by what they build. They read singletons, so they end before them.
    armed: Mutex<HashMap<ProviderId, Arc<dyn Any + Send + Sync>>>,
    /// Whether the singletons are being disposed (invariant 3).
    stopped: RwLock<bool>,
    /// The singleton that is being disposed.
    ending: Mutex<Option<ProviderId>>,
    /// The constructor of a singleton that is being polled, and that blocks its thread if it is for long.
    polled: Mutex<Option<ProviderId>>,
    reaper: mpsc::UnboundedSender<Reap>,
}

/// A singleton, or a transient of one, that is to be ended.
struct Ending {
    provider: ProviderId,
    built: Built,
    /// What a singleton builds lazily; it ends after whoever holds it.
    lazily: Option<Arc<Shared>>,
}

#[derive(Default)]
struct Cell {
    built: OnceCell<()>,
    value: Mutex<Option<Built>>,
}

#[derive(Debug)]
pub(crate) enum Reap {
    Close(Closing),
    Answer(oneshot::Sender<()>),
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Container").field("graph", &self.graph).finish_non_exhaustive()
    }
}

impl Container {
    /// A container and what its reaper receives.
    pub(crate) fn new(
        graph: Graph,
        settings: Settings,
        stop: CancellationToken,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Reap>) {
        let (reaper, scopes) = mpsc::unbounded_channel();
        let cells = (0..graph.len()).map(|_| Cell::default()).collect();
        (
            Arc::new(Self {
                graph,
                settings,
                stop,
                cells,
                order: Mutex::default(),
                armed: Mutex::default(),
                stopped: RwLock::default(),
                ending: Mutex::default(),
                polled: Mutex::default(),
                reaper,
            }),
            scopes,
        )
    }

    /// Keeps the singletons from being disposed while they are read.
    pub(crate) fn alive(&self) -> Result<RwLockReadGuard<'_, bool>, InjectError> {
        let stopped = self.stopped.read().unwrap_or_else(PoisonError::into_inner);
        if *stopped { Err(InjectError::new("a component".to_owned(), Failure::HostStopped)) } else { Ok(stopped) }
    }

    /// The value of a singleton that is built; to be read while the container is known to be [`alive`](Self::alive).
    pub(crate) fn singleton(&self, id: ProviderId) -> Built {
        match &self.graph.provider(id).make {
            Make::Value(value) => Arc::clone(value),
            _ => self.read(id).expect("a plan's singletons are built before it is armed"),
        }
    }

    /// A value that the host put into the graph.
    pub(crate) fn fitting<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.singleton(self.graph.fitting::<T>()?).downcast_ref().cloned()
    }

    fn read(&self, id: ProviderId) -> Option<Built> {
        self.cells[id].value.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Builds these singletons and what they need, independent ones concurrently.
    pub(crate) async fn ensure_all(self: &Arc<Self>, ids: &BTreeSet<ProviderId>) -> Result<(), InjectError> {
        if ids.iter().all(|id| self.is_built(*id)) {
            Ok(())
        } else {
            try_join_all(ids.iter().map(|id| self.ensure(*id))).await.map(drop)
        }
    }

    fn is_built(&self, id: ProviderId) -> bool {
        matches!(self.graph.provider(id).make, Make::Value(_)) || self.cells[id].built.initialized()
    }

    /// Builds a singleton unless it was.
    pub(crate) fn ensure(self: &Arc<Self>, id: ProviderId) -> BoxFuture<'static, Result<Built, InjectError>> {
        let this = Arc::clone(self);
        Box::pin(async move {
            if let Make::Value(value) = &this.graph.provider(id).make {
                return Ok(Arc::clone(value));
            }
            this.cells[id].built.get_or_try_init(|| this.build(id)).await?;
            this.read(id).ok_or_else(|| this.stopped(id))
        })
    }

    /// Holds a plan that `Scopes<T>` opens, or the one that somebody else was faster to arm, for as long as singletons live.
    pub(crate) fn hold_armed(
        &self,
        id: ProviderId,
        plan: Arc<dyn Any + Send + Sync>,
    ) -> Result<Weak<dyn Any + Send + Sync>, InjectError> {
        let _alive = self.alive().map_err(|_ended| self.stopped(id))?;
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::downgrade(armed.entry(id).or_insert(plan)))
    }

    pub(crate) fn stopped(&self, id: ProviderId) -> InjectError {
        InjectError::new(self.graph.provider(id).name.clone(), Failure::HostStopped)
    }

    async fn build(self: &Arc<Self>, id: ProviderId) -> Result<(), InjectError> {
        let name = &self.graph.provider(id).name;
        let plan = Plan::of_singleton(&self.graph, id);
        self.ensure_all(&plan.singletons).await.map_err(|error| error.asked_by(name))?;
        let context = Context { token: Some(self.stop.child_token()), values: None };
        let shared = plan.wants_shared.then(|| Shared::over(self, &plan, context.clone()));
        let mut frame = Frame { slots: Vec::with_capacity(plan.steps.len()), context, shared };
        let mut failed = None;
        for step in &plan.steps {
            if step.lazy {
                frame.slots.push(None);
                continue;
            }
            let bound = match self.alive() {
                Ok(_alive) => self.bind(step),
                Err(_stopped) => {
                    failed = Some(self.stopped(id));
                    break;
                }
            };
            let limit = self.construction_limit(step.provider);
            match self.polling(step.provider, limit, construct(&*bound, &mut frame, limit)).await {
                // Nothing that is built lazily reads what is built here, so the shared part need not know of it: if it
                // held the singleton, which holds it, neither would ever end.
                Ok(built) => frame.slots.push(Some(built)),
                Err(failure) => {
                    failed = Some(InjectError::of_step(&self.graph, step, failure));
                    break;
                }
            }
        }
        let kept = match failed {
            None => self.keep(id, &plan, &mut frame),
            Some(error) => Err(error),
        };
        if kept.is_err() {
            for (step, built) in plan.steps.iter().zip(frame.slots).rev() {
                let limit = self.settings.dispose_timeout;
                self.end(step.provider, built, Outcome::Failed, limit).await.inspect_err(CloseFault::log).ok();
            }
            if let Some(shared) = frame.shared {
                shared.close(Vec::new(), Outcome::Failed).await.iter().for_each(CloseFault::log);
            }
        }
        kept
    }

    /// Awaits the constructor of a singleton; whoever finds it blocking its thread can say which it is, and so does this.
    async fn polling(
        &self,
        id: ProviderId,
        limit: Duration,
        constructor: impl Future<Output = Result<Built, Failure>>,
    ) -> Result<Built, Failure> {
        let mut constructor = pin!(constructor);
        let began = now();
        let polled = |id| *self.polled.lock().unwrap_or_else(PoisonError::into_inner) = id;
        let built = poll_fn(|cx| {
            polled(Some(id));
            let built = constructor.as_mut().poll(cx);
            polled(None);
            built
        });
        let built = built.await;
        if built.is_ok() {
            self.warn_if_late(id, began, limit);
        }
        built
    }

    /// Says so when a constructor that has succeeded took longer than it may: nobody could stop it in time.
    pub(crate) fn warn_if_late(&self, id: ProviderId, began: Instant, limit: Duration) {
        let took = began.elapsed();
        if took > limit {
            tracing::warn!(
                target: "hostkit::host", component = self.graph.provider(id).name, ?took, ?limit,
                "a constructor outlasted its timeout, because it blocked its thread"
            );
        }
    }

    /// The singleton whose constructor blocks its thread, if one does.
    pub(crate) fn being_built(&self) -> Option<&str> {
        let id = (*self.polled.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(&self.graph.provider(id).name)
    }

    /// Takes over what was built for a singleton, unless that is too late.
    fn keep(&self, id: ProviderId, plan: &Plan, frame: &mut Frame) -> Result<(), InjectError> {
        let _alive = self.alive().map_err(|_ended| self.stopped(id))?;
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        for (step, slot) in plan.steps.iter().zip(&mut frame.slots) {
            let Some(built) = slot.take() else { continue };
            let is_the_singleton = step.provider == id;
            if is_the_singleton {
                *self.cells[id].value.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&built));
            }
            let lazily = if is_the_singleton { frame.shared.take() } else { None };
            order.push(Ending { provider: step.provider, built, lazily });
        }
        Ok(())
    }

    /// A constructor with its parameters bound.
    pub(crate) fn bind(self: &Arc<Self>, step: &PlanStep) -> Box<dyn Step> {
        let bound: Box<dyn Step> = match &self.graph.provider(step.provider).make {
            Make::Step(bind) => bind(&mut Binder::of_component(self, &step.targets)),
            Make::Value(value) => Box::new(Ready(Arc::clone(value))),
            Make::Replaced(make) => Box::new(Replaced(Arc::clone(make))),
        };
        if step.owned { Box::new(Handover::step(bound)) } else { bound }
    }

    pub(crate) fn construction_limit(&self, id: ProviderId) -> Duration {
        self.graph.provider(id).timeout.unwrap_or(self.settings.construct_timeout)
    }

    async fn end(
        &self,
        id: ProviderId,
        built: Option<Built>,
        outcome: Outcome,
        limit: Duration,
    ) -> Result<(), CloseFault> {
        let Some(built) = built else { return Ok(()) };
        let provider = self.graph.provider(id);
        end(&provider.name, built, provider.dispose, outcome, limit).await
    }

    /// Ends every singleton, the last built first, each within its own limit and what is left until the deadline.
    ///
    /// # Cancel safety
    /// What has not ended yet is dropped.
    pub(crate) async fn dispose(&self, outcome: Outcome, deadline: Instant) -> Vec<CloseFault> {
        *self.stopped.write().unwrap_or_else(PoisonError::into_inner) = true;
        drop(std::mem::take(&mut *self.armed.lock().unwrap_or_else(PoisonError::into_inner)));
        let order = std::mem::take(&mut *self.order.lock().unwrap_or_else(PoisonError::into_inner));
        let mut faults = Vec::new();
        for Ending { provider: id, built, lazily } in order.into_iter().rev() {
            drop(self.cells[id].value.lock().unwrap_or_else(PoisonError::into_inner).take());
            *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = Some(id);
            let limit = deadline.saturating_duration_since(now()).min(self.settings.dispose_timeout);
            if let Err(fault) = self.end(id, Some(built), outcome, limit).await {
                faults.push(fault);
            }
            if let Some(lazily) = lazily {
                faults.extend(lazily.close(Vec::new(), outcome).await);
            }
        }
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = None;
        faults
    }

    /// The singleton that is being disposed, if any is.
    pub(crate) fn being_disposed(&self) -> Option<&str> {
        let id = (*self.ending.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(&self.graph.provider(id).name)
    }

    /// Hands a scope that was dropped unclosed to the reaper.
    pub(crate) fn reap(&self, closing: Closing) {
        if self.reaper.send(Reap::Close(closing)).is_err() {
            tracing::warn!(target: "hostkit::host", "a scope was dropped after the host had ended, so its disposers did not run");
        }
    }

    /// Waits until the reaper has closed everything it was handed before.
    pub(crate) async fn reaped(&self) {
        let (answer, answered) = oneshot::channel();
        if self.reaper.send(Reap::Answer(answer)).is_ok() {
            // An error means that the reaper is gone, and then there is nothing to wait for.
            answered.await.ok();
        }
    }
}

/// Closes the scopes that were dropped unclosed, until the container is gone. One that takes long delays no other.
pub(crate) async fn reap(mut scopes: mpsc::UnboundedReceiver<Reap>) {
    let mut closing = FuturesUnordered::new();
    let mut asking = Vec::new();
    loop {
        // Neither arm loses anything: what was received is kept, and what is being closed stays where it is.
        tokio::select! {
            biased;
            next = scopes.recv() => match next {
                Some(Reap::Close(scope)) => closing.push(scope.finish()),
                Some(Reap::Answer(answer)) => asking.push(answer),
                None => break,
            },
            Some(closed) = closing.next() => closed.unwrap_or_else(|faults| faults.iter().for_each(CloseFault::log)),
        }
        if closing.is_empty() {
            // Nobody waits any more if this fails.
            for answer in asking.drain(..) {
                answer.send(()).ok();
            }
        }
    }
}

struct Ready(Built);

impl Step for Ready {
    fn construct<'f>(&'f self, _frame: &'f mut Frame) -> Constructed<'f, Built> {
        Constructed::Now(Ok(Arc::clone(&self.0)))
    }
}

struct Replaced(Arc<dyn Fn() -> Built + Send + Sync>);

impl Step for Replaced {
    fn construct<'f>(&'f self, _frame: &'f mut Frame) -> Constructed<'f, Built> {
        Constructed::Now(Ok((self.0)()))
    }
}

impl Plan {
    /// The plan that builds one singleton: itself and its transients.
    fn of_singleton(graph: &Graph, id: ProviderId) -> Self {
        debug_assert_eq!(graph.provider(id).lifetime, Lifetime::Singleton);
        let mut plan = Self::default();
        plan.add_step(graph, id);
        plan
    }
}
