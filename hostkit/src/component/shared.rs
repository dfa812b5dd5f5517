//! The part of a scope that can grow while it is in use: what `Lazy` and `Scope` build on demand.
//!
//! # Invariants
//!
//! 1. The steps are those of the plan that opened the scope, in its order, then whatever was got later: reverse order is
//!    dependents first.
//! 2. No lock is held while a constructor runs, so a constructor may itself get something lazy.
//! 3. Once it has ended nothing is built any more; what is under construction by then is disposed by whoever builds it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::container::Container;
use super::dispose::{CloseFault, Closing, Outcome, end};
use super::frame::{Context, Frame};
use super::graph::ProviderId;
use super::plan::{Failure, InjectError, Place, Plan, construct};
use super::recipe::Built;

/// A scope's state behind `Lazy` and `Scope`.
pub(crate) struct Shared {
    pub(crate) container: Arc<Container>,
    context: Context,
    state: Mutex<State>,
}

struct State {
    plan: Plan,
    cells: Vec<Arc<Cell>>,
    /// How the scope ended, once it is being closed.
    closed: Option<Outcome>,
}

/// One slot: built at most once, taken once at the end.
#[derive(Default)]
struct Cell {
    built: OnceCell<()>,
    value: Mutex<Option<Built>>,
}

