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

/// Called when a body is first polled, before anything of the user's. It may bring what runs in the place of the body.
pub(crate) type AtFirstPoll<'c> = dyn Fn() -> Option<BoxFuture<'static, Ended>> + Sync + 'c;

/// A function whose parameters know their places.
pub(crate) trait Callee: Send + Sync {
    /// What is built for a call.
    fn plan(&self) -> &Plan;

    /// Calls it once, in a scope of its own. When it is first polled it says so, and may be told to do something else.
    fn call<'c>(
        &'c self,
        context: Context,
        at_first_poll: &'c AtFirstPoll<'c>,
        limits: Limits<'c>,
    ) -> BoxFuture<'c, Result<(), RunFailure>>;
}

/// Binds a function's parameters; the singletons that it reads are built.
pub(crate) type Bind = fn(&Conduct) -> Result<Box<dyn Callee>, InjectError>;

/// Binds the parameters of the function that `H` calls.
pub(crate) fn bind<H: Call>(conduct: &Conduct) -> Result<Box<dyn Callee>, InjectError> {
    let function = Function::<H>(Armed::bind(&conduct.container, Arc::clone(&conduct.plan))?);
    Ok(conduct.probe.around(conduct.name, Box::new(function)))
}

struct Function<H: Call>(Armed<H::Needs>);

impl<H: Call> Callee for Function<H> {
    fn plan(&self) -> &Plan {
        self.0.plan()
    }

    fn call<'c>(
        &'c self,
        context: Context,
        at_first_poll: &'c AtFirstPoll<'c>,
        limits: Limits<'c>,
    ) -> BoxFuture<'c, Result<(), RunFailure>> {
        Box::pin(component::run(&self.0, context, Calling::<H> { at_first_poll, of: PhantomData }, limits))
    }
}

struct Calling<'c, H> {
    at_first_poll: &'c AtFirstPoll<'c>,
    of: PhantomData<fn() -> H>,
}

impl<H: Call> Body for Calling<'_, H> {
    type Needs = H::Needs;

    fn start<'r>(self, given: Given<'r, Self::Needs>) -> impl Future<Output = Ended> + Send {
        async move {
            match (self.at_first_poll)() {
                None => H::call(given).await,
                Some(instead) => instead.await,
            }
        }
    }
}
