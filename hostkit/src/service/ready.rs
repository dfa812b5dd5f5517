//! What a background service may ask for about itself: which instance it is, and to say when it is ready.

use std::fmt;
use std::sync::Arc;

use super::instances::{Instances, Phase};
use crate::component::{kind, run_value};

/// Which of its instances a background service with `instances = n` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Instance {
    index: usize,
    count: usize,
}

run_value!(Instance, kind::Background);

impl Instance {
    /// Instance `index` of `count`, for a test that calls the function by hand.
    pub const fn new(index: usize, count: usize) -> Self {
        Self { index, count }
    }

    /// Its number, from 0. It stays the same when the instance is restarted.
    pub const fn index(self) -> usize {
        self.index
    }

    /// How many instances there are, itself included; 1 unless the option `instances` says otherwise.
    pub const fn count(self) -> usize {
        self.count
    }
}

/// Says that a background service is ready: what names it in its `after` may start.
///
/// A service that asks for it is ready when it calls [`notify`](Self::notify) or ends well; one that does not is ready
/// when it is first polled. With several instances the service is ready when all are.
#[derive(Clone)]
pub struct Ready(Option<Arc<Mark>>);

struct Mark {
    instances: Instances,
    index: usize,
    once: std::sync::Once,
}

run_value!(Ready, kind::Background);

impl Ready {
    /// One that tells nobody, for a test that calls the function by hand.
    pub const fn new() -> Self {
        Self(None)
    }

    pub(super) fn of(instances: &Instances, index: usize) -> Self {
        Self(Some(Arc::new(Mark { instances: instances.clone(), index, once: std::sync::Once::new() })))
    }

    /// Says that the service is ready. Calling it again does nothing.
    pub fn notify(&self) {
        if let Some(mark) = &self.0 {
            mark.once.call_once(|| mark.instances.set(mark.index, Phase::Running));
        }
    }
}

impl Default for Ready {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.0.as_ref().is_some_and(|mark| mark.once.is_completed());
        f.debug_struct("Ready").field("told", &told).finish()
    }
}
