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
}

struct Inner<P> {
    receiver: mpsc::Receiver<P>,
    /// Whom closing wakes: the channel supposes that its one receiver knows.
    leader: Option<Waker>,
}

/// What a look at the channel shows.
enum Seen<P> {
    Item(P),
    /// It is closed and empty.
    End,
    /// It is closed, and somebody may still put something into the place that he was given.
    NotYet,
}

impl<P> Items<P> {
    pub(super) fn new(receiver: mpsc::Receiver<P>) -> Self {
        Self { inner: Mutex::new(Inner { receiver, leader: None }), lead: tokio::sync::Mutex::const_new(()) }
    }

    #[inline]
    fn inner(&self) -> MutexGuard<'_, Inner<P>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An item that waits, if any does.
    #[inline]
    pub(super) fn take(&self) -> Option<P> {
        self.inner().receiver.try_recv().ok()
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
        match inner.receiver.poll_recv(cx) {
            Poll::Ready(Some(payload)) => Poll::Ready(Seen::Item(payload)),
            Poll::Ready(None) => Poll::Ready(Seen::End),
            Poll::Pending if inner.receiver.is_closed() => Poll::Ready(Seen::NotYet),
            Poll::Pending => {
                match &mut inner.leader {
                    Some(leader) => leader.clone_from(cx.waker()),
                    leader => *leader = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
        }
    }

    /// Accepts nothing any more, and tells whoever waits for a place.
    pub(super) fn close(&self) {
        let leader = {
            let mut inner = self.inner();
            inner.receiver.close();
            inner.leader.take()
        };
        if let Some(leader) = leader {
            leader.wake();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.inner().receiver.is_closed()
    }
}
