//! What the test kit sees of the payloads of one queue (feature `testing`).
//!
//! A queue of a host that no test started has no tap, and enqueueing is then one look at a null pointer. Without the
//! feature `queue/no_tap.rs` stands here, of which nothing is left.

use std::sync::{Arc, Mutex, PoisonError};

use crate::function::CopyOf;
use crate::runner::Probe;

/// Copies of the payloads that a queue accepted, in order; nothing where nobody looks on.
pub(super) struct Tap<P>(Option<Arc<Inner<P>>>);

struct Inner<P> {
    function: &'static str,
    probe: Probe,
    /// Payloads that cannot be copied are counted only.
    copy: Option<CopyOf<P>>,
    seen: Mutex<Vec<P>>,
}

/// A payload that is on its way into the queue.
pub(super) struct Offered<P>(Option<P>);

impl<P> Tap<P> {
    pub(super) fn new(function: &'static str, probe: &Probe, copy: Option<CopyOf<P>>) -> Self {
        let inner = || Arc::new(Inner { function, probe: probe.clone(), copy, seen: Mutex::default() });
        Self(probe.is_on().then(inner))
    }

    /// Looks at a payload before it is gone.
    #[inline]
    pub(super) fn offer(&self, payload: &P) -> Offered<P> {
        match &self.0 {
            None => Offered(None),
            Some(inner) => Offered(inner.copy.map(|copy| copy(payload))),
        }
    }

    /// It was accepted.
    #[inline]
    pub(super) fn accepted(&self, offered: Offered<P>) {
        if let Some(inner) = &self.0 {
            inner.seen.lock().unwrap_or_else(PoisonError::into_inner).extend(offered.0);
            inner.probe.enqueued(inner.function);
        }
    }

    /// What was accepted so far, if it can be copied and anybody looks on.
    pub(super) fn seen(&self) -> Option<Vec<P>> {
        let inner = self.0.as_ref()?;
        let copy = inner.copy?;
        Some(inner.seen.lock().unwrap_or_else(PoisonError::into_inner).iter().map(copy).collect())
    }
}

impl<P> Clone for Tap<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
