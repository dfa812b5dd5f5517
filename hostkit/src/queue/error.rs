//! Why a payload was not accepted.

use std::error::Error;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// A queue did not accept a payload: it was full, or it was closed because the host stops. Gives the payload back.
pub struct EnqueueError<P = ()> {
    kind: EnqueueErrorKind,
    /// Behind a mutex, so that the error is [`Sync`] whatever the payload is, as most error types ask.
    payload: Mutex<P>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum EnqueueErrorKind {
    #[error("the queue is full")]
    Full,
    #[error("the queue is closed")]
    Closed,
}

impl<P> EnqueueError<P> {
    pub(super) fn full(payload: P) -> Self {
        Self { kind: EnqueueErrorKind::Full, payload: Mutex::new(payload) }
    }

    pub(super) fn closed(payload: P) -> Self {
        Self { kind: EnqueueErrorKind::Closed, payload: Mutex::new(payload) }
    }

    pub(super) fn without_payload(self) -> EnqueueError {
        EnqueueError { kind: self.kind, payload: Mutex::new(()) }
    }

    /// Whether every place was taken; only [`Queue::try_enqueue`](crate::Queue::try_enqueue) says so.
    pub fn is_full(&self) -> bool {
        self.kind == EnqueueErrorKind::Full
    }

    /// Whether the queue accepts nothing any more.
    pub fn is_closed(&self) -> bool {
        self.kind == EnqueueErrorKind::Closed
    }

    /// The payload.
    pub fn into_payload(self) -> P {
        self.payload.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without the payload, which is never logged.
impl<P> fmt::Debug for EnqueueError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EnqueueError").field(&self.kind).finish()
    }
}

impl<P> fmt::Display for EnqueueError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl<P> Error for EnqueueError<P> {}
