//! Catching a panic of the user's at the edge of our code, with its message and its location.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Once;
use std::task::{Context, Poll};

use super::run::Caught;

thread_local! {
    /// Whether a panic on this thread will be caught by us.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic that we will catch happened.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes panics that we catch silent, because we report them ourselves, once and with their location. Every other
/// panic goes to the hook that was installed before.
pub(crate) fn install_panic_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let former = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if INSIDE.get() {
                let location = info.location().map(ToString::to_string);
                LOCATION.with_borrow_mut(|last| *last = location);
            } else {
                former(info);
            }
        }));
    });
}

/// Awaits a future, and yields its panic instead of unwinding.
///
/// The future need not be unwind safe: after a panic it is only dropped.
#[inline]
pub(crate) async fn catch_panic<F: Future>(future: F) -> Result<F::Output, Caught> {
    catching(pin!(Some(future))).await
}

/// The same for a future that is pinned already, so that it is not moved again and can be dropped before its time.
#[inline]
pub(crate) fn catching<F: Future>(future: Pin<&mut Option<F>>) -> Catching<'_, F> {
    Catching { future }
}

/// What [`catching`] returns.
pub(crate) struct Catching<'p, F> {
    future: Pin<&'p mut Option<F>>,
}

impl<F: Future> Future for Catching<'_, F> {
    type Output = Result<F::Output, Caught>;

    // An item of a queue costs little more than this, and less if what it is given need not go through memory.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "measured by `benches/scope.rs`")]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.future.as_mut().as_pin_mut() {
            Some(future) => match catch(|| future.poll(cx)) {
                Ok(poll) => poll.map(Ok),
                Err(caught) => Poll::Ready(Err(caught)),
            },
            None => Poll::Pending,
        }
    }
}

/// Calls the function and turns its panic into a value.
#[inline(always)]
#[allow(clippy::inline_always, reason = "as above")]
pub(crate) fn catch<T>(function: impl FnOnce() -> T) -> Result<T, Caught> {
    let outer = INSIDE.replace(true);
    let result = catch_unwind(AssertUnwindSafe(function));
    INSIDE.set(outer);
    result.map_err(|payload| caught(&*payload))
}

/// A panic on its way to the thread that waits for the function.
pub(crate) struct Carried {
    /// Absent once it was passed on.
    payload: Option<Box<dyn Any + Send>>,
    location: Option<String>,
}

/// Calls the function and keeps its panic, with its location, for another thread.
pub(crate) fn carry<T>(function: impl FnOnce() -> T) -> Result<T, Carried> {
    let outer = INSIDE.replace(true);
    let result = catch_unwind(AssertUnwindSafe(function));
    INSIDE.set(outer);
    result.map_err(|payload| Carried { payload: Some(payload), location: LOCATION.take() })
}

impl Carried {
    /// Goes on unwinding here.
    pub(crate) fn resume(mut self) -> ! {
        LOCATION.set(self.location.take());
        resume_unwind(self.payload.take().unwrap_or_else(|| Box::new("it was passed on before")));
    }
}

impl Drop for Carried {
    /// Nobody waited for the function any more.
    fn drop(&mut self) {
        if let Some(payload) = self.payload.take() {
            let Caught { message, .. } = caught(&*payload);
            let panic = Caught { message, location: self.location.take() };
            tracing::error!(target: "hostkit::service", %panic, "a blocking function that was left behind panicked");
        }
    }
}

#[cold]
fn caught(payload: &(dyn Any + Send)) -> Caught {
    let message = payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is not text".to_owned());
    Caught { message, location: LOCATION.take() }
}
