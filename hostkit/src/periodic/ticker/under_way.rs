//! A run in the task of its function.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio_util::sync::WaitForCancellationFuture;

use crate::component::RunFailure;
use crate::runner::{Conduct, ServiceState};

pin_project! {
    /// A call that is given up when its service is abandoned, and shown as running from its first wait on.
    ///
    /// A run that never waits is over before anybody could look; one that holds its thread is named as a stall. So most runs
    /// of most functions need not touch the state that others watch.
    pub(super) struct UnderWay<'c, C> {
        #[pin]
        call: C,
        conduct: &'c Conduct,
        // In a box, because a function at rest is as large as its largest run.
        waits: Option<Pin<Box<WaitForCancellationFuture<'c>>>>,
    }
}

/// How a run ended.
pub(super) struct Ran {
    pub(super) result: Result<(), RunFailure>,
    /// Whether the function was shown as running.
    pub(super) was_shown: bool,
}

impl<'c, C: Future<Output = Result<(), RunFailure>>> UnderWay<'c, C> {
    pub(super) fn new(call: C, conduct: &'c Conduct) -> Self {
        Self { call, conduct, waits: None }
    }
}

impl<C: Future<Output = Result<(), RunFailure>>> Future for UnderWay<'_, C> {
    type Output = Ran;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ran> {
        let this = self.project();
        // The call goes first, so that a body that is dropped is dropped by it, and a scope that ends at once has ended.
        if let Poll::Ready(result) = this.call.poll(cx) {
            return Poll::Ready(Ran { result, was_shown: this.waits.is_some() });
        }
        let conduct = *this.conduct;
        let abandoned = this.waits.get_or_insert_with(|| {
            conduct.is_now(ServiceState::Running);
            Box::pin(conduct.abandon.cancelled())
        });
        abandoned.as_mut().poll(cx).map(|()| Ran { result: Err(RunFailure::Dropped), was_shown: true })
    }
}
