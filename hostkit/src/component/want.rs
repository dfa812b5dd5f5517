//! What a parameter asks for, as data that a `static` can hold.

use std::any::TypeId;

use super::{Component, Edge, Need, NodePtr};

/// What a parameter asks for.
#[derive(Debug)]
pub enum Want {
    /// A declared component.
    Component(NodePtr, Take),
    /// Whoever is registered `as = dyn Trait`.
    Trait(TypeKey, Arity),
    /// A foreign type, `Ext<T>`.
    Foreign(TypeKey, Arity),
    /// Something the host itself makes once, such as `Queue<f>`; with what to say where it makes none.
    Fitting(TypeKey, fn() -> String),
    /// Something made for this very run, such as `Tick`.
    Run(TypeKey),
    /// The run's cancellation token.
    Token,
    /// The run's own scope, untyped.
    Scope,
    /// The opener of untyped scopes.
    Scopes,
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

/// How many providers a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// Exactly one.
    One,
    /// One or none: `Option<…>`.
    Optional,
    /// Every one: `All<…>`.
    All,
    /// One, built on first use: `Lazy<dyn …>`.
    Lazy,
}

/// A type by its identity and its readable name.
#[derive(Debug, Clone, Copy)]
pub struct TypeKey {
    id: fn() -> TypeId,
    name: fn() -> &'static str,
}

impl TypeKey {
    /// The key of `T`.
    pub const fn of<T: ?Sized + 'static>() -> Self {
        Self { id: TypeId::of::<T>, name: std::any::type_name::<T> }
    }

    pub(crate) fn id(self) -> TypeId {
        (self.id)()
    }

    /// The type's name without the modules it lies in: `dyn OrderStore`.
    pub(crate) fn short_name(self) -> String {
        short_type_name((self.name)())
    }

    pub(crate) fn path(self) -> &'static str {
        (self.name)()
    }
}

/// Strips the module paths out of a type name: `dyn app::store::OrderStore` becomes `dyn OrderStore`. A type that was
/// declared inside a function lies in a module such as `app::run::{{closure}}`.
pub(crate) fn short_type_name(full: &str) -> String {
    let mut short = String::with_capacity(full.len());
    let mut word = String::new();
    let mut chars = full.chars().peekable();
    while let Some(c) = chars.next() {
        if c == ':' && chars.peek() == Some(&':') {
            chars.next();
            word.clear();
        } else if c.is_alphanumeric() || matches!(c, '_' | '{' | '}') {
            word.push(c);
        } else {
            short.push_str(&word);
            word.clear();
            short.push(c);
        }
    }
    short + &word
}

/// Which functions may ask for what: the parameter `K` of [`Asked`].
pub mod kind {
    /// A background service.
    #[derive(Debug)]
    pub struct Background;
    /// A periodic function.
    #[derive(Debug)]
    pub struct Periodic;
    /// A queued function.
    #[derive(Debug)]
    pub struct Queued;
    /// A durable function.
    #[derive(Debug)]
    pub struct Durable;
    /// A hook.
    #[derive(Debug)]
    pub struct Hook;
    /// A component's constructor or field.
    #[derive(Debug)]
    pub struct Component;
}

/// A type that a function of kind `K` may ask for by value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be asked for here",
    label = "hostkit cannot pass a `{Self}`",
    note = "components are taken as `&T` or `Arc<T>`, traits as `&dyn Trait` or `Arc<dyn Trait>`, foreign types as `hostkit::Ext<T>`; a field that is not injected has `#[inject(default)]`"
)]
pub trait Asked<K>: for<'r> Need<Given<'r> = Self> {
    /// What it asks for.
    const WANT: Want;
}

impl Edge {
    /// `&T` or `Arc<T>` of a component.
    pub const fn shared<T: Component>(parameter: &'static str) -> Self {
        Self::of_want(parameter, Want::Component(T::NODE, Take::Shared))
    }

    /// `&mut T` or `Box<T>` of a component.
    pub const fn owned<T: Component>(parameter: &'static str) -> Self {
        Self::of_want(parameter, Want::Component(T::NODE, Take::Owned))
    }

    /// `&dyn Trait` or `Arc<dyn Trait>`.
    pub const fn dynamic<D: ?Sized + 'static>(parameter: &'static str) -> Self {
        Self::of_want(parameter, Want::Trait(TypeKey::of::<D>(), Arity::One))
    }

    /// `Option<Arc<dyn Trait>>`.
    pub const fn optional<D: ?Sized + 'static>(parameter: &'static str) -> Self {
        Self::of_want(parameter, Want::Trait(TypeKey::of::<D>(), Arity::Optional))
    }

    /// `Lazy<dyn Trait>`.
    pub const fn lazy_dynamic<D: ?Sized + 'static>(parameter: &'static str) -> Self {
        Self::of_want(parameter, Want::Trait(TypeKey::of::<D>(), Arity::Lazy))
    }

    /// Anything else that a function of kind `K` may ask for.
    pub const fn of<K, P: Asked<K>>(parameter: &'static str) -> Self {
        Self::of_want(parameter, P::WANT)
    }

    /// The same, of the provider with this key only.
    #[must_use]
    pub const fn keyed(mut self, key: &'static str) -> Self {
        self.key = Some(key);
        self
    }

    pub(super) const fn of_want(parameter: &'static str, want: Want) -> Self {
        Self { parameter, key: None, want }
    }
}
