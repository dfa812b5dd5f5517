//! Calling a function without a payload.
//!
//! What knows the function's type ends here: everything around a call is compiled once, and not for every function.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Conduct;
use crate::component::{self, Armed, Body, Context, Given, InjectError, Limits, Plan, RunFailure};
use crate::function::{Call, Ended};

/// A function whose parameters know their places.
pub(crate) trait Callee: Send + Sync {
    /// What is built for a call.
    fn plan(&self) -> &Plan;

    /// Calls it once, in a scope of its own. When it is first polled it says so.
    fn call<'c>(
        &'c self,
        context: Context,
        at_first_poll: &'c (dyn Fn() + Sync),
        limits: Limits<'c>,
    ) -> BoxFuture<'c, Result<(), RunFailure>>;
}

/// Binds a function's parameters; the singletons that it reads are built.
pub(crate) type Bind = fn(&Conduct) -> Result<Box<dyn Callee>, InjectError>;

/// Binds the parameters of the function that `H` calls.
pub(crate) fn bind<H: Call>(conduct: &Conduct) -> Result<Box<dyn Callee>, InjectError> {
    Ok(Box::new(Function::<H>(Armed::bind(&conduct.container, Arc::clone(&conduct.plan))?)))
}

struct Function<H: Call>(Armed<H::Needs>);

impl<H: Call> Callee for Function<H> {
    fn plan(&self) -> &Plan {
        self.0.plan()
    }

    fn call<'c>(
        &'c self,
        context: Context,
        at_first_poll: &'c (dyn Fn() + Sync),
        limits: Limits<'c>,
    ) -> BoxFuture<'c, Result<(), RunFailure>> {
        Box::pin(component::run(&self.0, context, Calling::<H> { at_first_poll, of: PhantomData }, limits))
    }
}

struct Calling<'c, H> {
    at_first_poll: &'c (dyn Fn() + Sync),
    of: PhantomData<fn() -> H>,
}

impl<H: Call> Body for Calling<'_, H> {
    type Needs = H::Needs;

    fn start<'r>(self, given: Given<'r, Self::Needs>) -> impl Future<Output = Ended> + Send {
        async move {
            (self.at_first_poll)();
            H::call(given).await
        }
    }
}
