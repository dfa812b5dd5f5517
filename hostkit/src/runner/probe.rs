//! What the test kit sees of a host's functions, and what it puts in their place (feature `testing`).
//!
//! A host that no test started has no observer: each of these is then one look at a null pointer. Without the feature
//! `runner/no_probe.rs` stands here, of which nothing is left.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{Callee, ServiceState};
use crate::component::{Context, Limits, Plan, RunFailure};
use crate::function::Ended;

/// Somebody who looks on.
pub(crate) trait Observer: Send + Sync + 'static {
    /// A service or a hook is in another state.
    fn state(&self, function: &'static str, state: &ServiceState);

    /// A run begins.
    fn begin(&self, function: &'static str) -> Begun;

    /// A run has ended.
    fn end(&self, function: &'static str, run: u64, result: Result<(), &RunFailure>);

    /// An item that failed is tried again after this wait.
    fn retried(&self, function: &'static str, wait: Duration);

    /// So many scheduled instants passed without a run of their own.
    fn missed(&self, function: &'static str, count: u64);

    /// A payload was put into the function's queue.
    fn enqueued(&self, function: &'static str);

    /// Awaits a run in the way that the observer wants it awaited.
    fn attend<'r>(&self, run: Attended<'r>) -> Attended<'r>;
}

/// A run that an observer attends to.
pub(crate) type Attended<'r> = BoxFuture<'r, Result<(), RunFailure>>;

/// A run that begins.
pub(crate) struct Begun {
    pub(crate) run: u64,
    /// What takes the place of the body.
    pub(crate) instead: Option<BoxFuture<'static, Ended>>,
}

/// The observer of one host, if it has one.
#[derive(Clone, Default)]
pub(crate) struct Probe(Option<Arc<dyn Observer>>);

impl Probe {
    pub(crate) fn of(observer: Arc<dyn Observer>) -> Self {
        Self(Some(observer))
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn state(&self, function: &'static str, state: &ServiceState) {
        if let Some(observer) = &self.0 {
            observer.state(function, state);
        }
    }

    pub(crate) fn retried(&self, function: &'static str, wait: Duration) {
        if let Some(observer) = &self.0 {
            observer.retried(function, wait);
        }
    }

    pub(crate) fn missed(&self, function: &'static str, count: u64) {
        if let Some(observer) = &self.0
            && count > 0
        {
            observer.missed(function, count);
        }
    }

    pub(crate) fn enqueued(&self, function: &'static str) {
        if let Some(observer) = &self.0 {
            observer.enqueued(function);
        }
    }

    /// The function, looked upon.
    pub(crate) fn around(&self, function: &'static str, callee: Box<dyn Callee>) -> Box<dyn Callee> {
        match &self.0 {
            None => callee,
            Some(observer) => Box::new(Observed { callee, function, observer: Arc::clone(observer) }),
        }
    }

    /// Says that a run begins; none if nobody looks on.
    pub(crate) fn begin(&self, function: &'static str) -> Option<UnderWay> {
        let observer = self.0.as_ref()?;
        let Begun { run, instead } = observer.begin(function);
        Some(UnderWay { observer: Arc::clone(observer), function, run, instead, is_over: false })
    }
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Probe").field(&self.is_on()).finish()
    }
}

/// A run under way. If nobody says how it ended it was dropped.
pub(crate) struct UnderWay {
    observer: Arc<dyn Observer>,
    function: &'static str,
    run: u64,
    /// What takes the place of the body.
    pub(crate) instead: Option<BoxFuture<'static, Ended>>,
    is_over: bool,
}

impl UnderWay {
    /// Awaits the run.
    pub(crate) fn attend<'r>(&self, run: Attended<'r>) -> Attended<'r> {
        self.observer.attend(run)
    }

    pub(crate) fn end(mut self, result: &Result<(), RunFailure>) {
        self.is_over = true;
        self.observer.end(self.function, self.run, result.as_ref().copied());
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.is_over {
            self.observer.end(self.function, self.run, Err(&RunFailure::Dropped));
        }
    }
}

/// A function that somebody looks upon.
struct Observed {
    callee: Box<dyn Callee>,
    function: &'static str,
    observer: Arc<dyn Observer>,
}

impl Callee for Observed {
    fn plan(&self) -> &Plan {
        self.callee.plan()
    }

    fn call<'c>(
        &'c self,
        context: Context,
        at_first_poll: &'c super::AtFirstPoll<'c>,
        limits: Limits<'c>,
    ) -> BoxFuture<'c, Result<(), RunFailure>> {
        Box::pin(async move {
            let probe = Probe(Some(Arc::clone(&self.observer)));
            let mut run = probe.begin(self.function);
            let instead = std::sync::Mutex::new(run.as_mut().and_then(|run| run.instead.take()));
            let entered = || {
                let other = at_first_poll();
                instead.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take().or(other)
            };
            let call = self.callee.call(context, &entered, limits);
            let result = self.observer.attend(call).await;
            if let Some(run) = run {
                run.end(&result);
            }
            result
        })
    }
}
