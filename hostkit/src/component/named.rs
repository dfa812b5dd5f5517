//! Parameters whose types an expansion does not know by name: aliases of what can be asked for, and mistakes.
//!
//! An expansion names such a type once, in one constant, so that a type that cannot be asked for is one error.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;

use super::{Asked, Binder, Edge, Frame, Need, Want};

type Erased = Box<dyn Any + Send + Sync>;

/// A parameter of one function or constructor.
pub trait Named: 'static {
    /// Its type.
    type Type: Send + 'static;
    /// How it is asked for.
    const ASKING: Asking<Self::Type>;
}

/// How a value of type `T` is asked for.
pub struct Asking<T> {
    want: Want,
    bind: fn(&mut Binder<'_>) -> Erased,
    give: fn(&Erased, &mut Frame) -> T,
}

impl<T> fmt::Debug for Asking<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").field("want", &self.want).finish_non_exhaustive()
    }
}

impl<T> Asking<T> {
    /// By a function of kind `K`.
    pub const fn by<K>() -> Self
    where
        T: Asked<K>,
    {
        Self { want: T::WANT, bind: |binder| Box::new(T::bind(binder)), give: give::<T> }
    }
}

fn give<T: for<'r> Need<Given<'r> = T>>(bound: &Erased, frame: &mut Frame) -> T {
    let bound = bound.downcast_ref().expect("what was bound is given");
    let early = T::take(bound, frame);
    T::give(bound, early, frame)
}

/// The need of a [`Named`] parameter.
pub struct ByName<N>(PhantomData<fn() -> N>);

impl<N> fmt::Debug for ByName<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByName")
    }
}

impl<N: Named> Need for ByName<N> {
    type Bound = Erased;
    type Early = N::Type;
    type Given<'r> = N::Type;

    fn bind(binder: &mut Binder<'_>) -> Erased {
        (N::ASKING.bind)(binder)
    }

    // What is not borrowed may as well be given at once.
    fn take(bound: &Erased, frame: &mut Frame) -> N::Type {
        (N::ASKING.give)(bound, frame)
    }

    fn give<'r>(_bound: &'r Erased, given: N::Type, _frame: &'r Frame) -> N::Type {
        given
    }

    fn again<'r>(bound: &'r Erased, _given: &N::Type) -> N::Type {
        (N::ASKING.give)(bound, &mut Frame::bare(super::Context::default()))
    }
}

impl Edge {
    /// A [`Named`] parameter.
    pub const fn named<N: Named>(parameter: &'static str) -> Self {
        Self::of_want(parameter, N::ASKING.want)
    }
}
