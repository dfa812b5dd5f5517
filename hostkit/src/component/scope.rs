//! Scopes that user code opens itself: typed ones with a known plan, and the untyped form.

use std::any::{Any, TypeId};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::{Arc, Weak};

use tokio::sync::OnceCell;

use super::container::Container;
use super::dispose::{CloseFault, Opened};
#[cfg(feature = "axum")]
use super::ext::Ext;
use super::frame::{Context, Frame};
use super::graph::{ProviderId, Resolved};
use super::plan::{Armed, Binder, Failure, InjectError, Place, Plan};
use super::shared::Shared;
use super::{Asked, Bound, Component, Lent, Need, Outcome, Take, Want, never_again, takes_nothing};
use crate::error::BoxError;

/// The type parameter of a [`Scopes`] that opens untyped scopes.
#[derive(Debug, Clone, Copy)]
pub struct Untyped(());

/// Opens scopes inside a long-running worker.
///
/// `Scopes<T>` opens a scope that holds component `T`; its plan is known when the host is built, so nothing is missing
/// at run time. `Scopes` without a parameter opens a scope from which any registered component can be got.
pub struct Scopes<T = Untyped> {
    container: Arc<Container>,
    typed: Option<Arc<Typed>>,
    of: PhantomData<fn() -> T>,
}

struct Typed {
    provider: ProviderId,
    /// Whether a component asked for it, and no function that the host runs.
    of_component: bool,
    open: OnceCell<ArmedPlan>,
}

/// The armed plan that every scope is opened with.
enum ArmedPlan {
    /// A function's own, which ends with the function.
    Own(Box<dyn Any + Send + Sync>),
    /// A component's, which the container holds: a singleton may have it and be what it reads.
    Shared(Weak<dyn Any + Send + Sync>),
}

impl<T> Clone for Scopes<T> {
    fn clone(&self) -> Self {
        Self { container: Arc::clone(&self.container), typed: self.typed.clone(), of: PhantomData }
    }
}

impl<T> fmt::Debug for Scopes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes<{}>", super::want::short_type_name(std::any::type_name::<T>()))
    }
}

impl<T: Component> Scopes<T> {
    /// Opens a scope and builds `T` in it.
    ///
    /// # Errors
    /// Fails when a constructor fails; what was built before it has then been disposed.
    ///
    /// # Cancel safety
    /// Cancelling disposes what has been built, as cancelled.
    pub async fn open(&self) -> Result<Pass<T>, InjectError> {
        let typed = self.typed.as_ref().ok_or_else(|| not_registered::<T>())?;
        let armed = match typed.open.get() {
            Some(armed) => armed,
            None => typed.open.get_or_try_init(|| self.arm(typed)).await?,
        };
        let shared;
        let armed = match armed {
            ArmedPlan::Own(armed) => &**armed,
            ArmedPlan::Shared(armed) => {
                shared = armed.upgrade().ok_or_else(|| self.container.stopped(typed.provider))?;
                &*shared
            }
        };
        let armed: &Armed<Lent<T>> = armed.downcast_ref().ok_or_else(InjectError::wrong_type)?;
        let context = if armed.plan().wants_token {
            Context { token: Some(self.container.stop.child_token()), values: None }
        } else {
            Context::default()
        };
        Ok(Pass { opened: armed.open(context).await?, root: armed.root().clone() })
    }

    async fn arm(&self, typed: &Typed) -> Result<ArmedPlan, InjectError> {
        let root = Resolved::Provider { id: typed.provider, take: Take::Shared, cast: None };
        let plan = Arc::new(Plan::of(&self.container.graph, &[root]));
        let armed: Armed<Lent<T>> = Armed::new(&self.container, plan).await?;
        if typed.of_component {
            return Ok(ArmedPlan::Shared(self.container.hold_armed(typed.provider, Arc::new(armed))?));
        }
        Ok(ArmedPlan::Own(Box::new(armed)))
    }
}

fn not_registered<T>() -> InjectError {
    let name = super::want::short_type_name(std::any::type_name::<T>());
    InjectError::new(name, Failure::NotRegistered)
}

