//! What can be injected: the traits, the graph the compiler checks, plans, scopes and disposal.
//!
//! An attribute leaves a [`Node`] behind. Building a host turns the nodes into a [`Graph`] and every service's
//! parameters into a [`Plan`]: an ordered list of constructors over a small frame. Starting a service *arms* its plan
//! (singletons are by then built and captured), and a run executes the armed plan and closes it again.

mod check;
mod container;
mod dispose;
mod ext;
mod frame;
mod graph;
mod named;
mod need;
mod node;
mod plan;
mod recipe;
mod run;
mod scope;
mod shared;
#[cfg(test)]
mod tests;
mod unwind;
mod want;

pub use check::{Owner, check};
pub use dispose::Outcome;
pub use ext::{All, Ext, Lazy};
pub use frame::Frame;
pub use named::{Asking, ByName, Named};
pub use need::{AllBound, Bound, BoundDyn, Given, LazyBound, LazyDyn, Lent, LentDyn, Maybe, Need, SharedDyn, Taken};
pub(crate) use need::{bind_fitting, fitting, never_again, run_value, skip, takes_nothing, value_of_run};
pub use node::{Edge, Node, NodePtr};
pub use plan::{Binder, InjectError};
pub use recipe::{Binding, Cast, Constructed, Field, Made, Recipe, made};
pub use scope::{Pass, Scope, ScopeError, Scopes, Untyped};
pub(crate) use want::short_type_name;
pub use want::{Arity, Asked, Take, TypeKey, Want, kind};

pub(crate) use container::{Container, Reap, Settings as ContainerSettings, reap};
pub(crate) use dispose::CloseFault;
pub(crate) use frame::{Context, RunValues};
pub(crate) use graph::{Asker, Graph, ProviderId, Resolved, Supplied};
pub use graph::{Replacement, ReplacementFor};
pub(crate) use plan::{Armed, Plan};
pub(crate) use recipe::{Built, Form};
pub(crate) use run::{Body, Caught, Limits, RunFailure, judge, run};
pub(crate) use unwind::{carry, catch, catch_panic, catching, install_panic_hook};

use crate::error::BoxError;
use futures_util::future::BoxFuture;

/// How long a built component lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Once per host.
    Singleton,
    /// Once per run or scope.
    Scoped,
    /// Once per use.
    Transient,
}

impl std::fmt::Display for Lifetime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Singleton => "singleton",
            Self::Scoped => "scoped",
            Self::Transient => "transient",
        })
    }
}

/// A declared component: a type with `#[singleton]`, `#[scoped]`, `#[transient]` or `#[options]`.
///
/// The attributes implement it; there is nothing in it for other code to implement or to call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a component",
    label = "nothing provides `{Self}`",
    note = "put `#[hostkit::singleton]`, `#[hostkit::scoped]` or `#[hostkit::transient]` on it; a foreign type is asked for as `hostkit::Ext<{Self}>`; what a component is generic over must be a component, too"
)]
pub trait Component: Send + Sync + Sized + 'static {
    /// Its place in the graph.
    const NODE: NodePtr;
}

#[diagnostic::do_not_recommend]
impl<T: Declared> Component for T {
    const NODE: NodePtr = T::NODE;
}

/// What a component attribute implements.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a component",
    label = "nothing provides `{Self}`",
    note = "put `#[hostkit::singleton]`, `#[hostkit::scoped]` or `#[hostkit::transient]` on it; a foreign type is asked for as `hostkit::Ext<{Self}>`; what a component is generic over must be a component, too"
)]
pub trait Declared: Send + Sync + Sized + 'static {
    /// Its place in the graph.
    const NODE: NodePtr;
}

/// What several threads may hold at once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared between threads",
    label = "this must be `Send + Sync`",
    note = "a trait says it of all that implement it: `trait Name: Send + Sync`"
)]
pub trait Shareable: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: ?Sized + Send + Sync + 'static> Shareable for T {}

/// The handle of a `fn` provider.
#[diagnostic::on_unimplemented(message = "`{Self}` is not the handle of a function that provides a type")]
pub trait Provided: 'static {
    /// Its place in the graph.
    const NODE: NodePtr;
}

/// How an expansion builds and disposes a component, or what a `fn` provider makes.
///
/// It stands on a private type beside the component, because a public component may need private ones (E0446).
pub trait Construct: 'static {
    /// What is built.
    type Product: 'static;
    /// What the constructor asks for.
    type Needs: Need;
    /// Whether [`Construct::dispose`] does something.
    const DISPOSES: bool = false;

    /// Builds one.
    fn construct(given: Given<'_, Self::Needs>) -> Constructed<'_, Self::Product>;

    /// Ends one, by value.
    fn dispose(product: Self::Product, outcome: Outcome) -> BoxFuture<'static, Result<(), BoxError>> {
        let _ = outcome;
        drop(product);
        Box::pin(std::future::ready(Ok(())))
    }
}
