//! What a request carries to its extractors: the way to its scope.
//!
//! # Invariants
//!
//! 1. A scope is opened at most once per request, by whoever asks first.
//! 2. The layer owns it: extractors are lent the scope, so whatever they keep, it ends with the request.
//! 3. Once it has ended, nobody opens another.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::request::Parts;
use http::{Method, Uri};

use crate::component::{Outcome, Scope, Scopes};

/// A request's way to its scope. Cloning it clones a reference.
#[derive(Clone)]
pub(super) struct RequestScope(Arc<Inner>);

struct Inner {
    scopes: Scopes,
    phase: Mutex<Phase>,
}

enum Phase {
    Unused,
    Open(OfRequest),
    Ended,
}

/// The scope that was opened for a request.
pub(super) struct OfRequest {
    pub(super) scope: Scope,
    pub(super) line: RequestLine,
}

impl RequestScope {
    pub(super) fn new(scopes: Scopes) -> Self {
        Self(Arc::new(Inner { scopes, phase: Mutex::new(Phase::Unused) }))
    }

    pub(super) fn scopes(&self) -> &Scopes {
        &self.0.scopes
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.0.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scope, opened now unless it was; none once the request has been answered.
    pub(super) fn lend(&self, parts: &Parts) -> Option<Scope> {
        let mut phase = self.phase();
        match &*phase {
            Phase::Unused => {
                let scope = self.0.scopes.open();
                let lent = scope.lend();
                *phase = Phase::Open(OfRequest { scope, line: RequestLine::of(parts) });
                Some(lent)
            }
            Phase::Open(opened) => Some(opened.scope.lend()),
            Phase::Ended => None,
        }
    }

    /// Takes the scope out, if one was opened (invariant 3).
    fn take(&self) -> Option<OfRequest> {
        match std::mem::replace(&mut *self.phase(), Phase::Ended) {
            Phase::Open(opened) => Some(opened),
            Phase::Unused | Phase::Ended => None,
        }
    }
}

/// The layer's hold on a request's scope (invariant 2); dropped before the answer, it ends the scope in the background.
pub(super) struct Owner {
    request: RequestScope,
    /// Whether what is below is being polled: it panics if this is dropped with it.
    pub(super) polled: bool,
}

impl Owner {
    pub(super) fn of(request: RequestScope) -> Self {
        Self { request, polled: false }
    }

    /// The scope, if one was opened, to be closed by whoever asks.
    pub(super) fn end(&self) -> Option<OfRequest> {
        self.request.take()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(OfRequest { scope, .. }) = self.request.take() {
            scope.abandon(if self.polled { Outcome::Failed } else { Outcome::Cancelled });
        }
    }
}

/// Which request it is, for a log line: never the query, which may hold secrets.
#[derive(Debug)]
pub(super) struct RequestLine {
    method: Method,
    uri: Uri,
}

impl RequestLine {
    pub(super) fn of(parts: &Parts) -> Self {
        Self { method: parts.method.clone(), uri: parts.uri.clone() }
    }
}

impl fmt::Display for RequestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.uri.path())
    }
}
