//! Whether a host makes progress, in words.

use std::fmt;

/// Whether a host makes progress: its runtime polls tasks, and so do hostkit's own tasks and its thread.
///
/// It says nothing of the services: [`status`](crate::RunningHost::status) does. A service that holds one of several threads
/// leaves the host healthy; one that holds the only thread does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    pub(super) problems: Vec<String>,
}

impl Health {
    /// Whether nothing is wrong. It takes at most 5 s from the moment that something is.
    pub fn is_healthy(&self) -> bool {
        self.problems.is_empty()
    }

    /// What is wrong, one line each.
    pub fn problems(&self) -> impl Iterator<Item = &str> {
        self.problems.iter().map(String::as_str)
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_healthy() { f.write_str("healthy") } else { f.write_str(&self.problems.join("; ")) }
    }
}
