//! The end of a scope: dependents first, each disposer awaited, nothing skipped.
//!
//! # Invariants
//!
//! 1. Slots end in reverse order of construction; a slot's value is let go of everywhere in the scope before the next.
//! 2. Every disposer is awaited with a deadline of its own; an error, a panic or an elapsed deadline is collected and
//!    ends none of the others.
//! 3. An [`Opened`] scope that is dropped unclosed goes to the reaper and is closed as cancelled.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Construct;
use super::container::Container;
use super::frame::{Context, Frame};
use super::plan::Plan;
use super::recipe::Built;
use super::run::Caught;
use super::shared::Shared;
use super::unwind::{catch, catch_panic};
use crate::error::{BoxError, WithCauses};

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
    let fault = |reason| CloseFault { component: component.to_owned(), reason };
    let disposal = catch(move || match disposer {
        Some(dispose) => Some(dispose(built, outcome)),
        None => {
            drop(built);
            None
        }
    });
    match disposal {
        Err(caught) => Err(fault(CloseReason::Panicked(caught))),
        Ok(None) => Ok(()),
        Ok(Some(Disposal::StillShared)) => Err(fault(CloseReason::StillShared)),
        Ok(Some(Disposal::Running(future))) => match tokio::time::timeout(limit, catch_panic(future)).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(fault(CloseReason::Returned(error))),
            Ok(Err(caught)) => Err(fault(CloseReason::Panicked(caught))),
            Err(_elapsed) => Err(fault(CloseReason::TimedOut(limit))),
        },
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
            Some((container, plan)) => Closing { frame: self.take_frame(), container, plan, outcome }.finish().await,
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
            };
            container.reap(closing);
        }
    }
}

/// A scope that is being closed.
pub(crate) struct Closing {
    frame: Frame,
    container: Arc<Container>,
    plan: Arc<Plan>,
    outcome: Outcome,
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closing").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

impl Closing {
    /// A scope without a frame of its own.
    pub(crate) fn of_shared(shared: Arc<Shared>, outcome: Outcome) -> Self {
        let container = Arc::clone(&shared.container);
        let frame = Frame { slots: Vec::new(), context: Context::default(), shared: Some(shared) };
        Self { frame, container, plan: Arc::default(), outcome }
    }

    /// Ends every component, in reverse order of construction (invariants 1 and 2).
    pub(crate) async fn finish(self) -> Result<(), Vec<CloseFault>> {
        let Self { mut frame, container, plan, outcome } = self;
        let limit = container.settings.dispose_timeout;
        let mut faults = Vec::new();
        if let Some(shared) = frame.shared.take() {
            let eager = std::mem::take(&mut frame.slots);
            drop(frame);
            faults = shared.close(eager, outcome).await;
        } else {
            while let Some(slot) = frame.slots.pop() {
                let provider = container.graph.provider(plan.steps[frame.slots.len()].provider);
                if let Some(built) = slot
                    && let Err(fault) = end(&provider.name, built, provider.dispose, outcome, limit).await
                {
                    faults.push(fault);
                }
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}
