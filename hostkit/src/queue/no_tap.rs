//! The place of `tap` without the feature `testing`: nobody looks at payloads, and nothing of this is left in the program.

use std::marker::PhantomData;

use crate::function::CopyOf;
use crate::runner::Probe;

/// Nobody looks.
pub(super) struct Tap<P>(PhantomData<fn() -> P>);

/// Nothing was seen.
pub(super) struct Offered<P>(PhantomData<fn() -> P>);

#[allow(clippy::unused_self, reason = "somebody looks, with the feature")]
impl<P> Tap<P> {
    #[inline]
    pub(super) fn new(_function: &'static str, _probe: &Probe, _copy: Option<CopyOf<P>>) -> Self {
        Self(PhantomData)
    }

    #[inline]
    pub(super) fn offer(&self, _payload: &P) -> Offered<P> {
        Offered(PhantomData)
    }

    #[inline]
    pub(super) fn accepted(&self, _offered: Offered<P>) {}
}

impl<P> Clone for Tap<P> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}
