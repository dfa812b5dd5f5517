//! Calling a function without a payload.

use std::future::Future;
use std::marker::PhantomData;

use crate::component::{Body, Given};
use crate::function::{Callable, Ended};

/// One call of `H`.
pub(crate) struct Call<H>(PhantomData<fn() -> H>);

impl<H> Call<H> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<H: Callable> Body for Call<H> {
    type Needs = H::Needs;

    fn start<'r>(self, given: Given<'r, Self::Needs>) -> impl Future<Output = Ended> + Send + 'r {
        // Called within the future, so that a panic before its first await is caught, too.
        async move { H::call(given).await }
    }
}
