//! The place of `probe` without the feature `testing`: nobody looks on, and nothing of this is left in the program.

use std::time::Duration;

use super::{Callee, ServiceState};

/// Nobody.
#[derive(Debug, Clone, Default)]
pub(crate) struct Probe(());

#[allow(clippy::unused_self, reason = "somebody, with the feature")]
impl Probe {
    #[inline]
    pub(crate) fn state(&self, _function: &'static str, _state: &ServiceState) {}

    #[inline]
    pub(crate) fn retried(&self, _function: &'static str, _wait: Duration) {}

    #[inline]
    pub(crate) fn missed(&self, _function: &'static str, _count: u64) {}

    #[inline]
    pub(crate) fn around(&self, _function: &'static str, callee: Box<dyn Callee>) -> Box<dyn Callee> {
        callee
    }
}
