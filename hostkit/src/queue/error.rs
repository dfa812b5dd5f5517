//! Why a payload was not accepted.

use std::error::Error;
use std::fmt;
use std::sync::{Mutex, PoisonError};

#[cfg(feature = "durable")]
use crate::store::{JobId, StoreError};

/// A queue did not accept a payload: it was full, or it was closed because the host stops; of a durable function also
/// because the store refused the job or did not answer. Gives the payload back.
pub struct EnqueueError<P = ()> {
    kind: EnqueueErrorKind,
    /// Behind a mutex, so that the error is [`Sync`] whatever the payload is, as most error types ask.
    payload: Mutex<P>,
}

#[derive(Debug, thiserror::Error)]
enum EnqueueErrorKind {
    #[error("the queue is full")]
    Full,
    #[error("the queue is closed")]
    Closed,
    #[cfg(feature = "durable")]
    #[error(transparent)]
    Refused(Box<Refused>),
}

/// Why a job was not stored, or that nobody knows.
#[cfg(feature = "durable")]
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("the job is the same as job {0}")]
    Duplicate(JobId),
    #[error(
        "the payload has {0} bytes as JSON, and a store takes {limit}; store what is large elsewhere and enqueue its name",
        limit = crate::store::PAYLOAD_LIMIT
    )]
    TooLarge(usize),
    #[error("the host has not started, so its store is not open")]
    NotStarted,
    #[error("the payload cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
    #[error("making the job panicked: {0}")]
    Panicked(String),
    #[error("{0}")]
    Asked(String),
    #[error(transparent)]
    Store(StoreError),
}

impl<P> EnqueueError<P> {
    fn new(kind: EnqueueErrorKind, payload: P) -> Self {
        Self { kind, payload: Mutex::new(payload) }
    }

    pub(super) fn full(payload: P) -> Self {
        Self::new(EnqueueErrorKind::Full, payload)
    }

    pub(super) fn closed(payload: P) -> Self {
        Self::new(EnqueueErrorKind::Closed, payload)
    }

    #[cfg(feature = "durable")]
    pub(super) fn refused(refused: Refused, payload: P) -> Self {
        Self::new(EnqueueErrorKind::Refused(Box::new(refused)), payload)
    }

    pub(super) fn without_payload(self) -> EnqueueError {
        EnqueueError { kind: self.kind, payload: Mutex::new(()) }
    }

    /// Whether every place was taken: [`Queue::try_enqueue`](crate::Queue::try_enqueue) says so, `full = "reject"`, and a
    /// durable function with a `capacity`.
    pub fn is_full(&self) -> bool {
        matches!(self.kind, EnqueueErrorKind::Full)
    }

    /// Whether the queue accepts nothing any more.
    pub fn is_closed(&self) -> bool {
        matches!(self.kind, EnqueueErrorKind::Closed)
    }

    /// The payload.
    pub fn into_payload(self) -> P {
        self.payload.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What only a store says.
#[cfg(feature = "durable")]
impl<P> EnqueueError<P> {
    fn refusal(&self) -> Option<&Refused> {
        match &self.kind {
            EnqueueErrorKind::Refused(refused) => Some(refused),
            _ => None,
        }
    }

    /// The job that is already there in the place of this one, by its idempotency key or its unique key; none if that was
    /// not the reason.
    pub fn duplicate_of(&self) -> Option<JobId> {
        match self.refusal() {
            Some(Refused::Duplicate(id)) => Some(*id),
            _ => None,
        }
    }

    /// Whether the payload has more bytes than a store takes ([`PAYLOAD_LIMIT`](crate::store::PAYLOAD_LIMIT)).
    pub fn is_too_large(&self) -> bool {
        matches!(self.refusal(), Some(Refused::TooLarge(_)))
    }

    /// Whether nobody knows if the job is stored. Enqueue it again with the same [key](crate::Enqueue::key): if it is, the
    /// second is a [duplicate](Self::duplicate_of) of it. Every other error says that the job is certainly not stored.
    pub fn is_unknown(&self) -> bool {
        matches!(self.refusal(), Some(Refused::Store(error)) if error.is_unknown())
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

impl<P> Error for EnqueueError<P> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.kind.source()
    }
}