impl Cell {
    fn read(&self) -> Option<Built> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn write(&self, value: Option<Built>) -> Option<Built> {
        std::mem::replace(&mut *self.value.lock().unwrap_or_else(PoisonError::into_inner), value)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    /// The growing side of a frame.
    pub(crate) fn over(container: &Arc<Container>, plan: &Plan, context: Context) -> Arc<Self> {
        let plan = plan.clone();
        let cells = plan.steps.iter().map(|_| Arc::default()).collect();
        Arc::new(Self {
            container: Arc::clone(container),
            context,
            state: Mutex::new(State { plan, cells, closed: None }),
        })
    }

    /// A scope that starts empty.
    pub(crate) fn empty(container: &Arc<Container>, context: Context) -> Arc<Self> {
        Self::over(container, &Plan::default(), context)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the plan built itself is there for the lazy ones, too.
    pub(crate) fn seed(&self, slot: usize, built: &Built) {
        let cell = Arc::clone(&self.state().cells[slot]);
        cell.write(Some(Arc::clone(built)));
        // Setting fails only for a cell that is set, and then there is nothing to do.
        let _ = cell.built.set(());
    }

    /// Builds, unless it was, the component in a slot of the plan.
    pub(crate) async fn build_slot(self: &Arc<Self>, slot: usize) -> Result<Built, InjectError> {
        let steps = self.closure(slot)?;
        for step in &steps {
            self.build_step(*step).await?;
        }
        self.cell(slot)?.read().ok_or_else(closed)
    }

    fn cell(&self, slot: usize) -> Result<Arc<Cell>, InjectError> {
        // Closing takes the cells away.
        self.state().cells.get(slot).cloned().ok_or_else(closed)
    }

    /// Builds, unless it was, a provider's component.
    pub(crate) async fn build(self: &Arc<Self>, provider: ProviderId) -> Result<Built, InjectError> {
        let place = {
            let mut state = self.state();
            if state.closed.is_some() {
                return Err(closed());
            }
            let State { plan, cells, .. } = &mut *state;
            let place = plan.add(&self.container.graph, provider);
            cells.resize_with(plan.steps.len(), Arc::default);
            place
        };
        match place {
            Place::Singleton(id) => self.container.ensure(id).await,
            Place::Slot(slot) => self.build_slot(slot).await,
            _ => Err(InjectError::wrong_type()),
        }
    }

    /// The slots that this one reads, itself included, in order.
    fn closure(&self, slot: usize) -> Result<BTreeSet<usize>, InjectError> {
        let state = self.state();
        if state.closed.is_some() {
            return Err(closed());
        }
        let mut needed = BTreeSet::new();
        let mut open = vec![slot];
        while let Some(slot) = open.pop() {
            if needed.insert(slot) {
                open.extend(state.plan.steps[slot].reads());
            }
        }
        Ok(needed)
    }

    async fn build_step(self: &Arc<Self>, slot: usize) -> Result<(), InjectError> {
        let cell = self.cell(slot)?;
        cell.built
            .get_or_try_init(|| async {
                let singletons = self.state().plan.steps.get(slot).ok_or_else(closed)?.singletons();
                self.container.ensure_all(&singletons).await?;
                let (step, mut frame, provider) = {
                    let _alive = self.container.alive()?;
                    let state = self.state();
                    if state.closed.is_some() {
                        return Err(closed());
                    }
                    let planned = &state.plan.steps[slot];
                    let frame = Frame {
                        slots: state.cells.iter().map(|cell| cell.read()).collect(),
                        context: self.context.clone(),
                        shared: Some(Arc::clone(self)),
                    };
                    (self.container.bind(planned), frame, planned.provider)
                };
                let limit = self.container.construction_limit(provider);
                match construct(&*step, &mut frame, limit).await {
                    Ok(built) => self.keep(&cell, provider, built).await,
                    Err(failure) => {
                        Err(InjectError::new(self.container.graph.provider(provider).name.clone(), failure))
                    }
                }
            })
            .await?;
        Ok(())
    }

    /// Puts what was built into its cell, or ends it if the scope was closed meanwhile (invariant 3).
    async fn keep(&self, cell: &Cell, provider: ProviderId, built: Built) -> Result<(), InjectError> {
        let outcome = {
            let state = self.state();
            let Some(outcome) = state.closed else {
                cell.write(Some(built));
                return Ok(());
            };
            outcome
        };
        let provider = self.container.graph.provider(provider);
        let limit = self.container.settings.dispose_timeout;
        end(&provider.name, built, provider.dispose, outcome, limit).await.unwrap_or_else(|fault| fault.log());
        Err(closed())
    }

    /// Whether nothing is built here any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.state().closed.is_some()
    }

    /// Ends the scope: what it holds is no longer here but in what is returned, to be finished by whoever has it.
    pub(crate) fn end(&self, mut eager: Vec<Option<Built>>, outcome: Outcome) -> Closing {
        let (cells, plan) = {
            let mut state = self.state();
            state.closed = Some(outcome);
            (std::mem::take(&mut state.cells), std::mem::take(&mut state.plan))
        };
        eager.resize_with(cells.len().max(eager.len()), || None);
        for (slot, cell) in eager.iter_mut().zip(cells) {
            // What the frame built is in both places.
            let lazily = cell.write(None);
            *slot = slot.take().or(lazily);
        }
        Closing::of_slots(&self.container, Arc::new(plan), eager, outcome)
    }

    /// Ends every component of the scope, also those that the frame built.
    ///
    /// # Cancel safety
    /// Dropping it hands what is left to the reaper, which goes on with the same outcome.
    pub(crate) async fn close(&self, eager: Vec<Option<Built>>, outcome: Outcome) -> Vec<CloseFault> {
        self.end(eager, outcome).finish().await.err().unwrap_or_default()
    }
}

fn closed() -> InjectError {
    InjectError::new("a component of this scope".to_owned(), Failure::ScopeClosed)
}

/// Where a `Lazy` builds.
pub(crate) enum LazySource {
    /// It was handed a value.
    Ready,
    /// A singleton of the host.
    Singleton(Arc<Container>, ProviderId, Option<&'static (dyn std::any::Any + Send + Sync)>),
    /// A slot of the owner's scope.
    Scope(Arc<Shared>, usize, Option<&'static (dyn std::any::Any + Send + Sync)>),
}

impl LazySource {
    pub(crate) async fn build(&self) -> Result<Built, InjectError> {
        match self {
            Self::Ready => Err(InjectError::wrong_type()),
            Self::Singleton(container, id, _) => container.ensure(*id).await,
            Self::Scope(shared, slot, _) => shared.build_slot(*slot).await,
        }
    }

    pub(crate) fn cast(&self) -> Option<&'static (dyn std::any::Any + Send + Sync)> {
        match self {
            Self::Ready => None,
            Self::Singleton(_, _, cast) | Self::Scope(_, _, cast) => *cast,
        }
    }
}
