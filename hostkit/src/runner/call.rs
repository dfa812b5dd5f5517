//! Calling a function without a payload.

use std::future::Future;
use std::marker::PhantomData;

use crate::component::{Body, Given};
use crate::function::{Call, Ended};

/// One call of `H`.
pub(crate) struct Calling<H>(PhantomData<fn() -> H>);

impl<H> Calling<H> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<H: Call> Body for Calling<H> {
    type Needs = H::Needs;

    fn start<'r>(self, given: Given<'r, Self::Needs>) -> impl Future<Output = Ended> + Send + 'r {
        H::call(given)
    }
}
