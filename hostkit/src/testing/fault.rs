//! Failures that a test asks for.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Span;
use crate::function::Ended;

/// What shall happen in the place of a function's body: an error, a panic, or nothing at all for ever.
///
/// The run is otherwise like any other: its scope is opened and closed, timeouts, retries and restarts do what they are
/// for, and disposers see that it failed. Once unless [`times`](Self::times) or [`always`](Self::always) says more.
///
/// # Examples
/// ```
/// use hostkit::testing::Fault;
///
/// let twice = Fault::error("the database is away").times(2);
/// let stuck = Fault::hang();
/// let slow = Fault::delay("2m");
/// # let _ = (twice, stuck, slow);
/// ```
#[derive(Debug, Clone)]
#[must_use = "a fault does nothing until it is given to `inject`"]
pub struct Fault {
    kind: Kind,
    /// How many runs it is for; all of them without a number.
    times: Option<u64>,
}

#[derive(Debug, Clone)]
enum Kind {
    Error(String),
    Panic(String),
    Hang,
    Delay(Duration),
}

impl Fault {
    /// The run returns this error.
    pub fn error(message: impl Into<String>) -> Self {
        Self::once(Kind::Error(message.into()))
    }

    /// The run panics with this message.
    pub fn panic(message: impl Into<String>) -> Self {
        Self::once(Kind::Panic(message.into()))
    }

    /// The run never ends by itself and hears no token: a timeout or the deadline of the stop ends it.
    pub fn hang() -> Self {
        Self::once(Kind::Hang)
    }

    /// The run takes this long and succeeds.
    ///
    /// # Panics
    /// When the text is no duration.
    #[track_caller]
    pub fn delay(duration: impl Span) -> Self {
        Self::once(Kind::Delay(duration.duration()))
    }

    /// For the next so many runs.
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    /// For every run from now on.
    pub fn always(self) -> Self {
        Self { times: None, ..self }
    }

    fn once(kind: Kind) -> Self {
        Self { kind, times: Some(1) }
    }

    /// Takes the place of one run; whether it is used up by that, and what runs. None if it was used up before.
    pub(super) fn strike(&mut self) -> Option<BoxFuture<'static, Ended>> {
        match &mut self.times {
            Some(0) => return None,
            Some(times) => *times -= 1,
            None => {}
        }
        Some(self.kind.clone().body())
    }
}

impl Kind {
    fn body(self) -> BoxFuture<'static, Ended> {
        match self {
            Self::Error(message) => Box::pin(async move { Err(message.into()) }),
            Self::Panic(message) => Box::pin(async move { panic!("{message}") }),
            Self::Hang => Box::pin(std::future::pending()),
            Self::Delay(duration) => Box::pin(async move {
                tokio::time::sleep(duration).await;
                Ok(())
            }),
        }
    }
}
