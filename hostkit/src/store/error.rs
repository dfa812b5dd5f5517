//! Why a store did not do what it was asked.

use std::fmt;

use crate::error::BoxError;

/// A store did not do what it was asked, or nobody knows whether it did ([`is_unknown`](Self::is_unknown)).
#[derive(Debug)]
pub struct StoreError {
    /// What it was asked, as `cannot …`.
    operation: &'static str,
    kind: ErrorKind,
    outcome: Outcome,
    source: Option<BoxError>,
}

/// What a store cannot do that has failed, for [`Store::health`](super::Store::health).
pub(super) const HEALTH: &str = "take or give jobs";

/// Whether what was asked was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    NotDone,
    Unknown,
}

/// What is the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "memory fails in few ways"))]
pub(super) enum ErrorKind {
    #[error("the disk is full; make room, nothing else was lost")]
    Full,
    #[error("another process or connection holds the file's write lock; end its transaction, then try again")]
    Locked,
    #[error("the file or its directory cannot be written; give the process the right to, or name another file")]
    ReadOnly,
    #[error("the file is damaged; stop, keep a copy, and restore a backup or run `store check`")]
    Corrupt,
    #[error("the file was moved or deleted while it was in use; stop, put it back, and start again")]
    Gone,
    #[error("the disk failed; the store takes nothing more, so stop, look after the disk, and start again")]
    Io,
    #[error("the file is there already, and nothing is overwritten; name another")]
    Exists,
    #[error("the store is closed")]
    Closed,
    #[error("it answers no more after an earlier failure; stop, see to that, and start again")]
    Failed,
    #[error("its thread panicked, which is a fault of hostkit's; it takes nothing more, so stop and start again")]
    Died,
    #[error("this store cannot do that")]
    Unsupported,
    #[error("what was to be done together with it failed, so neither was done")]
    Work,
    #[error("it was not answered")]
    Unanswered,
    #[error("the store did not understand; this is a fault of hostkit's or of whoever changed its tables")]
    Internal,
}

impl StoreError {
    pub(super) fn new(operation: &'static str, kind: ErrorKind) -> Self {
        Self { operation, kind, outcome: Outcome::NotDone, source: None }
    }

    /// One that a test makes up: of a disk that failed, or else one that may go away by itself.
    #[cfg(test)]
    pub(crate) fn made_up(is_fatal: bool, is_unknown: bool) -> Self {
        let kind = if is_fatal { ErrorKind::Io } else { ErrorKind::Locked };
        let outcome = if is_unknown { Outcome::Unknown } else { Outcome::NotDone };
        Self { outcome, ..Self::new("do what a test asked for", kind) }
    }

    /// Nobody knows whether it was done.
    #[cfg(feature = "sqlite")]
    pub(super) fn unknown(self) -> Self {
        Self { outcome: Outcome::Unknown, ..self }
    }

    pub(super) fn because(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Nobody knows whether it was done. Whoever enqueued may do so again with the same idempotency key; a claim is cleared up by
    /// [`Store::reconcile`](super::Store::reconcile); what is finished may be finished again.
    ///
    /// Every other error says that it was certainly not done.
    pub fn is_unknown(&self) -> bool {
        self.outcome == Outcome::Unknown
    }

    /// It can be tried again with some hope: the disk was full, or somebody held the write lock.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, ErrorKind::Full | ErrorKind::Locked)
    }

    /// The work that was to be done together with it failed.
    #[cfg(feature = "sqlite")]
    pub(crate) fn is_of_the_work(&self) -> bool {
        self.kind == ErrorKind::Work
    }

    /// There was no room on the disk.
    pub fn is_disk_full(&self) -> bool {
        self.kind == ErrorKind::Full
    }

    /// The file is damaged.
    pub fn is_corrupt(&self) -> bool {
        self.kind == ErrorKind::Corrupt
    }

    /// The store was closed before.
    pub fn is_closed(&self) -> bool {
        self.kind == ErrorKind::Closed
    }

    /// Nothing gets better by itself: a human must see to it, and the program be started again.
    pub fn is_fatal(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Corrupt
                | ErrorKind::Gone
                | ErrorKind::Io
                | ErrorKind::Failed
                | ErrorKind::Died
                | ErrorKind::ReadOnly
        )
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.outcome {
            Outcome::NotDone => write!(f, "cannot {}: {}", self.operation, self.kind),
            Outcome::Unknown => write!(f, "cannot tell whether it could {}: {}", self.operation, self.kind),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// A store could not be opened: what is the matter with it, or with the URL that names it, and what to do.
#[derive(Debug)]
pub struct OpenError {
    message: String,
    source: Option<BoxError>,
    is_configuration: bool,
    is_corrupt: bool,
}

impl OpenError {
    /// The URL is wrong, or asks for what this store cannot do.
    pub(super) fn configuration(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None, is_configuration: true, is_corrupt: false }
    }

    /// The URL is fine and the store is not.
    #[cfg(feature = "sqlite")]
    pub(super) fn store(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None, is_configuration: false, is_corrupt: false }
    }

    #[cfg(feature = "sqlite")]
    pub(super) fn because(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    #[cfg(feature = "sqlite")]
    pub(super) fn corrupt(self) -> Self {
        Self { is_corrupt: true, ..self }
    }

    /// The file is damaged, or is something else than a store.
    pub fn is_corrupt(&self) -> bool {
        self.is_corrupt
    }

    /// Whether only another configuration can help: exit code 78, where everything else is 75.
    pub fn is_configuration(&self) -> bool {
        self.is_configuration
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
