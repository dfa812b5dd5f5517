//! What waits for the writer.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::operation::Operation;

/// One transaction takes no more than so many jobs, so that nobody waits long for those before it.
const HEAVIEST: usize = 2000;

/// Operations on their way to the writer, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    came: Condvar,
}

#[derive(Default)]
struct Waiting {
    operations: VecDeque<Box<dyn Operation>>,
    /// The writer sleeps until so many are here.
    wakes_at: Option<usize>,
    is_closed: bool,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting")
            .field("operations", &self.operations.len())
            .field("is_closed", &self.is_closed)
            .finish_non_exhaustive()
    }
}

/// Where an operation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Behind all others.
    Last,
    /// Before all others: a lease is at stake.
    First,
}

/// What there is to do.
pub(super) enum Next {
    Group(Vec<Box<dyn Operation>>),
    /// Nothing came in this time.
    Idle,
    Closed,
}

impl Inbox {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over an operation, or gives it back if nobody takes it any more.
    pub(super) fn push(&self, operation: Box<dyn Operation>, turn: Turn) -> Result<(), Box<dyn Operation>> {
        let mut waiting = self.waiting();
        if waiting.is_closed {
            return Err(operation);
        }
        let is_urgent = turn == Turn::First;
        if is_urgent {
            waiting.operations.push_front(operation);
        } else {
            waiting.operations.push_back(operation);
        }
        if waiting.wakes_at.is_some_and(|count| is_urgent || waiting.operations.len() >= count) {
            waiting.wakes_at = None;
            drop(waiting);
            self.came.notify_one();
        }
        Ok(())
    }

    /// Takes nothing more.
    pub(super) fn close(&self) {
        self.waiting().is_closed = true;
        self.came.notify_one();
    }

    /// Takes nothing more and drops what is here.
    pub(super) fn abandon(&self) {
        let mut waiting = self.waiting();
        waiting.is_closed = true;
        let dropped = std::mem::take(&mut waiting.operations);
        drop(waiting);
        drop(dropped);
    }

    /// Waits for operations: for the first at most `idle`, and then at most `linger` for as many as came together last time.
    pub(super) fn next(&self, idle: Duration, expected: usize, linger: Duration) -> Next {
        let mut waiting = self.sleep(self.waiting(), idle, 1);
        if waiting.operations.is_empty() {
            return if waiting.is_closed { Next::Closed } else { Next::Idle };
        }
        if expected > 1 {
            waiting = self.sleep(waiting, linger, expected);
        }
        let mut weight = 0;
        let fitting = waiting.operations.iter().take_while(|operation| {
            let fits = weight < HEAVIEST;
            weight += operation.weight();
            fits
        });
        let count = fitting.count();
        Next::Group(waiting.operations.drain(..count).collect())
    }

    fn sleep<'a>(
        &'a self,
        mut waiting: MutexGuard<'a, Waiting>,
        most: Duration,
        count: usize,
    ) -> MutexGuard<'a, Waiting> {
        if waiting.operations.len() >= count || waiting.is_closed {
            return waiting;
        }
        waiting.wakes_at = Some(count);
        let (mut waiting, _timeout) = self
            .came
            .wait_timeout_while(waiting, most, |waiting| waiting.wakes_at.is_some() && !waiting.is_closed)
            .unwrap_or_else(PoisonError::into_inner);
        waiting.wakes_at = None;
        waiting
    }
}