// Typed or not is for the edge to say; a bound here would repeat its error.
impl<T: 'static> Need for Scopes<T> {
    type Bound = Self;
    type Given<'r> = Self;
    takes_nothing!();

    fn bind(binder: &mut Binder<'_>) -> Self {
        let typed = match binder.next().place {
            Place::Fresh(provider) => {
                Some(Arc::new(Typed { provider, of_component: binder.of_component, open: OnceCell::new() }))
            }
            _ => None,
        };
        Self { container: Arc::clone(binder.container), typed, of: PhantomData }
    }

    fn give<'r>(bound: &'r Self, (): (), _frame: &'r Frame) -> Self {
        bound.clone()
    }

    fn again<'r>(bound: &'r Self, _given: &Self) -> Self {
        bound.clone()
    }
}

impl<K, T: Component> Asked<K> for Scopes<T> {
    const WANT: Want = Want::Component(T::NODE, Take::Fresh);
}

/// An open scope that lends its component `T`.
///
/// Dropped unclosed, it is closed as cancelled in the background, and shutdown waits for that.
pub struct Pass<T: Component> {
    opened: Opened,
    root: Bound<T>,
}

impl<T: Component> Deref for Pass<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.root.lend(&self.opened.frame)
    }
}

impl<T: Component> Pass<T> {
    /// Ends the scope: dependents first, every disposer awaited with this outcome.
    ///
    /// # Errors
    /// Fails when a disposer fails, panics or does not finish, or when something still holds an `Arc` of a component
    /// that has one. None of them stops the rest.
    pub async fn close(self, outcome: Outcome) -> Result<(), ScopeError> {
        self.opened.close(outcome).await.map_err(ScopeError::closing)
    }
}

impl<T: Component> Pass<T> {
    /// Ends the scope as the work in it ended, and hands the work's value on.
    ///
    /// # Errors
    /// Returns the error of the work, or what went wrong while the scope was closed after the work had succeeded.
    ///
    /// # Examples
    /// ```no_run
    /// # #[hostkit::scoped] struct Orders {}
    /// # impl Orders { async fn process_next(&self) -> Result<u32, std::io::Error> { Ok(1) } }
    /// # async fn example(orders: hostkit::Scopes<Orders>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// let pass = orders.open().await?;
    /// let processed = pass.process_next().await;
    /// let processed = pass.finish(processed).await?;
    /// # let _: u32 = processed;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn finish<R, E: Into<BoxError>>(self, result: Result<R, E>) -> Result<R, ScopeError> {
        let closed = self.close(Outcome::of(&result)).await;
        both(result, closed)
    }
}

impl<T: fmt::Debug + Component> fmt::Debug for Pass<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pass").field(&**self).finish()
    }
}

impl Scopes<Untyped> {
    pub(crate) fn of(container: &Arc<Container>) -> Self {
        Self { container: Arc::clone(container), typed: None, of: PhantomData }
    }

    /// Whether both open scopes of one host.
    #[cfg(feature = "axum")]
    pub(crate) fn are_of_host_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.container, &other.container)
    }

    /// Something that the host itself makes, if it does.
    #[cfg(feature = "axum")]
    pub(crate) fn fitting<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.container.fitting()
    }

    /// Opens an empty scope; its components are built as they are got.
    pub fn open(&self) -> Scope {
        let context = Context { token: Some(self.container.stop.child_token()), values: None };
        Scope(Arc::new(OpenScope { shared: Shared::empty(&self.container, context), owned: true }))
    }

    /// Opens a scope, calls the function with it and closes it, succeeded or failed as the function's result says.
    ///
    /// The function takes the scope by value; close it through its result and not yourself.
    ///
    /// # Errors
    /// Returns the function's error, or what went wrong while the scope was closed after it succeeded.
    ///
    /// # Cancel safety
    /// Cancelling closes the scope in the background, as cancelled.
    pub async fn run<F, Fut, T, E>(&self, body: F) -> Result<T, ScopeError>
    where
        F: FnOnce(Scope) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        let scope = self.open();
        let result = body(scope.clone()).await;
        let closed = scope.close(Outcome::of(&result)).await;
        both(result, closed)
    }
}

impl<K> Asked<K> for Scopes<Untyped> {
    const WANT: Want = Want::Scopes;
}

/// A scope, untyped: components are got from it one by one and shared within it.
///
/// As a parameter it is the run's own scope, which the framework closes. Cloning it clones a reference.
#[derive(Clone)]
pub struct Scope(Arc<OpenScope>);

