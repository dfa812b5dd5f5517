//! The receiving end of a queue's channel, shared by its workers.
//!
//! # Invariants
//!
//! 1. Nobody awaits while holding the receiver: it is held for one look.
//! 2. One worker at a time waits for an item, the leader; the channel wakes nobody else. Whoever goes to work hands the
//!    lead on, so no item waits while a worker does.
//! 3. Once closed, the channel gives what it holds and then nothing. Closing it wakes the leader.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

/// How long a closed channel is left alone while somebody holds a place in it without having used it yet.
const MOMENT: Duration = Duration::from_millis(5);

pub(super) struct Items<P> {
    inner: Mutex<Inner<P>>,
    lead: tokio::sync::Mutex<()>,
    /// Told when nothing is held any more.
    #[cfg(feature = "testing")]
    released: tokio::sync::Notify,
}

struct Inner<P> {
    receiver: mpsc::Receiver<P>,
    /// Whom closing wakes: the channel supposes that its one receiver knows.
    leader: Option<Waker>,
    /// Whether a test keeps what waits from being taken. Closing ends that.
    #[cfg(feature = "testing")]
    is_held: bool,
}

/// What a look at the channel shows.
enum Seen<P> {
    Item(P),
    /// It is closed and empty.
    End,
    /// It is closed, and somebody may still put something into the place that he was given.
    NotYet,
}

impl<P> Inner<P> {
    fn led_by(&mut self, cx: &Context<'_>) {
        match &mut self.leader {
            Some(leader) => leader.clone_from(cx.waker()),
            leader => *leader = Some(cx.waker().clone()),
        }
    }
}

impl<P> Items<P> {
    pub(super) fn new(receiver: mpsc::Receiver<P>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                receiver,
                leader: None,
                #[cfg(feature = "testing")]
                is_held: false,
            }),
            lead: tokio::sync::Mutex::const_new(()),
            #[cfg(feature = "testing")]
            released: tokio::sync::Notify::const_new(),
        }
    }

    #[inline]
    fn inner(&self) -> MutexGuard<'_, Inner<P>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An item that waits, if any does.
    #[inline]
    pub(super) fn take(&self) -> Option<P> {
        let mut inner = self.inner();
        #[cfg(feature = "testing")]
        if inner.is_held {
            return None;
        }
        inner.receiver.try_recv().ok()
    }

    /// The next item; none if the channel is closed and empty.
    ///
    /// # Cancel safety
    /// Cancelling it loses no item.
    pub(super) async fn next(&self) -> Option<P> {
        let _lead = self.lead.lock().await;
        loop {
            match poll_fn(|cx| self.look(cx)).await {
                Seen::Item(payload) => return Some(payload),
                Seen::End => return None,
                // Whoever gives his place up wakes nobody.
                Seen::NotYet => sleep(MOMENT).await,
            }
        }
    }

    fn look(&self, cx: &mut Context<'_>) -> Poll<Seen<P>> {
        let mut inner = self.inner();
        #[cfg(feature = "testing")]
        if inner.is_held {
            inner.led_by(cx);
            return Poll::Pending;
        }
        match inner.receiver.poll_recv(cx) {
            Poll::Ready(Some(payload)) => Poll::Ready(Seen::Item(payload)),
            Poll::Ready(None) => Poll::Ready(Seen::End),
            Poll::Pending if inner.receiver.is_closed() => Poll::Ready(Seen::NotYet),
            Poll::Pending => {
                inner.led_by(cx);
                Poll::Pending
            }
        }
    }

    /// Accepts nothing any more, and tells whoever waits for a place.
    pub(super) fn close(&self) {
        let leader = {
            let mut inner = self.inner();
            inner.receiver.close();
            #[cfg(feature = "testing")]
            {
                inner.is_held = false;
            }
            inner.leader.take()
        };
        if let Some(leader) = leader {
            leader.wake();
        }
        #[cfg(feature = "testing")]
        self.released.notify_waiters();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.inner().receiver.is_closed()
    }
}

/// For the test kit.
#[cfg(feature = "testing")]
impl<P> Items<P> {
    /// Keeps what waits from being taken. A queue that is closed is not held.
    pub(super) fn hold(&self) {
        let mut inner = self.inner();
        inner.is_held = !inner.receiver.is_closed();
    }

    pub(super) fn release(&self) {
        let leader = {
            let mut inner = self.inner();
            inner.is_held = false;
            inner.leader.take()
        };
        if let Some(leader) = leader {
            leader.wake();
        }
        self.released.notify_waiters();
    }

    /// Waits until nothing is held, or the queue is closed.
    pub(super) async fn until_released(&self) {
        loop {
            // Listens before it looks, so that no change falls between.
            let mut released = std::pin::pin!(self.released.notified());
            released.as_mut().enable();
            if !self.is_held() {
                return;
            }
            released.await;
        }
    }

    pub(super) fn is_held(&self) -> bool {
        self.inner().is_held
    }

    /// An item that waits, whether it is held or not.
    pub(super) fn take_held(&self) -> Option<P> {
        self.inner().receiver.try_recv().ok()
    }
}
