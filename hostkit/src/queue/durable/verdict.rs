//! What a durable function says about its job when it returns.

use std::fmt;
use std::time::Duration;

#[cfg(feature = "testing")]
use crate::component::RunFailure;
use crate::error::BoxError;
use crate::function::Ended;

/// What becomes of a durable job, where that is more than "done" and "failed". Made by the methods of
/// [`JobContext`](crate::JobContext).
///
/// ```
/// # #[cfg(feature = "durable")] {
/// use std::time::Duration;
/// use hostkit::{JobContext, Verdict};
///
/// # #[derive(serde::Serialize, serde::Deserialize)] struct Invoice; impl Invoice { fn is_void(&self) -> bool { true } }
/// #[hostkit::queued(durable)]
/// async fn send_invoice(invoice: Invoice, job: JobContext) -> Result<Verdict, std::io::Error> {
///     if invoice.is_void() {
///         return Ok(job.discard("the invoice is void"));
///     }
///     if job.attempt() == 1 {
///         return Ok(job.snooze(Duration::from_secs(60)));
///     }
///     Ok(job.done())
/// }
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a verdict counts when the function returns it"]
pub struct Verdict(pub(super) Said);

/// What was said.
#[derive(Debug)]
pub(super) enum Said {
    Done,
    Discard(String),
    Snooze(Duration),
    RetryAfter(Duration, BoxError),
}

impl Verdict {
    pub(crate) fn done() -> Self {
        Self(Said::Done)
    }

    pub(crate) fn discard(reason: String) -> Self {
        Self(Said::Discard(reason))
    }

    pub(crate) fn snooze(duration: Duration) -> Self {
        Self(Said::Snooze(duration))
    }

    pub(crate) fn retry_after(duration: Duration, error: BoxError) -> Self {
        Self(Said::RetryAfter(duration, error))
    }
}

/// A verdict on its way through what knows of success and failure only: the one error that is hostkit's own, so it is found
/// by its type and not in anybody's chain.
#[derive(Debug)]
pub(super) struct Carried(pub(super) Verdict);

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.0 {
            Said::Done => f.write_str("done"),
            Said::Discard(reason) => write!(f, "discarded: {reason}"),
            Said::Snooze(duration) => write!(f, "asked for another time, in {}", crate::time::show_rounded(*duration)),
            Said::RetryAfter(_, error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Carried {}

/// Whether what looks like a failure is an answer: the job shall be put away or put off.
#[cfg(feature = "testing")]
pub(crate) fn is_answer(failure: &RunFailure) -> bool {
    let RunFailure::Returned(error) = failure else { return false };
    let said = error.downcast_ref::<Carried>().map(|carried| &carried.0.0);
    matches!(said, Some(Said::Done | Said::Discard(_) | Said::Snooze(_)))
}

/// What a durable function may return.
#[diagnostic::on_unimplemented(
    message = "a durable function returns `()`, `!`, `Verdict`, `Result<(), E>` or `Result<Verdict, E>`",
    label = "this returns `{Self}`",
    note = "`E` converts into `Box<dyn Error + Send + Sync>`, as text, the errors of std and those of anyhow do"
)]
pub trait IntoAnswer {
    /// The result form.
    ///
    /// # Errors
    /// Returns what the function returned.
    fn into_answer(self) -> Ended;
}

#[diagnostic::do_not_recommend]
impl IntoAnswer for () {
    fn into_answer(self) -> Ended {
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl IntoAnswer for Verdict {
    fn into_answer(self) -> Ended {
        match self.0 {
            Said::Done => Ok(()),
            said => Err(Box::new(Carried(Self(said)))),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T: IntoAnswer + Answered, E: Into<BoxError>> IntoAnswer for Result<T, E> {
    fn into_answer(self) -> Ended {
        self.map_err(Into::into)?.into_answer()
    }
}

/// What stands in the `Ok` of a durable function.
#[diagnostic::on_unimplemented(
    message = "a durable function returns `()`, `!`, `Verdict`, `Result<(), E>` or `Result<Verdict, E>`",
    label = "this is `{Self}` in the `Ok`"
)]
pub trait Answered {}
impl Answered for () {}
impl Answered for Verdict {}

/// A durable function's result in the form the runtime reads.
///
/// # Errors
/// Returns what the function returned.
pub fn answer(value: impl IntoAnswer) -> Ended {
    value.into_answer()
}
