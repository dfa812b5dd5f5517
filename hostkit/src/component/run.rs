//! One run: execute the plan, call the body, close the scope.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::task::coop::{Unconstrained, unconstrained};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use super::dispose::{CloseFault, Opened};
use super::plan::Armed;
use super::unwind::{Catching, catch, catching};
use super::{Given, InjectError, Need, Outcome, frame};
use crate::error::{BoxError, WithCauses};
use crate::time::now;

/// What is called with the parameters once they are there.
pub(crate) trait Body: Send {
    type Needs: Need;

    /// Makes the future and runs nothing of the user's: only what is polled is caught when it panics.
    fn start<'r>(self, given: Given<'r, Self::Needs>) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// What bounds a body from outside.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Limits<'a> {
    /// Whose body it is, for what is said of it.
    pub(crate) of: &'static str,
    /// How long it may take.
    pub(crate) timeout: Option<Duration>,
    /// When this fires, the body's future is dropped at its next await.
    pub(crate) drop_on: Option<&'a CancellationToken>,
}

/// A panic of the user's.
#[derive(Debug, Clone)]
pub(crate) struct Caught {
    pub(crate) message: String,
    pub(crate) location: Option<String>,
}

impl fmt::Display for Caught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.location {
            Some(location) => write!(f, " (at {location})"),
            None => Ok(()),
        }
    }
}

/// Why a run did not succeed.
#[derive(Debug)]
pub(crate) enum RunFailure {
    /// A component it needs could not be built.
    Inject(InjectError),
    /// The body returned an error.
    Returned(BoxError),
    /// The body panicked.
    Panicked(Caught),
    /// The body outlasted its timeout.
    TimedOut(Duration),
    /// The body was dropped because [`Limits::drop_on`] fired.
    Dropped,
    /// The body succeeded and ending its scope did not.
    Closing(Vec<CloseFault>),
}

impl fmt::Display for RunFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inject(error) => WithCauses(error).fmt(f),
            Self::Returned(error) => WithCauses(&**error).fmt(f),
            Self::Panicked(caught) => write!(f, "panicked: {caught}"),
            Self::TimedOut(limit) => write!(f, "did not finish within {}", humantime::format_duration(*limit)),
            Self::Dropped => f.write_str("was dropped before it finished"),
            Self::Closing(faults) => {
                f.write_str("ending its scope failed: ")?;
                for (index, fault) in faults.iter().enumerate() {
                    if index > 0 {
                        f.write_str("; ")?;
                    }
                    fault.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

/// Runs a body once in a scope of its own.
///
/// The outcome that disposers see is that of the body; the result is that of body and disposal together.
///
/// # Cancel safety
/// Dropping it drops the body and hands the scope to the reaper, which closes it as cancelled.
#[inline]
pub(crate) fn run<B: Body>(
    armed: &Armed<B::Needs>,
    context: frame::Context,
    body: B,
    limits: Limits<'_>,
) -> impl Future<Output = Result<(), RunFailure>> + Send {
    // Said to be `Send` here, where `B` is any body: of a concrete one the compiler cannot prove it.
    async move {
        let mut opened = if armed.is_bare() {
            Opened::bare(context)
        } else {
            armed.open(context).await.map_err(RunFailure::Inject)?
        };
        let result = {
            // Pinned where it is made: a user's future may be large, and moving it copies it.
            let mut body = pin!(Some(body.start(armed.give(&mut opened.frame))));
            // Awaited in one place: what lives across several awaits has room of its own in this future, and a service
            // rests in here for weeks.
            let finished = Bounded { body: catching(body.as_mut()), bounds: Bounds::of(&limits) }.await;
            match finished {
                Ok(ended) => judge(ended),
                // Dropping what has not finished is the user's code, too.
                Err(failure) => match catch(|| body.set(None)) {
                    Ok(()) => Err(failure),
                    Err(caught) => Err(RunFailure::Panicked(caught)),
                },
            }
        };
        if opened.is_plain() {
            return also(result, opened.drop_slots());
        }
        // In a box, because it is large and most of those who rest in here have nothing to close.
        Box::pin(close(limits.of, opened, result)).await
    }
}

/// Ends the scope of a body that has ended like this.
///
/// # Cancel safety
/// What is left of the scope goes to the reaper, and how the body failed is logged: nobody hears of it otherwise.
async fn close(of: &str, opened: Opened, result: Result<(), RunFailure>) -> Result<(), RunFailure> {
    let outcome = match &result {
        Ok(()) => Outcome::Succeeded,
        Err(RunFailure::Dropped) => Outcome::Cancelled,
        Err(_) => Outcome::Failed,
    };
    let mut unheard = Unheard { of, failure: result.err() };
    let closed = opened.close(outcome).await;
    also(unheard.failure.take().map_or(Ok(()), Err), closed)
}

/// How a body failed, until somebody is told.
struct Unheard<'a> {
    of: &'a str,
    failure: Option<RunFailure>,
}

impl Drop for Unheard<'_> {
    fn drop(&mut self) {
        if let Some(failure) = self.failure.take().filter(|failure| !matches!(failure, RunFailure::Dropped)) {
            tracing::error!(
                target: "hostkit::service", service = self.of, error = %failure,
                "failed, and was cut while its scope was closed"
            );
        }
    }
}

