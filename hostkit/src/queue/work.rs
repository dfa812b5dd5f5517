//! What a worker does: take an item, run it, count it.
//!
//! # Invariants
//!
//! 1. An item without components, timeout and token costs no allocation, no timer, no lock and no `select!`: a closed
//!    channel ends a worker, and dropping its task ends it at the deadline. It is called right here, because the layers
//!    of a run would cost as much as the item.
//! 2. Whatever an item does, its worker goes on with the next.
//! 3. A worker gives way to other tasks at least as often as tokio's own channels would make it.
//! 4. An item under way when `stop` fires is told. One that is begun while the queue drains is told at the deadline
//!    only: it was accepted to be done.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::JobContext;
use super::counts::Tally;
use super::items::Items;
use super::leftover::Leftovers;
use super::options::{OnFailure, Options};
use super::retry::Retries;
use crate::component::{self, Armed, Body, Context, Frame, Given, Limits, RunFailure, RunValues};
use crate::function::{Ended, Payload, Work};
use crate::runner::Conduct;

/// After so many items a worker that never had to wait gives way (invariant 3). It counts itself, because asking tokio's
/// budget costs as much as an item.
const ITEMS_IN_A_ROW: u32 = 64;

/// What the workers of one queue share.
pub(super) struct Crew<W: Work> {
    pub(super) options: Options,
    pub(super) conduct: Conduct,
    pub(super) armed: Armed<W::Needs>,
    pub(super) items: Arc<Items<Payload<W>>>,
    pub(super) tallies: Arc<[Tally]>,
    pub(super) left: Arc<Leftovers<Payload<W>>>,
    pub(super) retries: Arc<Retries<Payload<W>>>,
    /// Of each worker a copy of the item under way, if that may be tried again or is handed over when it is interrupted.
    pub(super) copies: Box<[Mutex<Option<Payload<W>>>]>,
    /// Whether what waits is left instead of being worked on.
    leaving: AtomicBool,
    runs: AtomicU64,
    wants_context: bool,
    wants_job: bool,
    /// Whether items that begin now do so after the stop.
    draining: AtomicBool,
    /// The parent of the tokens of items that began before the stop.
    under_way: CancellationToken,
    /// Fires when a failure stops the host.
    pub(super) given_up: CancellationToken,
    failure: Mutex<Option<RunFailure>>,
}

impl<W: Work> Crew<W> {
    pub(super) fn new(
        options: Options,
        conduct: Conduct,
        armed: Armed<W::Needs>,
        items: Arc<Items<Payload<W>>>,
        tallies: Arc<[Tally]>,
        left: Arc<Leftovers<Payload<W>>>,
        retries: Arc<Retries<Payload<W>>>,
    ) -> Self {
        let wants_job = armed.plan().wants::<JobContext>();
        Self {
            wants_context: wants_job || armed.plan().wants_token,
            wants_job,
            copies: (0..options.concurrency).map(|_| Mutex::default()).collect(),
            options,
            conduct,
            armed,
            items,
            tallies,
            left,
            retries,
            leaving: AtomicBool::new(false),
            runs: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            under_way: CancellationToken::new(),
            given_up: CancellationToken::new(),
            failure: Mutex::default(),
        }
    }

