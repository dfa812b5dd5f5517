//! How one component is built and disposed, as plain data beside its node.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::dispose::Disposal;
use super::frame::Frame;
use super::plan::Binder;
use super::{Component, Construct, Need, Outcome, Shareable, TypeKey};
use crate::config::Configuration;
use crate::error::{BoxError, Problem};

/// A built component whose type the frame has forgotten.
pub(crate) type Built = Arc<dyn Any + Send + Sync>;

/// How to build and dispose a component.
pub struct Recipe {
    pub(crate) product: TypeKey,
    pub(crate) form: Form,
    pub(crate) dispose: Option<fn(Built, Outcome) -> Disposal>,
    pub(crate) bindings: &'static [Binding],
    pub(crate) key: Option<&'static str>,
    pub(crate) default: bool,
    pub(crate) timeout_ms: Option<u64>,
}

/// Where the value comes from.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// A type with an attribute, asked for by its own name.
    Component(BindStep),
    /// A function that makes a foreign type, asked for as `Ext<T>`.
    Provider(BindStep),
    /// A section of the configuration.
    Options {
        /// The section's dotted name.
        section: &'static str,
        /// Its keys, for the sample configuration and for what was meant by a misspelt one.
        fields: &'static [Field],
        /// Reads and validates it.
        bind: fn(&Configuration, &'static str) -> Result<Built, Vec<Problem>>,
    },
}

pub(crate) type BindStep = fn(&mut Binder<'_>) -> Box<dyn Step>;

/// One key of an options section.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// The first line of its doc comment; empty without one.
    pub description: &'static str,
    /// Whether it may be absent.
    pub optional: bool,
}

impl fmt::Debug for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipe").field("product", &self.product.path()).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Recipe {
    /// A component type.
    pub const fn component<C: Construct<Product: Component>>() -> Self {
        Self::new::<C>(Form::Component(bind_step::<C>))
    }

    /// A function that makes a foreign type.
    pub const fn provider<C: Construct<Product: Shareable>>() -> Self {
        Self::new::<C>(Form::Provider(bind_step::<C>))
    }

    pub(crate) const fn of_options<T: Component>(form: Form) -> Self {
        Self {
            product: TypeKey::of::<T>(),
            form,
            dispose: None,
            bindings: &[],
            key: None,
            default: false,
            timeout_ms: None,
        }
    }

    const fn new<C: Construct<Product: Send + Sync>>(form: Form) -> Self {
        Self {
            product: TypeKey::of::<C::Product>(),
            form,
            dispose: if C::DISPOSES { Some(super::dispose::dispose::<C>) } else { None },
            bindings: &[],
            key: None,
            default: false,
            timeout_ms: None,
        }
    }

    /// `as = dyn Trait`.
    #[must_use]
    pub const fn bound_to(mut self, bindings: &'static [Binding]) -> Self {
        self.bindings = bindings;
        self
    }

    /// `key = "…"`.
    #[must_use]
    pub const fn keyed(mut self, key: &'static str) -> Self {
        self.key = Some(key);
        self
    }

    /// `default`: used only if nobody else provides the type.
    #[must_use]
    pub const fn default_provider(mut self) -> Self {
        self.default = true;
        self
    }

    /// `timeout = "…"` of the constructor, in milliseconds.
    #[must_use]
    pub const fn timeout_ms(mut self, milliseconds: u64) -> Self {
        self.timeout_ms = Some(milliseconds);
        self
    }
}

/// One trait a component is registered as.
#[derive(Clone, Copy)]
pub struct Binding {
    pub(crate) of: TypeKey,
    pub(crate) cast: &'static (dyn Any + Send + Sync),
}

impl Binding {
    /// `D` through this cast.
    pub const fn of<D: ?Sized + Shareable>(cast: &'static Cast<D>) -> Self {
        Self { of: TypeKey::of::<D>(), cast }
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Binding").field(&self.of.path()).finish()
    }
}

/// From a built component to a trait it implements.
pub struct Cast<D: ?Sized + 'static> {
    /// The shared form.
    pub shared: fn(Arc<dyn Any + Send + Sync>) -> Option<Arc<D>>,
    /// The lent form.
    pub lent: for<'a> fn(&'a (dyn Any + Send + Sync)) -> Option<&'a D>,
}

impl<D: ?Sized> fmt::Debug for Cast<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cast").finish_non_exhaustive()
    }
}

/// What a constructor hands back: at once, or after awaiting.
pub enum Constructed<'r, T> {
    /// A synchronous constructor.
    Now(Result<T, BoxError>),
    /// An asynchronous one.
    Later(BoxFuture<'r, Result<T, BoxError>>),
}

impl<T> fmt::Debug for Constructed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Now(_) => "Constructed::Now",
            Self::Later(_) => "Constructed::Later",
        })
    }
}

/// What a constructor named `new` may return: the type itself, or a result of it.
#[diagnostic::on_unimplemented(
    message = "a constructor returns its type or a `Result` of it",
    label = "this is neither `{T}` nor a `Result<{T}, E>` whose `E` is an error",
    note = "an error is what converts into `Box<dyn Error + Send + Sync>`"
)]
pub trait Made<T> {
    /// The result form.
    ///
    /// # Errors
    /// Returns what the constructor returned.
    fn into_result(self) -> Result<T, BoxError>;
}

impl<T> Made<T> for T {
    fn into_result(self) -> Result<T, BoxError> {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl<T, E: Into<BoxError>> Made<T> for Result<T, E> {
    fn into_result(self) -> Result<T, BoxError> {
        self.map_err(Into::into)
    }
}

/// The result of a constructor, whichever form it returns.
///
/// # Errors
/// Returns what the constructor returned.
pub fn made<T, M: Made<T>>(value: M) -> Result<T, BoxError> {
    value.into_result()
}

/// A constructor whose parameters are bound to places.
pub(crate) trait Step: Send + Sync {
    fn construct<'f>(&'f self, frame: &'f mut Frame) -> Constructed<'f, Built>;
}

struct BoundStep<C: Construct>(<C::Needs as Need>::Bound);

fn bind_step<C: Construct<Product: Send + Sync>>(binder: &mut Binder<'_>) -> Box<dyn Step> {
    Box::new(BoundStep::<C>(C::Needs::bind(binder)))
}

impl<C: Construct<Product: Send + Sync>> Step for BoundStep<C> {
    fn construct<'f>(&'f self, frame: &'f mut Frame) -> Constructed<'f, Built> {
        let early = C::Needs::take(&self.0, frame);
        match C::construct(C::Needs::give(&self.0, early, frame)) {
            Constructed::Now(Ok(product)) => Constructed::Now(Ok(Arc::new(product))),
            Constructed::Now(Err(error)) => Constructed::Now(Err(error)),
            Constructed::Later(future) => {
                Constructed::Later(Box::pin(async move { Ok(Arc::new(future.await?) as Built) }))
            }
        }
    }
}
