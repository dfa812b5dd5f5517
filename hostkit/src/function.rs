//! The annotated functions as the runtime sees them: the traits that expansions implement on handle types.

use std::any::TypeId;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use pin_project_lite::pin_project;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::component::{Declared, Given, Need};
use crate::error::BoxError;
use crate::registry::{Registration, ServiceEntry};

/// What every annotated function's result is turned into.
pub type Ended = Result<(), BoxError>;

/// An annotated item that [`Host::empty`](crate::Host::empty) can be given by name: a component, or the handle of a
/// function.
///
/// An expansion implements this one trait for a handle; what else can be said of it follows from its role.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an annotated function or component",
    label = "no hostkit attribute on this",
    note = "name the handle of a function with a hostkit attribute, or a component's type"
)]
pub trait Item: 'static {
    /// What the host does with it.
    type Role;
    /// What is registered.
    const REGISTRATION: Registration;
}

#[diagnostic::do_not_recommend]
impl<T: Declared> Item for T {
    type Role = role::Injected;
    const REGISTRATION: Registration = Registration::Node(T::NODE);
}

/// What the host does with an item, and which handle it is therefore.
pub mod role {
    use crate::queue::{Channel, Line, Receipt};

    /// The role of a function without a payload.
    #[derive(Debug)]
    pub struct Called;

    /// The role of a function that works off a queue.
    #[derive(Debug)]
    pub struct Enqueued;

    /// The role of a function that works off a durable queue.
    #[cfg(feature = "durable")]
    #[derive(Debug)]
    pub struct Stored;

    /// The role of what is given to functions.
    #[derive(Debug)]
    pub struct Injected;

    /// The role of a crate that was linked by name.
    #[derive(Debug)]
    pub struct Linked;

    /// A role that functions have.
    pub trait Runs {}
    impl Runs for Called {}
    impl Runs for Enqueued {}
    #[cfg(feature = "durable")]
    impl Runs for Stored {}

    /// A role of functions that receive payloads.
    pub trait Receives: Runs {
        /// What whoever enqueues is told.
        type Receipt: Send;
        /// What payloads go through.
        type Line<P: Send + 'static>: Line<P, Receipt = Self::Receipt>;
    }

    impl Receives for Enqueued {
        type Receipt = Receipt;
        type Line<P: Send + 'static> = Channel<P>;
    }

    #[cfg(feature = "durable")]
    impl Receives for Stored {
        type Receipt = crate::store::JobId;
        type Line<P: Send + 'static> = crate::queue::Storage<P>;
    }
}

/// The handle of an annotated function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the handle of a function that hostkit runs",
    label = "no hostkit attribute on a function of this name"
)]
pub trait Handle: 'static {
    /// What is registered.
    const ENTRY: &'static ServiceEntry;
}

#[diagnostic::do_not_recommend]
impl<T: Item<Role: role::Runs>> Handle for T {
    const ENTRY: &'static ServiceEntry = match T::REGISTRATION {
        Registration::Service(entry) => entry,
        Registration::Node(_) | Registration::Linked(_) => panic!("what runs is registered as a service"),
    };
}

/// The handle of a function without a payload: a background service, a periodic function or a hook.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the handle of a function that can be triggered",
    label = "not a background service, a periodic function or a hook"
)]
pub trait Callable: Handle {}

#[diagnostic::do_not_recommend]
impl<T: Item<Role = role::Called>> Callable for T {}

/// The handle of a function that works off a queue.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the handle of a queued function",
    label = "no `#[hostkit::queued]` on a function of this name"
)]
pub trait Queued: Handle + Item<Role: role::Receives> {
    /// Its first parameter.
    type Payload: Send + 'static;
}

/// The handle of a function that works off a queue in the process.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the handle of a function that is queued in the process",
    label = "the queue of this function is in a store, which nobody can try or ask for its length at once"
)]
pub trait InProcess: Queued + Item<Role = role::Enqueued> {}

#[diagnostic::do_not_recommend]
impl<T: Queued + Item<Role = role::Enqueued>> InProcess for T {}

/// The handle of a function that works off a durable queue.
#[cfg(feature = "durable")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the handle of a durable function",
    label = "no `#[hostkit::queued(durable)]` on a function of this name"
)]
pub trait Durable: Queued + Item<Role = role::Stored> {}

#[cfg(feature = "durable")]
#[diagnostic::do_not_recommend]
impl<T: Queued + Item<Role = role::Stored>> Durable for T {}

/// What the payloads of the function `F` go through.
pub type LineOf<F> = <<F as Item>::Role as role::Receives>::Line<<F as Queued>::Payload>;

/// What whoever enqueues for the function `F` is told: a [`Receipt`](crate::Receipt), or of a durable function the id of the
/// job.
pub type ReceiptOf<F> = <<F as Item>::Role as role::Receives>::Receipt;

/// How to call a function without a payload.
///
/// It stands on a private type beside the handle, because a public function may need private components (E0446).
pub trait Call: 'static {
    /// The handle.
    type Of: Callable;
    /// The function's parameters.
    type Needs: Need;

    /// Calls it.
    fn call<'r>(given: Given<'r, Self::Needs>) -> impl Future<Output = Ended> + Send + 'r;
}

/// How to call a function that works off a queue, likewise.
pub trait Work: 'static {
    /// The handle.
    type Of: Queued;
    /// The function's parameters behind the payload.
    type Needs: Need;
    /// Copies a payload, where that can be done.
    const COPY: Copying<<Self::Of as Queued>::Payload> = None;
    /// Takes what is left in the queue at the stop.
    const LEFTOVER: Taker<<Self::Of as Queued>::Payload> = None;
    /// How a payload is stored, where that is done.
    const CODEC: Coding<<Self::Of as Queued>::Payload> = None;
    /// What makes payloads the same, where that is not all of them.
    const KEY: Keying<<Self::Of as Queued>::Payload> = None;

    /// Calls it.
    fn call<'r>(
        payload: <Self::Of as Queued>::Payload,
        given: Given<'r, Self::Needs>,
    ) -> impl Future<Output = Ended> + Send + 'r;
}

