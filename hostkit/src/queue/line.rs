//! What a queue's handle sends payloads through.

use std::fmt;

use super::EnqueueError;

/// The way from whoever enqueues to whoever works: a channel in the process, or a store.
pub trait Line<P>: Clone + Send + Sync + 'static {
    /// What whoever enqueues is told.
    type Receipt: Send;

    /// Puts a payload into the queue.
    fn enqueue(&self, payload: P) -> impl Future<Output = Result<Self::Receipt, EnqueueError<P>>> + Send;

    /// Says what is to be said of it.
    fn describe(&self, debug: &mut fmt::DebugStruct<'_, '_>);

    /// Copies of what was accepted so far, in order; none if payloads cannot be copied.
    #[cfg(feature = "testing")]
    fn seen(&self) -> Option<Vec<P>>;

    /// Keeps workers from taking anything until it is [released](Self::release) or closed.
    #[cfg(feature = "testing")]
    fn hold(&self);

    /// Ends a [hold](Self::hold).
    #[cfg(feature = "testing")]
    fn release(&self);

    /// Whether it is held.
    #[cfg(feature = "testing")]
    fn is_held(&self) -> bool;

    /// Takes what waits out of the queue, held or not.
    #[cfg(feature = "testing")]
    fn take(&self) -> Vec<P>;
}
