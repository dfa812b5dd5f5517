//! What user code enqueues with.

use std::fmt;
use std::marker::PhantomData;

use super::line::Line;
use super::{EnqueueError, Receipt};
use crate::component::{fitting, short_type_name};
use crate::function::{InProcess, LineOf, Queued, ReceiptOf};

/// The queue of the function `F`. Cloning it clones a reference.
///
/// It is asked for as a parameter, and it may leave the host's own code: put it into an axum state, hand it to another
/// thread, keep it for as long as you like. Once the host has stopped it accepts nothing any more.
///
/// In process, payloads come out in the order in which they were accepted; with `concurrency = 1` they are also worked off
/// in that order. Of a [durable](macro@crate::queued#durable-queues) function they are in the store before
/// [`enqueue`](Self::enqueue) returns.
pub struct Queue<F: Queued> {
    line: LineOf<F>,
    /// The last one, which has a size whatever `F` is: otherwise the compiler says of one wrong function in ten more places that it
    /// has no line.
    of: PhantomData<fn(F)>,
}

fitting!([F: Queued] Queue<F>, missing::<F>);

fn missing<F: Queued>() -> String {
    let name = short_type_name(std::any::type_name::<F>());
    format!("`Queue<{name}>`, but `{name}` does not run in this host")
}

impl<F: Queued> Queue<F> {
    pub(super) fn new(line: LineOf<F>) -> Self {
        Self { line, of: PhantomData }
    }

    #[cfg(feature = "durable")]
    pub(super) fn line(&self) -> &LineOf<F> {
        &self.line
    }

    /// Puts a payload into the queue.
    ///
    /// Of a durable function it is stored when this returns, as safely as its store
    /// [promises](crate::queued#durable-queues), and the receipt is the job's id.
    ///
    /// In process, the function's option `full` decides when the queue is full:
    ///
    /// | `full` | what happens |
    /// |---|---|
    /// | `"wait"` | this waits for a free place |
    /// | `"reject"` | this fails and gives the payload back |
    /// | `"drop-oldest"` | the payload takes the place of the one that has waited longest, which is dropped |
    /// | `"drop-newest"` | the payload is dropped, and the [`Receipt`] says so |
    ///
    /// What is dropped is counted in [`QueueCounts::dropped`](crate::QueueCounts::dropped). Payloads may be enqueued
    /// before the host has started: they wait.
    ///
    /// # Errors
    /// Fails when the queue is closed, because the host stops or is gone, and with `"reject"` when it is full; the
    /// payload is in the error. Of a durable function it fails when the store refuses the job, and when the store does not
    /// say what has become of it (`is_unknown`).
    ///
    /// # Cancel safety
    /// Dropping the future before it is done drops the payload and, in process, leaves nothing in the queue. A durable job
    /// may be stored or not.
    #[inline]
    pub async fn enqueue(&self, payload: F::Payload) -> Result<ReceiptOf<F>, EnqueueError<F::Payload>> {
        self.line.enqueue(payload).await
    }
}

/// What only a queue in the process can do. Each method asks for it by itself, so that the compiler says which queue it is not
/// and why.
impl<F: Queued> Queue<F> {
    /// Puts a payload into the queue if a place is free, and drops nothing, whatever the option `full` says.
    ///
    /// # Errors
    /// Fails when the queue is full or closed; the payload is in the error.
    #[inline]
    pub fn try_enqueue(&self, payload: F::Payload) -> Result<Receipt, EnqueueError<F::Payload>>
    where
        F: InProcess,
    {
        self.line.try_enqueue(payload)
    }

    /// How many payloads wait. Those that are being worked on do not count.
    pub fn len(&self) -> usize
    where
        F: InProcess,
    {
        self.line.len()
    }

    /// Whether no payload waits.
    pub fn is_empty(&self) -> bool
    where
        F: InProcess,
    {
        self.line.len() == 0
    }

    /// Whether it accepts nothing any more.
    pub fn is_closed(&self) -> bool
    where
        F: InProcess,
    {
        self.line.is_closed()
    }

    /// How many payloads may wait: the option `capacity`, 100 unless set.
    pub fn capacity(&self) -> usize
    where
        F: InProcess,
    {
        self.line.capacity()
    }
}

/// For the test kit.
#[cfg(feature = "testing")]
impl<F: Queued> Queue<F> {
    pub(crate) fn seen(&self) -> Option<Vec<F::Payload>> {
        self.line.seen()
    }

    pub(crate) fn hold(&self) {
        self.line.hold();
    }

    pub(crate) fn release(&self) {
        self.line.release();
    }

    pub(crate) fn is_held(&self) -> bool {
        self.line.is_held()
    }

    pub(crate) fn take(&self) -> Vec<F::Payload> {
        self.line.take()
    }
}

impl<F: Queued> Clone for Queue<F> {
    fn clone(&self) -> Self {
        Self::new(self.line.clone())
    }
}

impl<F: Queued> fmt::Debug for Queue<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Queue");
        debug.field("function", &F::ENTRY.name);
        self.line.describe(&mut debug);
        debug.finish()
    }
}
