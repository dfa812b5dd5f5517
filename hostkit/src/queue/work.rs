//! What a worker does: take an item, run it, count it.
//!
//! # Invariants
//!
//! 1. An item without components, timeout and token costs no allocation, no timer, no lock and no `select!`: a closed
//!    channel ends a worker, and dropping its task ends it at the deadline.
//! 2. Whatever an item does, its worker goes on with the next.
//! 3. A worker gives way to other tasks as often as tokio's own channels would make it.
//! 4. An item under way when `stop` fires is told. One that is begun while the queue drains is told at the deadline
//!    only: it was accepted to be done.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_channel::Receiver;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::JobContext;
use super::counts::Tally;
use super::options::{OnFailure, Options};
use crate::component::{self, Armed, Body, Context, Given, Limits, RunFailure, RunValues};
use crate::function::{Ended, Payload, Work};
use crate::runner::Conduct;

/// What the workers of one queue share.
pub(super) struct Crew<W: Work> {
    pub(super) options: Options,
    pub(super) conduct: Conduct,
    pub(super) armed: Armed<W::Needs>,
    pub(super) items: Receiver<Payload<W>>,
    pub(super) tallies: Arc<[Tally]>,
    pub(super) left: Arc<AtomicUsize>,
    /// Whether what waits is left instead of being worked on.
    leaving: AtomicBool,
    runs: AtomicU64,
    wants_context: bool,
    wants_job: bool,
    /// Fires when a failure stops the host.
    pub(super) given_up: CancellationToken,
    failure: Mutex<Option<RunFailure>>,
}

impl<W: Work> Crew<W> {
    pub(super) fn new(
        options: Options,
        conduct: Conduct,
        armed: Armed<W::Needs>,
        items: Receiver<Payload<W>>,
        tallies: Arc<[Tally]>,
        left: Arc<AtomicUsize>,
    ) -> Self {
        let wants_job = armed.plan.wants::<JobContext>();
        Self {
            wants_context: wants_job || armed.plan.wants_token,
            wants_job,
            options,
            conduct,
            armed,
            items,
            tallies,
            left,
            leaving: AtomicBool::new(false),
            runs: AtomicU64::new(0),
            given_up: CancellationToken::new(),
            failure: Mutex::default(),
        }
    }

    /// Works items off until the queue is closed and empty.
    pub(super) async fn work(self: Arc<Self>, worker: usize) {
        let tally = &self.tallies[worker];
        while let Ok(payload) = self.items.recv().await {
            if self.leaving.load(Ordering::Relaxed) {
                self.leave(payload);
                continue;
            }
            tally.begin();
            let result = self.once(payload).await;
            tally.end(result.is_ok());
            if let Err(failure) = result {
                self.failed(failure);
            }
            tokio::task::coop::consume_budget().await;
        }
    }

    /// One run in its own scope.
    #[inline]
    async fn once(&self, payload: Payload<W>) -> Result<(), RunFailure> {
        let body = Item::<W> { payload };
        let limits = Limits { timeout: self.options.timeout, drop_on: None };
        let spans = tracing::enabled!(target: "hostkit::queue", tracing::Level::INFO);
        if !spans && !self.wants_context {
            return component::run(&self.armed, Context::default(), body, limits).await;
        }
        self.in_context(spans, body, limits).await
    }

    async fn in_context(&self, spans: bool, body: Item<W>, limits: Limits<'_>) -> Result<(), RunFailure> {
        let numbered = spans || self.wants_job;
        let run = if numbered { self.runs.fetch_add(1, Ordering::Relaxed) + 1 } else { 0 };
        let queue = self.conduct.name;
        let values = self.wants_job.then(|| Arc::new(RunValues::default().with(JobContext::new(queue, run))));
        let token = self.armed.plan.wants_token.then(|| self.token());
        let context = Context { token, values };
        if !spans {
            return component::run(&self.armed, context, body, limits).await;
        }
        let span = tracing::info_span!(target: "hostkit::queue", "job", service = queue, run, attempt = 1);
        component::run(&self.armed, context, body, limits).instrument(span).await
    }

    /// Invariant 4.
    fn token(&self) -> CancellationToken {
        let Conduct { stop, abandon, .. } = &self.conduct;
        if stop.is_cancelled() { abandon.child_token() } else { stop.child_token() }
    }

    #[cold]
    fn failed(&self, failure: RunFailure) {
        let service = self.conduct.name;
        let stops = self.options.on_failure == OnFailure::StopHost && !self.conduct.is_stopping();
        let next = match stops {
            true => "item failed; the host stops",
            false if self.conduct.is_stopping() => "item failed while stopping",
            false => "item failed; the queue goes on with the next",
        };
        // A panic is a bug, which somebody must look at.
        if stops || matches!(failure, RunFailure::Panicked(_)) {
            tracing::error!(target: "hostkit::queue", service, error = %failure, "{next}");
        } else {
            tracing::warn!(target: "hostkit::queue", service, error = %failure, "{next}");
        }
        if stops {
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
            self.leaving.store(true, Ordering::Relaxed);
            self.given_up.cancel();
        }
    }

    /// The failure that stops the host.
    pub(super) fn take_failure(&self) -> Option<RunFailure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Leaves what waits from now on.
    pub(super) fn leave_the_rest(&self) {
        self.leaving.store(true, Ordering::Relaxed);
        while let Ok(payload) = self.items.try_recv() {
            self.leave(payload);
        }
    }

    fn leave(&self, payload: Payload<W>) {
        self.left.fetch_add(1, Ordering::Relaxed);
        if catch_unwind(AssertUnwindSafe(|| drop(payload))).is_err() {
            tracing::error!(target: "hostkit::queue", service = self.conduct.name, "dropping an item panicked");
        }
    }
}

/// The call of a queued function.
struct Item<W: Work> {
    payload: Payload<W>,
}

impl<W: Work> Body for Item<W> {
    type Needs = W::Needs;

    #[inline]
    fn start<'r>(self, given: Given<'r, Self::Needs>) -> impl Future<Output = Ended> + Send + 'r {
        // Called within the future, so that a panic before its first await is caught, too.
        async move { W::call(self.payload, given).await }
    }
}