    /// Works items off until the queue is closed and empty.
    pub(super) async fn work(self: Arc<Self>, worker: usize) {
        let tally = &self.tallies[worker];
        let limits = Limits { of: self.conduct.name, timeout: self.options.timeout, drop_on: None };
        // Items without components share a frame, because there is nothing in it, and what it lends (invariant 1).
        let bare = self.armed.is_bare() && !self.wants_context && self.options.timeout.is_none() && !self.is_observed();
        let mut empty = Frame::bare(Context::default());
        let shared = bare.then(|| self.armed.give(&mut empty));
        let mut in_a_row = 0;
        loop {
            let payload = match self.items.take() {
                Some(payload) => payload,
                None => match self.items.next().await {
                    Some(payload) => payload,
                    None => break,
                },
            };
            if self.is_leaving() {
                self.leave(payload);
                continue;
            }
            tally.begin();
            let item = Item::<W> { payload };
            let result = match &shared {
                _ if spans() => self.in_span(item, limits).await,
                Some(given) => {
                    let call = pin!(Some(item.start(self.armed.again(given))));
                    component::judge(component::catching(call).await)
                }
                None => self.run(self.context(None, 1), item, limits).await,
            };
            tally.end(result.is_ok());
            if let Err(failure) = result {
                self.failed(failure);
            }
            in_a_row += 1;
            if in_a_row == ITEMS_IN_A_ROW {
                in_a_row = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    async fn in_span(&self, item: Item<W>, limits: Limits<'_>) -> Result<(), RunFailure> {
        let (service, run) = (self.conduct.name, self.number());
        let span = tracing::info_span!(target: "hostkit::queue", "job", service, run, attempt = 1);
        self.run(self.context(Some(run), 1), item, limits).instrument(span).await
    }

    /// One item in a scope of its own.
    #[inline]
    pub(super) fn run<'c>(
        &'c self,
        context: Context,
        item: Item<W>,
        limits: Limits<'c>,
    ) -> impl Future<Output = Result<(), RunFailure>> + Send + 'c {
        run::<W>(&self.conduct, &self.armed, context, item, limits)
    }

    pub(super) fn number(&self) -> u64 {
        self.runs.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// What a run is given.
    #[inline]
    pub(super) fn context(&self, run: Option<u64>, attempt: u32) -> Context {
        let job = || {
            let run = run.unwrap_or_else(|| self.number());
            Arc::new((JobContext::new(self.conduct.name, run).on_attempt(attempt),)) as Arc<dyn RunValues>
        };
        let plan = self.armed.plan();
        Context { token: plan.wants_token.then(|| self.token()), values: self.wants_job.then(job) }
    }

    /// Invariant 4.
    fn token(&self) -> CancellationToken {
        let draining = self.draining.load(Ordering::Acquire);
        let parent = if draining { &self.conduct.abandon } else { &self.under_way };
        parent.child_token()
    }

    /// Tells the items under way that the host stops (invariant 4), and ends the wait of those that failed.
    pub(super) fn tell(&self) {
        self.draining.store(true, Ordering::Release);
        self.under_way.cancel();
        self.retries.end_waits();
    }

    #[cold]
    pub(super) fn failed(&self, failure: RunFailure) {
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
        while let Some(payload) = self.items.take() {
            self.leave(payload);
        }
        self.retries.take().into_iter().for_each(|payload| self.leave(payload));
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    pub(super) fn leave(&self, payload: Payload<W>) {
        self.left.leave(payload, self.conduct.name);
    }

    #[cfg(not(feature = "testing"))]
    #[allow(clippy::unused_self, reason = "nobody looks on without the feature")]
    fn is_observed(&self) -> bool {
        false
    }
}

/// One item in a scope of its own.
#[cfg(not(feature = "testing"))]
#[inline]
pub(super) fn run<'c, W: Work>(
    _conduct: &'c Conduct,
    armed: &'c Armed<W::Needs>,
    context: Context,
    item: Item<W>,
    limits: Limits<'c>,
) -> impl Future<Output = Result<(), RunFailure>> + Send + 'c {
    component::run(armed, context, item, limits)
}

#[cfg(feature = "testing")]
pub(super) use super::observed::run;

/// Whether anybody wants the spans of runs.
#[inline]
fn spans() -> bool {
    tracing::span_enabled!(target: "hostkit::queue", tracing::Level::INFO)
}

/// The call of a queued function.
pub(super) struct Item<W: Work> {
    pub(super) payload: Payload<W>,
}

impl<W: Work> Body for Item<W> {
    type Needs = W::Needs;

    #[inline]
    fn start<'r>(self, given: Given<'r, Self::Needs>) -> impl Future<Output = Ended> + Send {
        W::call(self.payload, given)
    }
}
