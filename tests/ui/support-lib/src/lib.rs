//! What the compile-error tests take from another crate: components of each lifetime, traits, a queued function.

use std::sync::Arc;

use hostkit::Outcome;

/// A singleton.
#[hostkit::singleton]
#[derive(Debug)]
pub struct Clock {}

/// A scoped component.
#[hostkit::scoped]
#[derive(Debug)]
pub struct Session {}

/// A transient that holds a scoped component.
#[hostkit::transient]
#[derive(Debug)]
pub struct Report {
    /// Makes every holder of a report a holder of a session.
    pub session: Arc<Session>,
}

/// A transient that is disposed.
#[derive(Debug)]
pub struct Draft;

#[hostkit::transient]
impl Draft {
    fn new() -> Self {
        Self
    }

    fn dispose(self, outcome: Outcome) {
        let _ = (self, outcome);
    }
}

/// A transient that can be owned.
#[hostkit::transient]
#[derive(Debug)]
pub struct Buffer {
    /// Filled by its owner.
    #[inject(default)]
    pub lines: Vec<String>,
}

/// A generic transient that holds whatever it is asked for with.
#[hostkit::transient]
#[derive(Debug)]
pub struct Passing<T> {
    /// What it holds.
    pub inner: Arc<T>,
}

/// A type without an attribute.
#[derive(Debug)]
pub struct Plain;

/// A trait that components are asked for as.
pub trait Mailer: Send + Sync {}

/// Another one.
pub trait Archive: Send + Sync {}

/// A queued function.
#[hostkit::queued]
pub async fn deliver(letter: String) {
    drop(letter);
}
