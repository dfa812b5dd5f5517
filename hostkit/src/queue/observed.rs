//! The items of a queue that the test kit looks upon: each is announced, and may have something else in its place.

use std::future::Future;

use futures_util::future::{BoxFuture, Either};

use super::work::{Crew, Item};
use crate::component::{self, Armed, Body, Context, Given, Limits, RunFailure};
use crate::function::{Ended, Payload, Work};
use crate::runner::Conduct;

/// One item in a scope of its own.
pub(super) async fn run<W: Work>(
    conduct: &Conduct,
    armed: &Armed<W::Needs>,
    context: Context,
    item: Item<W>,
    limits: Limits<'_>,
) -> Result<(), RunFailure> {
    let Some(mut run) = conduct.probe.begin(conduct.name) else {
        return component::run(armed, context, item, limits).await;
    };
    let item = Observed { item, instead: run.instead.take() };
    let result = run.attend(Box::pin(component::run(armed, context, item, limits))).await;
    match &result {
        // Whoever looks for failures finds none in it.
        #[cfg(feature = "durable")]
        Err(failure) if super::durable::is_answer(failure) => run.end(&Ok(())),
        result => run.end(result),
    }
    result
}

impl<W: Work> Crew<W> {
    /// One item that never was in the queue, tried once and not counted.
    pub(super) async fn run_one(&self, payload: Payload<W>) -> Result<(), RunFailure> {
        let limits = Limits { of: self.conduct.name, timeout: self.options.timeout, drop_on: None };
        self.run(self.context(None, 1), Item { payload }, limits).await
    }

    pub(super) fn is_observed(&self) -> bool {
        self.conduct.probe.is_on()
    }
}

/// An item, or what takes its place.
struct Observed<W: Work> {
    item: Item<W>,
    instead: Option<BoxFuture<'static, Ended>>,
}

impl<W: Work> Body for Observed<W> {
    type Needs = W::Needs;

    fn start<'r>(self, given: Given<'r, Self::Needs>) -> impl Future<Output = Ended> + Send {
        match self.instead {
            None => Either::Left(self.item.start(given)),
            Some(instead) => Either::Right(instead),
        }
    }
}