/// How a run ended whose body and scope ended like this.
fn also(result: Result<(), RunFailure>, closed: Result<(), Vec<CloseFault>>) -> Result<(), RunFailure> {
    match (result, closed) {
        (Ok(()), Err(faults)) => Err(RunFailure::Closing(faults)),
        (result, closed) => {
            if let Err(faults) = closed {
                faults.iter().for_each(CloseFault::log);
            }
            result
        }
    }
}

/// What the end of a body means for its run.
#[inline]
pub(crate) fn judge(ended: Finished) -> Result<(), RunFailure> {
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(RunFailure::Returned(error)),
        Err(caught) => Err(RunFailure::Panicked(caught)),
    }
}

/// How a body ended, or its panic.
type Finished = Result<Result<(), BoxError>, Caught>;

pin_project! {
    /// A body that is awaited until it is done or reaches a limit.
    struct Bounded<'b, F> {
        body: Catching<'b, F>,
        #[pin]
        bounds: Bounds<'b>,
    }
}

impl<F: Future<Output = Result<(), BoxError>>> Future for Bounded<'_, F> {
    type Output = Result<Finished, RunFailure>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // The body goes first, so that one that is done is never reported as dropped.
        match Pin::new(&mut this.body).poll(cx) {
            Poll::Ready(finished) => {
                this.bounds.look_back();
                Poll::Ready(Ok(finished))
            }
            Poll::Pending if this.bounds.are_none() => Poll::Pending,
            Poll::Pending => this.bounds.poll(cx).map(Err),
        }
    }
}

pin_project! {
    /// [`Limits`] in force.
    struct Bounds<'b> {
        limits: &'b Limits<'b>,
        // When the body began; absent if it may take as long as it likes.
        began: Option<Instant>,
        // Most bodies never wait, so what is waited for beside them is only made for those that do.
        timer: Option<Pin<Box<Unconstrained<Sleep>>>>,
        #[pin]
        fired: Option<WaitForCancellationFuture<'b>>,
    }
}

impl<'b> Bounds<'b> {
    #[inline]
    fn of(limits: &'b Limits<'b>) -> Self {
        Self { limits, began: limits.timeout.map(|_| now()), timer: None, fired: None }
    }

    #[inline]
    fn are_none(&self) -> bool {
        self.began.is_none() && self.limits.drop_on.is_none()
    }

    /// Says so if the body is done and was in nobody's reach for longer than its limit.
    #[inline]
    fn look_back(&self) {
        if let (Some(began), Some(limit)) = (self.began, self.limits.timeout) {
            let took = began.elapsed();
            if took > limit {
                // What it did is done, so it is what it says; but nobody could stop it in time.
                tracing::warn!(
                    target: "hostkit::service", service = self.limits.of, ?took, ?limit,
                    "a run outlasted its timeout, because it blocked its thread"
                );
            }
        }
    }

    /// Waits for the first limit to be reached.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<RunFailure> {
        let mut this = self.project();
        if let (Some(began), Some(limit)) = (*this.began, this.limits.timeout) {
            // A body that uses its task's whole budget up must not keep the timer from being looked at.
            let timer = || Box::pin(unconstrained(sleep_until(began + limit)));
            if this.timer.get_or_insert_with(timer).as_mut().poll(cx).is_ready() {
                return Poll::Ready(RunFailure::TimedOut(limit));
            }
        }
        if let (Some(drop_on), None) = (this.limits.drop_on, &*this.fired) {
            this.fired.set(Some(drop_on.cancelled()));
        }
        match this.fired.as_pin_mut() {
            Some(fired) => fired.poll(cx).map(|()| RunFailure::Dropped),
            None => Poll::Pending,
        }
    }
}