/// Copies a payload that may be tried again.
pub type CopyOf<P> = fn(&P) -> P;

/// Calls the function that takes what is left in a queue.
pub type HandOver<P> = fn(Vec<P>) -> BoxFuture<'static, Ended>;

/// How to copy a payload, if it can be copied.
pub type Copying<P> = Option<CopyOf<P>>;

/// What takes the leftovers of a queue, if anything does.
pub type Taker<P> = Option<HandOver<P>>;

/// How to store a payload, if that is done.
pub type Coding<P> = Option<Codec<P>>;

/// What makes payloads the same, if that is not all of them.
pub type Keying<P> = Option<fn(&P) -> String>;

/// Writes payloads and reads them again.
#[derive(Debug)]
#[cfg_attr(not(feature = "durable"), allow(dead_code, reason = "nothing is written or read without stores"))]
pub struct Codec<P> {
    /// As JSON.
    pub(crate) encode: fn(&P) -> serde_json::Result<Vec<u8>>,
    /// From JSON.
    pub(crate) decode: fn(&[u8]) -> serde_json::Result<P>,
}

impl<P> Clone for Codec<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Codec<P> {}

/// What can be stored.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored",
    label = "the payload of a durable function is written and read with serde",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it"
)]
pub trait Storable: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Storable for T {}

/// How a payload of this type is stored.
pub const fn codec<P: Storable>() -> Codec<P> {
    Codec { encode: |payload| serde_json::to_vec(payload), decode: |bytes| serde_json::from_slice(bytes) }
}

/// What makes payloads of a durable function the same.
#[diagnostic::on_unimplemented(
    message = "a key is text: `String`, `&str` or what converts into a `String`",
    label = "this function returns `{Self}`",
    note = "make it text, with `.to_string()` for example"
)]
pub trait Key {
    /// The text.
    fn into_text(self) -> String;
}

#[diagnostic::do_not_recommend]
impl<T: Into<String>> Key for T {
    fn into_text(self) -> String {
        self.into()
    }
}

/// A payload's key.
pub fn key(key: impl Key) -> String {
    key.into_text()
}

/// Payloads of this type: `Payloads::<P>::COPY` is the constant below where `P` can be cloned, and that of [`Uncopied`]
/// elsewhere, because what a type has itself goes before what a trait gives it.
#[derive(Debug)]
pub struct Payloads<P>(PhantomData<fn(P)>);

impl<P: Clone> Payloads<P> {
    /// Clones it.
    pub const COPY: Copying<P> = Some(P::clone);
}

/// Payloads that cannot be cloned.
pub trait Uncopied {
    /// The type of the payload.
    type Payload;
    /// There is no way.
    const COPY: Copying<Self::Payload> = None;
}

impl<P> Uncopied for Payloads<P> {
    type Payload = P;
}

/// Calls the function that takes what is left in a queue: `async fn(Vec<P>)`.
pub fn hand_over<P, F>(taker: fn(Vec<P>) -> F, left: Vec<P>) -> BoxFuture<'static, Ended>
where
    F: Future<Output: IntoEnded> + Send + 'static,
{
    let taking = taker(left);
    Box::pin(async move { taking.await.into_ended() })
}

/// The payload of the function that `W` calls.
pub(crate) type Payload<W> = <<W as Work>::Of as Queued>::Payload;

/// What an annotated function may return.
#[diagnostic::on_unimplemented(
    message = "a function that hostkit runs returns `()`, `!` or `Result<(), E>`",
    label = "this returns `{Self}`",
    note = "`E` converts into `Box<dyn Error + Send + Sync>`, as text, the errors of std and those of anyhow do"
)]
pub trait IntoEnded {
    /// The result form.
    ///
    /// # Errors
    /// Returns what the function returned.
    fn into_ended(self) -> Ended;
}

#[diagnostic::do_not_recommend]
impl IntoEnded for () {
    fn into_ended(self) -> Ended {
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> IntoEnded for Result<(), E> {
    fn into_ended(self) -> Ended {
        self.map_err(Into::into)
    }
}

/// A function's result in the form the runtime reads.
///
/// # Errors
/// Returns what the function returned.
pub fn ended(value: impl IntoEnded) -> Ended {
    value.into_ended()
}

pin_project! {
    /// A function's future, with its result in the form the runtime reads.
    ///
    /// It stands where an `async` block would do, because a block is a state machine of its own, which the compiler builds and
    /// checks once more for each function.
    pub struct Ending<F: Future> {
        #[pin]
        future: F,
        ended: fn(F::Output) -> Ended,
    }
}

/// `ending(work(…), ended)`: [`ended`] comes as a pointer, because in the type of the future it would repeat what it demands
/// of the result, and a wrong result would be two errors.
pub fn ending<F: Future>(future: F, ended: fn(F::Output) -> Ended) -> Ending<F> {
    Ending { future, ended }
}

impl<F: Future> Future for Ending<F> {
    type Output = Ended;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ended> {
        let this = self.project();
        this.future.poll(context).map(this.ended)
    }
}

impl<F: Future> fmt::Debug for Ending<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ending").finish_non_exhaustive()
    }
}

/// The identity of a handle, in `after = […]`.
pub fn handle_of<H: Handle>() -> TypeId {
    TypeId::of::<H>()
}
