//! What user code enqueues with.

use std::fmt;

use async_channel::{Sender, TrySendError};
use tokio::task::coop;

use super::EnqueueError;
use crate::component::{fitting, short_type_name};
use crate::function::Queued;

/// The queue of the function `F`. Cloning it clones a reference.
///
/// It is asked for as a parameter, and it may leave the host's own code: put it into an axum state, hand it to another
/// thread, keep it for as long as you like. Once the host has stopped it accepts nothing any more.
///
/// Payloads come out in the order in which they were accepted; with `concurrency = 1` they are also worked off in that
/// order.
pub struct Queue<F: Queued> {
    sender: Sender<F::Payload>,
}

fitting!([F: Queued] Queue<F>, missing::<F>);

fn missing<F: Queued>() -> String {
    let name = short_type_name(std::any::type_name::<F>());
    format!("`Queue<{name}>`, but `{name}` does not run in this host")
}

impl<F: Queued> Queue<F> {
    pub(super) fn new(sender: Sender<F::Payload>) -> Self {
        Self { sender }
    }

    /// Puts a payload into the queue, and waits for a free place while the queue is full.
    ///
    /// Payloads may be enqueued before the host has started: they wait.
    ///
    /// # Errors
    /// Fails when the queue is closed, because the host stops or is gone; the payload is in the error.
    ///
    /// # Cancel safety
    /// Dropping the future before it is done drops the payload and leaves nothing in the queue.
    #[inline]
    pub async fn enqueue(&self, payload: F::Payload) -> Result<(), EnqueueError<F::Payload>> {
        // The channel knows nothing of tokio, and whoever enqueues in a loop must not starve the others.
        coop::consume_budget().await;
        match self.sender.try_send(payload) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(payload)) => Err(EnqueueError::closed(payload)),
            Err(TrySendError::Full(payload)) => {
                self.sender.send(payload).await.map_err(|refused| EnqueueError::closed(refused.into_inner()))
            }
        }
    }

    /// Puts a payload into the queue if a place is free.
    ///
    /// # Errors
    /// Fails when the queue is full or closed; the payload is in the error.
    #[inline]
    pub fn try_enqueue(&self, payload: F::Payload) -> Result<(), EnqueueError<F::Payload>> {
        self.sender.try_send(payload).map_err(|refused| match refused {
            TrySendError::Full(payload) => EnqueueError::full(payload),
            TrySendError::Closed(payload) => EnqueueError::closed(payload),
        })
    }

    /// How many payloads wait. Those that are being worked on do not count.
    pub fn len(&self) -> usize {
        self.sender.len()
    }

    /// Whether no payload waits.
    pub fn is_empty(&self) -> bool {
        self.sender.is_empty()
    }

    /// Whether it accepts nothing any more.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// How many payloads may wait: the option `capacity`, 100 unless set.
    pub fn capacity(&self) -> usize {
        // Only an unbounded channel has none.
        self.sender.capacity().unwrap_or(usize::MAX)
    }
}

impl<F: Queued> Clone for Queue<F> {
    fn clone(&self) -> Self {
        Self::new(self.sender.clone())
    }
}

impl<F: Queued> fmt::Debug for Queue<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("function", &F::ENTRY.name)
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish()
    }
}
