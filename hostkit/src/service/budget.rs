//! How often a failing service may be restarted, and how long to wait before.
//!
//! # Invariants
//!
//! 1. At most `max_restarts` restarts are granted in any stretch of `within`.
//! 2. A call that lasted `within` before it failed was healthy: all restarts are granted anew, and the backoff starts
//!    at its first delay.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::options::Options;
use crate::time::Backoff;

#[derive(Debug)]
pub(super) struct Budget {
    max_restarts: usize,
    within: Duration,
    backoff: Backoff,
    /// The failures that were answered with a restart, the oldest first.
    granted: VecDeque<Instant>,
    /// Failures since the last healthy call.
    in_a_row: u32,
}

impl Budget {
    pub(super) fn new(options: &Options) -> Self {
        let Options { max_restarts, within, backoff, .. } = *options;
        Self { max_restarts, within, backoff, granted: VecDeque::new(), in_a_row: 0 }
    }

    /// How long to wait before the next try, or none if there shall be no other.
    pub(super) fn spend(&mut self, started: Instant, failed: Instant) -> Option<Duration> {
        if failed.duration_since(started) >= self.within {
            self.granted.clear();
            self.in_a_row = 0;
        }
        while self.granted.front().is_some_and(|first| failed.duration_since(*first) >= self.within) {
            self.granted.pop_front();
        }
        if self.granted.len() >= self.max_restarts {
            return None;
        }
        self.granted.push_back(failed);
        let delay = self.backoff.delay(self.in_a_row);
        self.in_a_row = self.in_a_row.saturating_add(1);
        Some(delay)
    }

    /// How many restarts are left at this instant.
    pub(super) fn left(&self) -> usize {
        self.max_restarts - self.granted.len()
    }
}
