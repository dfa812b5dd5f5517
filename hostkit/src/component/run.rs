//! One run: execute the plan, call the body, close the scope.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::dispose::CloseFault;
use super::frame::Context;
use super::plan::Armed;
use super::{Given, InjectError, Need, Outcome, catch_panic};
use crate::error::{BoxError, WithCauses};

/// What is called with the parameters once they are there.
pub(crate) trait Body: Send {
    type Needs: Need;

    fn start<'r>(self, given: Given<'r, Self::Needs>) -> impl Future<Output = Result<(), BoxError>> + Send + 'r;
}

/// What bounds a body from outside.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Limits<'a> {
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
    // Said to be `Send` here, where `B` is any body: for a concrete one the compiler cannot prove it.
    async move {
        let opened = armed.open(context).await.map_err(RunFailure::Inject)?;
        let result = {
            let body = catch_panic(async { body.start(armed.give(&opened.frame)).await });
            let finished = match limits {
                Limits { timeout: None, drop_on: None } => Ok(body.await),
                Limits { timeout, drop_on } => bounded(body, timeout, drop_on).await,
            };
            match finished {
                Ok(Ok(Ok(()))) => Ok(()),
                Ok(Ok(Err(error))) => Err(RunFailure::Returned(error)),
                Ok(Err(caught)) => Err(RunFailure::Panicked(caught)),
                Err(failure) => Err(failure),
            }
        };
        let outcome = match &result {
            Ok(()) => Outcome::Succeeded,
            Err(RunFailure::Dropped) => Outcome::Cancelled,
            Err(_) => Outcome::Failed,
        };
        match (result, opened.close(outcome).await) {
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

async fn bounded<F: Future>(
    body: F,
    timeout: Option<Duration>,
    drop_on: Option<&CancellationToken>,
) -> Result<F::Output, RunFailure> {
    let dropped = async {
        match drop_on {
            Some(token) => token.cancelled().await,
            None => std::future::pending().await,
        }
    };
    let limited = async {
        match timeout {
            Some(limit) => tokio::time::timeout(limit, body).await.map_err(|_elapsed| RunFailure::TimedOut(limit)),
            None => Ok(body.await),
        }
    };
    // The body goes first, so that one that is done is never reported as dropped. What the other arm loses is the body.
    tokio::select! {
        biased;
        finished = limited => finished,
        () = dropped => Err(RunFailure::Dropped),
    }
}
