//! The end of a scope: dependents first, each disposer awaited, nothing skipped.
//!
//! # Invariants
//!
//! 1. Slots end in reverse order of construction; a slot's value is let go of everywhere in the scope before the next.
//! 2. Every disposer is awaited with a deadline of its own; an error, a panic or an elapsed deadline is collected and
//!    ends none of the others.
//! 3. An [`Opened`] scope that is dropped unclosed goes to the reaper and is closed as cancelled. What is left of one that
//!    is dropped while it is being closed goes there, too.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, timeout_at};

use super::Construct;
use super::container::Container;
use super::frame::{Context, Frame};
use super::graph::ProviderId;
use super::plan::Plan;
use super::recipe::Built;
use super::run::Caught;
use super::shared::Shared;
use super::unwind::{catch, catch_panic};
use crate::error::{BoxError, WithCauses};
use crate::time::now;

/// How the run that a scope belonged to ended; a disposer decides by it whether to commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The body returned `()` or `Ok`.
    Succeeded,
    /// The body returned an error, panicked or outlasted its timeout.
    Failed,
    /// The body was dropped before it ended, or its scope was never closed.
    Cancelled,
}

impl Outcome {
    /// Succeeded for `Ok`, failed for `Err`.
    pub fn of<T, E>(result: &Result<T, E>) -> Self {
        if result.is_ok() { Self::Succeeded } else { Self::Failed }
    }

    /// Whether to commit.
    pub fn is_succeeded(self) -> bool {
        self == Self::Succeeded
    }
}

/// What ending one component takes.
pub(crate) enum Disposal {
    /// Somebody still holds the component, so it cannot be ended by value.
    StillShared,
    /// Await this.
    Running(BoxFuture<'static, Result<(), BoxError>>),
}

pub(crate) fn dispose<C: Construct<Product: Send + Sync>>(built: Built, outcome: Outcome) -> Disposal {
    match built.downcast::<C::Product>().ok().and_then(Arc::into_inner) {
        Some(product) => Disposal::Running(C::dispose(product, outcome)),
        None => Disposal::StillShared,
    }
}

/// A component that did not end well.
#[derive(Debug)]
pub(crate) struct CloseFault {
    component: String,
    reason: CloseReason,
}

#[derive(Debug)]
enum CloseReason {
    Returned(BoxError),
    Panicked(Caught),
    TimedOut(Duration),
    StillShared,
}

impl CloseFault {
    /// Reports a fault that nobody is left to be told of.
    pub(crate) fn log(&self) {
        tracing::warn!(target: "hostkit::service", fault = %self, "ending a scope failed");
    }
}

impl fmt::Display for CloseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let component = &self.component;
        match &self.reason {
            CloseReason::Returned(error) => write!(f, "disposing `{component}` failed: {}", WithCauses(&**error)),
            CloseReason::Panicked(caught) => {
                write!(f, "disposing `{component}` panicked: {caught}")
            }
            CloseReason::TimedOut(limit) => {
                write!(f, "disposing `{component}` did not finish within {}", humantime::format_duration(*limit))
            }
            CloseReason::StillShared => {
                write!(f, "`{component}` could not be disposed, because something still holds an `Arc` of it")
            }
        }
    }
}

/// Ends one component.
pub(super) async fn end(
    component: &str,
    built: Built,
    disposer: Option<fn(Built, Outcome) -> Disposal>,
    outcome: Outcome,
    limit: Duration,
) -> Result<(), CloseFault> {
    let ended = match begin(built, disposer, outcome) {
        Ok(None) => Ok(()),
        Ok(Some(mut disposal)) => complete(&mut disposal, now() + limit, limit).await,
        Err(reason) => Err(reason),
    };
    ended.map_err(|reason| CloseFault { component: component.to_owned(), reason })
}

type Disposing = BoxFuture<'static, Result<(), BoxError>>;

/// Lets go of a component; what is to be awaited if it has a disposer.
fn begin(
    built: Built,
    disposer: Option<fn(Built, Outcome) -> Disposal>,
    outcome: Outcome,
) -> Result<Option<Disposing>, CloseReason> {
    let disposal = catch(move || match disposer {
        Some(dispose) => Some(dispose(built, outcome)),
        None => {
            drop(built);
            None
        }
    });
    match disposal.map_err(CloseReason::Panicked)? {
        None => Ok(None),
        Some(Disposal::StillShared) => Err(CloseReason::StillShared),
        Some(Disposal::Running(disposal)) => Ok(Some(disposal)),
    }
}

/// Awaits a disposer until its deadline, which is so long after it began.
///
/// # Cancel safety
/// Dropping it leaves the disposer where it was.
async fn complete(disposal: &mut Disposing, deadline: Instant, limit: Duration) -> Result<(), CloseReason> {
    match timeout_at(deadline, catch_panic(disposal)).await {
        Ok(Ok(result)) => result.map_err(CloseReason::Returned),
        Ok(Err(caught)) => Err(CloseReason::Panicked(caught)),
        Err(_elapsed) => Err(CloseReason::TimedOut(limit)),
    }
}

/// An executed plan that has not been closed.
pub(crate) struct Opened {
    pub(crate) frame: Frame,
    /// Absent when ending the scope is only dropping it.
    pub(crate) closing: Option<(Arc<Container>, Arc<Plan>)>,
}