struct OpenScope {
    shared: Arc<Shared>,
    /// Whether it was opened by user code and so must be closed by it.
    owned: bool,
}

impl Drop for OpenScope {
    fn drop(&mut self) {
        if self.owned && !self.shared.has_ended() {
            self.shared.container.reap(self.shared.end(Vec::new(), Outcome::Cancelled));
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

impl Scope {
    /// The component `T` of this scope, built now unless it already was.
    ///
    /// Let go of it before the scope is closed: a disposer takes its component by value.
    ///
    /// # Errors
    /// Fails when `T` is not registered in this host, when a constructor fails, and when the scope is closed.
    pub async fn get<T: Component>(&self) -> Result<Arc<T>, InjectError> {
        let provider =
            self.0.shared.container.graph.component(TypeId::of::<T>()).ok_or_else(|| not_registered::<T>())?;
        let built = self.0.shared.build(provider).await?;
        built.downcast().map_err(|_other| InjectError::wrong_type())
    }

    /// The foreign type `T`, as [`get`](Self::get).
    #[cfg(feature = "axum")]
    pub(crate) async fn get_foreign<T: Send + Sync + 'static>(&self) -> Result<Ext<T>, InjectError> {
        let provider = self.0.shared.container.graph.foreign::<T>()?;
        let built = self.0.shared.build(provider).await?;
        built.downcast().map(Ext).map_err(|_other| InjectError::wrong_type())
    }

    /// A reference that does not keep the scope from ending with its owner.
    #[cfg(feature = "axum")]
    pub(crate) fn lend(&self) -> Self {
        Self(Arc::new(OpenScope { shared: Arc::clone(&self.0.shared), owned: false }))
    }

    /// Ends the scope in the background.
    #[cfg(feature = "axum")]
    pub(crate) fn abandon(&self, outcome: Outcome) {
        let shared = &self.0.shared;
        shared.container.reap(shared.end(Vec::new(), outcome));
    }

    /// Ends the scope: what was built last first, every disposer awaited with this outcome.
    ///
    /// Closing the scope of a run early leaves nothing for the framework to close.
    ///
    /// # Errors
    /// Fails when a disposer fails, panics or does not finish, or when something still holds an `Arc` of a component
    /// that has one. None of them stops the rest.
    ///
    /// # Cancel safety
    /// Once it has been polled the scope ends with this outcome: cancelling leaves the rest to the background.
    pub async fn close(self, outcome: Outcome) -> Result<(), ScopeError> {
        let faults = self.0.shared.close(Vec::new(), outcome).await;
        if faults.is_empty() { Ok(()) } else { Err(ScopeError::closing(faults)) }
    }
}

impl Need for Scope {
    type Bound = ();
    type Given<'r> = Self;
    takes_nothing!();

    fn bind(binder: &mut Binder<'_>) {
        binder.next();
    }

    fn give<'r>((): &'r (), (): (), frame: &'r Frame) -> Self {
        let shared = frame.shared.as_ref().expect("a plan that asks for the scope has a shared part");
        Self(Arc::new(OpenScope { shared: Arc::clone(shared), owned: false }))
    }

    never_again!();
}

impl<K> Asked<K> for Scope {
    const WANT: Want = Want::Scope;
}

/// Why work in a scope, or ending one, failed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ScopeError {
    kind: ScopeErrorKind,
}

#[derive(Debug, thiserror::Error)]
enum ScopeErrorKind {
    #[error(transparent)]
    Returned(BoxError),
    #[error("{}", joined(.0))]
    Closing(Vec<CloseFault>),
}

/// What work and the end of its scope come to: the error of the work goes first.
fn both<R, E: Into<BoxError>>(worked: Result<R, E>, closed: Result<(), ScopeError>) -> Result<R, ScopeError> {
    let value = worked.map_err(|error| ScopeError { kind: ScopeErrorKind::Returned(error.into()) })?;
    closed.map(|()| value)
}

fn joined(faults: &[CloseFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl ScopeError {
    fn closing(faults: Vec<CloseFault>) -> Self {
        Self { kind: ScopeErrorKind::Closing(faults) }
    }

    /// Whether the work itself succeeded and only ending its scope failed.
    pub fn is_closing(&self) -> bool {
        matches!(self.kind, ScopeErrorKind::Closing(_))
    }
}
