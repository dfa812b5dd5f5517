//! One run: execute the plan, call the body, close the scope.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio_util::sync::CancellationToken;

use super::dispose::{CloseFault, Opened};
use super::frame::Context;
use super::plan::Armed;
use super::unwind::{catch, catching};
use super::{Given, InjectError, Need, Outcome};
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
    context: Context,
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
            let finished = match limits {
                Limits { timeout: None, drop_on: None, .. } => Ok(catching(body.as_mut()).await),
                Limits { timeout: Some(limit), drop_on: None, of } => {
                    within(limit, of, &mut catching(body.as_mut())).await
                }
                Limits { timeout: None, drop_on: Some(token), .. } => {
                    until_fired(token, &mut catching(body.as_mut())).await
                }
                Limits { timeout: Some(limit), drop_on: Some(token), of } => {
                    // In a box for the sake of those without a limit, who are many and live long.
                    let mut body = catching(body.as_mut());
                    Box::pin(within_until_fired(limit, of, token, &mut body)).await
                }
            };
            match finished {
                Ok(ended) => judge(ended),
                // Dropping what has not finished is the user's code, too.
                Err(failure) => match catch(|| body.set(None)) {
                    Ok(()) => Err(failure),
                    Err(caught) => Err(RunFailure::Panicked(caught)),
                },
            }
        };
        let outcome = match &result {
            Ok(()) => Outcome::Succeeded,
            Err(RunFailure::Dropped) => Outcome::Cancelled,
            Err(_) => Outcome::Failed,
        };
        // In a box, because it is large and most of those who rest in here for weeks have nothing to close.
        let closed = if opened.is_plain() { opened.drop_slots() } else { Box::pin(opened.close(outcome)).await };
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

/// A body whose type is forgotten, so that what bounds it is compiled once and not for every function.
type AnyBody<'b> = &'b mut (dyn Future<Output = Finished> + Send + Unpin);

/// Awaits the body until this fires, which drops it. What has fired is only looked at for bodies that wait.
async fn until_fired(token: &CancellationToken, mut body: AnyBody<'_>) -> Result<Finished, RunFailure> {
    let mut fired = pin!(None);
    poll_fn(move |cx| {
        // The body goes first, so that one that is done is never reported as dropped.
        if let Poll::Ready(finished) = Pin::new(&mut body).poll(cx) {
            return Poll::Ready(Ok(finished));
        }
        if fired.is_none() {
            fired.set(Some(token.cancelled()));
        }
        match fired.as_mut().as_pin_mut() {
            Some(fired) => fired.poll(cx).map(|()| Err(RunFailure::Dropped)),
            None => Poll::Pending,
        }
    })
    .await
}

/// The same, for no longer than this.
async fn within_until_fired(
    limit: Duration,
    of: &'static str,
    token: &CancellationToken,
    body: AnyBody<'_>,
) -> Result<Finished, RunFailure> {
    tokio::select! {
        biased;
        finished = within(limit, of, body) => finished,
        () = token.cancelled() => Err(RunFailure::Dropped),
    }
}

/// Awaits the body for no longer than this. Most bodies that have a limit never wait, so the timer is only made for
/// those that do; the limit counts from the start all the same.
async fn within(limit: Duration, of: &'static str, mut body: AnyBody<'_>) -> Result<Finished, RunFailure> {
    let began = now();
    let deadline = began + limit;
    let mut timer = pin!(None);
    poll_fn(move |cx| {
        if let Poll::Ready(output) = Pin::new(&mut body).poll(cx) {
            let took = began.elapsed();
            if took > limit {
                // What it did is done, so it is what it says; but nobody could stop it in time.
                tracing::warn!(
                    target: "hostkit::service", service = of, ?took, ?limit,
                    "a run outlasted its timeout, because it blocked its thread"
                );
            }
            return Poll::Ready(Ok(output));
        }
        if timer.is_none() {
            // A body that uses its task's whole budget up must not keep the timer from being looked at.
            timer.set(Some(unconstrained(tokio::time::sleep_until(deadline))));
        }
        match timer.as_mut().as_pin_mut() {
            Some(timer) => timer.poll(cx).map(|()| Err(RunFailure::TimedOut(limit))),
            None => Poll::Pending,
        }
    })
    .await
}