impl Opened {
    /// A scope whose frame is yet to be filled.
    #[inline]
    pub(crate) fn new(container: &Arc<Container>, plan: &Arc<Plan>, context: Context) -> Self {
        let shared = plan.wants_shared.then(|| Shared::over(container, plan, context.clone()));
        Self {
            closing: (plan.disposes || shared.is_some()).then(|| (Arc::clone(container), Arc::clone(plan))),
            frame: Frame { slots: Vec::with_capacity(plan.steps.len()), context, shared },
        }
    }

    /// The scope of a run that has nothing to build and nothing to end.
    #[inline]
    pub(crate) fn bare(context: Context) -> Self {
        Self { frame: Frame::bare(context), closing: None }
    }

    /// Puts a built component into the next slot.
    #[inline]
    pub(crate) fn push(&mut self, slot: usize, built: Built) {
        if let Some(shared) = &self.frame.shared {
            shared.seed(slot, &built);
        }
        self.frame.slots.push(Some(built));
    }

    /// Whether ending the scope is only dropping it, so that [`drop_slots`](Self::drop_slots) is all of it.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.closing.is_none()
    }

    /// Ends the scope.
    #[inline]
    pub(crate) async fn close(mut self, outcome: Outcome) -> Result<(), Vec<CloseFault>> {
        match self.closing.take() {
            None => self.drop_slots(),
            Some((container, plan)) => {
                Closing { frame: self.take_frame(), container, plan, outcome, under_way: None }.finish().await
            }
        }
    }

    /// Ends the scope of a run that could not even start; its own faults are only logged.
    #[cold]
    pub(super) fn close_after_failure(self) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if let Err(faults) = self.close(Outcome::Failed).await {
                faults.iter().for_each(CloseFault::log);
            }
        })
    }

    fn take_frame(&mut self) -> Frame {
        Frame {
            slots: std::mem::take(&mut self.frame.slots),
            context: std::mem::take(&mut self.frame.context),
            shared: self.frame.shared.take(),
        }
    }

    /// Ends a plain scope.
    pub(crate) fn drop_slots(&mut self) -> Result<(), Vec<CloseFault>> {
        if self.frame.slots.is_empty() {
            return Ok(());
        }
        let slots = &mut self.frame.slots;
        catch(|| while slots.pop().is_some() {}).map_err(|caught| {
            vec![CloseFault { component: "a component".to_owned(), reason: CloseReason::Panicked(caught) }]
        })
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let Some((container, plan)) = self.closing.take() {
            let closing = Closing {
                frame: self.take_frame(),
                container: Arc::clone(&container),
                plan,
                outcome: Outcome::Cancelled,
                under_way: None,
            };
            container.reap(closing);
        }
    }
}

/// A scope whose closing is under way; dropped before it is closed, what is left goes to the reaper (invariant 3).
struct Unfinished(Option<Closing>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(closing) = self.0.take() {
            let container = Arc::clone(&closing.container);
            container.reap(closing);
        }
    }
}

/// A disposer that is being awaited.
struct UnderWay {
    provider: ProviderId,
    disposal: Disposing,
    deadline: Instant,
}

/// A scope that is being closed.
pub(crate) struct Closing {
    frame: Frame,
    container: Arc<Container>,
    plan: Arc<Plan>,
    outcome: Outcome,
    under_way: Option<UnderWay>,
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closing").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

impl Closing {
    /// What has been built, in order of construction.
    pub(crate) fn of_slots(
        container: &Arc<Container>,
        plan: Arc<Plan>,
        slots: Vec<Option<Built>>,
        outcome: Outcome,
    ) -> Self {
        let frame = Frame { slots, context: Context::default(), shared: None };
        Self { frame, container: Arc::clone(container), plan, outcome, under_way: None }
    }

    /// Ends every component, in reverse order of construction (invariants 1 and 2).
    ///
    /// # Cancel safety
    /// Dropping it hands what is left to the reaper (invariant 3).
    pub(crate) async fn finish(mut self) -> Result<(), Vec<CloseFault>> {
        if let Some(shared) = self.frame.shared.take() {
            let eager = std::mem::take(&mut self.frame.slots);
            self = shared.end(eager, self.outcome);
        }
        let mut unfinished = Unfinished(Some(self));
        let faults = match &mut unfinished.0 {
            Some(closing) => closing.end_slots().await,
            None => Vec::new(),
        };
        unfinished.0 = None;
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// # Cancel safety
    /// What is left, a disposer under way included, stays here.
    async fn end_slots(&mut self) -> Vec<CloseFault> {
        let limit = self.container.settings.dispose_timeout;
        let mut faults = Vec::new();
        loop {
            let (provider, ended) = if let Some(UnderWay { provider, disposal, deadline }) = &mut self.under_way {
                let (provider, ended) = (*provider, complete(disposal, *deadline, limit).await);
                self.under_way = None;
                (provider, ended)
            } else {
                let Some(slot) = self.frame.slots.pop() else { break };
                let Some(built) = slot else { continue };
                let provider = self.plan.steps[self.frame.slots.len()].provider;
                let disposer = self.container.graph.provider(provider).dispose;
                match begin(built, disposer, self.outcome) {
                    Ok(None) => continue,
                    Ok(Some(disposal)) => {
                        self.under_way = Some(UnderWay { provider, disposal, deadline: now() + limit });
                        continue;
                    }
                    Err(reason) => (provider, Err(reason)),
                }
            };
            if let Err(reason) = ended {
                let component = self.container.graph.provider(provider).name.clone();
                faults.push(CloseFault { component, reason });
            }
        }
        faults
    }
}
