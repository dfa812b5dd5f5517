//! The last place that knows a durable function's type: reading its payload and calling it.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::component::{Armed, Context, InjectError, Limits, Plan, RunFailure, catch};
use crate::function::{Codec, Durable, Payload, Work};
use crate::queue::work::{self, Item};
use crate::runner::Conduct;

/// A durable function whose parameters know their places.
pub(crate) trait Handler: Send + Sync {
    /// What is built for a run.
    fn plan(&self) -> &Plan;

    /// Calls it with a stored payload, in a scope of its own; fails if the payload cannot be read.
    fn call<'c>(
        &'c self,
        payload: &[u8],
        context: Context,
        limits: Limits<'c>,
    ) -> Result<BoxFuture<'c, Result<(), RunFailure>>, Unreadable>;

    /// What would be stored of a payload, or why nothing can be; none if it is not the function's.
    #[cfg(feature = "testing")]
    fn written(&self, payload: Box<dyn std::any::Any + Send>) -> Option<Result<Vec<u8>, String>> {
        let _ = payload;
        None
    }

    /// Why it should not run any more, if so.
    fn refuses(&self, payload: &[u8], attempt: u32) -> Option<String> {
        let _ = (payload, attempt);
        None
    }
}

/// Why a payload cannot be read, without anything of it.
#[derive(Debug)]
pub(crate) struct Unreadable(pub(crate) String);

/// Binds a function's parameters; the singletons that it reads are built.
pub(crate) type Bind = Box<dyn Fn(&Conduct) -> Result<Box<dyn Handler>, InjectError> + Send + Sync>;

pub(super) fn bind<W: Work<Of: Durable>>(conduct: &Conduct) -> Result<Box<dyn Handler>, InjectError> {
    let armed = Armed::bind(&conduct.container, Arc::clone(&conduct.plan))?;
    let codec = W::CODEC.expect("the expansion of a durable function says how its payload is stored");
    Ok(Box::new(Function::<W> { armed, codec, conduct: conduct.clone() }))
}

struct Function<W: Work> {
    armed: Armed<W::Needs>,
    codec: Codec<Payload<W>>,
    conduct: Conduct,
}

impl<W: Work> Handler for Function<W> {
    fn plan(&self) -> &Plan {
        self.armed.plan()
    }

    fn call<'c>(
        &'c self,
        payload: &[u8],
        context: Context,
        limits: Limits<'c>,
    ) -> Result<BoxFuture<'c, Result<(), RunFailure>>, Unreadable> {
        // Reading it may be the user's code.
        let payload = match catch(|| (self.codec.decode)(payload)) {
            Ok(Ok(payload)) => payload,
            Ok(Err(error)) => return Err(unreadable::<W>(&error)),
            Err(caught) => return Err(Unreadable(format!("reading the payload panicked: {caught}"))),
        };
        Ok(Box::pin(work::run::<W>(&self.conduct, &self.armed, context, Item { payload }, limits)))
    }

    #[cfg(feature = "testing")]
    fn written(&self, payload: Box<dyn std::any::Any + Send>) -> Option<Result<Vec<u8>, String>> {
        let payload: Payload<W> = *payload.downcast().ok()?;
        Some(match catch(|| (self.codec.encode)(&payload)) {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) => Err(format!("the payload cannot be written as JSON: {error}")),
            Err(caught) => Err(format!("writing the payload panicked: {caught}")),
        })
    }
}

/// serde's own words may quote the payload, so only the place is said.
fn unreadable<W: Work>(error: &serde_json::Error) -> Unreadable {
    let ty = crate::component::short_type_name(std::any::type_name::<Payload<W>>());
    let what = match error.classify() {
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof => "it is not JSON",
        _ => "it has another shape",
    };
    Unreadable(format!("the payload is no `{ty}`: {what}, at line {} column {}", error.line(), error.column()))
}
