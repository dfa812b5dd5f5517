//! What can be injected: the traits, the graph the compiler checks, plans, scopes and disposal.

mod check;
mod node;

pub use check::{check, Owner};
pub use node::{Edge, Node, NodePtr};

use std::any::TypeId;

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

/// x
#[derive(Debug)]
pub struct Recipe {}

/// A declared component: a type with `#[singleton]`, `#[scoped]`, `#[transient]` or `#[options]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a component",
    label = "nothing provides `{Self}`",
    note = "put `#[hostkit::singleton]`, `#[hostkit::scoped]` or `#[hostkit::transient]` on it; a foreign type is asked for as `hostkit::Ext<{Self}>`"
)]
pub trait Component: Send + Sync + Sized + 'static {
    /// Its place in the graph.
    const NODE: NodePtr;
}

/// How a parameter takes a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// `&T` or `Arc<T>`.
    Shared,
    /// `&mut T` or `Box<T>`.
    Owned,
    /// `Lazy<T>`.
    Lazy,
    /// `Scopes<T>`: opened later, in a scope of its own.
    Fresh,
}

/// What a parameter asks for.
#[derive(Debug)]
pub enum Want {
    /// A declared component.
    Component(NodePtr, Take),
    /// id
    Trait(fn() -> TypeId),
}

impl Edge {
    /// `&T` or `Arc<T>`
    pub const fn shared<T: Component>(parameter: &'static str) -> Self {
        Self { parameter, key: None, want: Want::Component(T::NODE, Take::Shared) }
    }
}
