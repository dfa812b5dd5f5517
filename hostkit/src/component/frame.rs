//! The slots of one run, and what belongs to that run alone.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::recipe::Built;
use super::shared::Shared;

/// The built components of one run, in order of construction.
///
/// A plan knows each component's slot, so reading one is indexing.
pub struct Frame {
    pub(crate) slots: Vec<Option<Built>>,
    pub(crate) context: Context,
    pub(crate) shared: Option<Arc<Shared>>,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame").field("slots", &self.slots.len()).finish_non_exhaustive()
    }
}

impl Frame {
    /// The frame of a plan without components.
    #[inline]
    pub(crate) fn bare(context: Context) -> Self {
        Self { slots: Vec::new(), context, shared: None }
    }

    /// What the plan put there before anybody could ask for it.
    #[inline]
    pub(crate) fn slot(&self, index: usize) -> &Built {
        self.slots[index].as_ref().expect("a plan builds a slot before anyone who reads it")
    }
}

/// What is handed to one run and is not a component.
#[derive(Clone, Default)]
pub(crate) struct Context {
    /// Present when the plan asks for it.
    pub(crate) token: Option<CancellationToken>,
    /// Present when the plan asks for any.
    pub(crate) values: Option<Arc<dyn RunValues>>,
}

/// Values such as `Tick`, found by their type: a tuple of them, so that a run needs one allocation for all.
pub(crate) trait RunValues: Send + Sync {
    fn find(&self, of: TypeId) -> Option<&dyn Any>;
}

impl<A: Any + Send + Sync> RunValues for (A,) {
    fn find(&self, of: TypeId) -> Option<&dyn Any> {
        (TypeId::of::<A>() == of).then_some(&self.0)
    }
}

impl<A: Any + Send + Sync, B: Any + Send + Sync> RunValues for (A, B) {
    fn find(&self, of: TypeId) -> Option<&dyn Any> {
        if TypeId::of::<A>() == of { Some(&self.0) } else { (TypeId::of::<B>() == of).then_some(&self.1) }
    }
}

impl Context {
    /// A value of this run.
    pub(crate) fn value<T: Any>(&self) -> Option<&T> {
        self.values.as_ref()?.find(TypeId::of::<T>())?.downcast_ref()
    }
}
