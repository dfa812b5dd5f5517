//! How each kind of parameter is bound once and given to every run.
//!
//! A shim lists its function's parameters as a tuple of needs. Binding happens when a service starts and resolves each
//! need to a captured singleton or to a slot; giving happens per run and only reads.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::frame::{Context, Frame};
use super::graph::AnyCast;
use super::plan::{Binder, Place, Target};
use super::recipe::{Built, Cast, Constructed, Step};
use super::shared::LazySource;
use super::{All, Arity, Asked, Component, Ext, Lazy, Take, TypeKey, Want};

/// Something a function may ask for.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be asked for here",
    label = "hostkit cannot pass a `{Self}`",
    note = "components are taken as `&T` or `Arc<T>`, traits as `&dyn Trait` or `Arc<dyn Trait>`, foreign types as `hostkit::Ext<T>`"
)]
pub trait Need: 'static {
    /// What binding resolves it to.
    type Bound: Send + Sync + 'static;
    /// What it moves out of the frame before anything is lent from it.
    type Early;
    /// What the function receives.
    type Given<'r>: Send;

    /// Resolves it, once per armed plan.
    fn bind(binder: &mut Binder<'_>) -> Self::Bound;

    /// Moves out of the frame what nobody else reads, once per run and before [`Need::give`].
    fn take(bound: &Self::Bound, frame: &mut Frame) -> Self::Early;

    /// Reads it, once per run.
    fn give<'r>(bound: &'r Self::Bound, early: Self::Early, frame: &'r Frame) -> Self::Given<'r>;

    /// Gives once more what was given before, where runs share an empty frame: what is lent is the same for all of them.
    fn again<'r>(bound: &'r Self::Bound, given: &Self::Given<'r>) -> Self::Given<'r>;
}

/// What a function with these needs receives.
pub type Given<'r, N> = <N as Need>::Given<'r>;

macro_rules! tuples {
    ($($name:ident $early:ident),*) => {
        impl<$($name: Need),*> Need for ($($name,)*) {
            type Bound = ($($name::Bound,)*);
            type Early = ($($name::Early,)*);
            type Given<'r> = ($($name::Given<'r>,)*);

            #[allow(unused_variables, clippy::unused_unit, reason = "the empty tuple binds nothing")]
            fn bind(binder: &mut Binder<'_>) -> Self::Bound {
                ($($name::bind(binder),)*)
            }

            #[inline(always)]
            #[allow(clippy::inline_always, reason = "it is a read per parameter, and a call costs ten times that")]
            #[allow(unused_variables, non_snake_case, clippy::unused_unit, reason = "one identifier serves as type and variable")]
            fn take(bound: &Self::Bound, frame: &mut Frame) -> Self::Early {
                let ($($name,)*) = bound;
                ($($name::take($name, frame),)*)
            }

            #[inline(always)]
            #[allow(clippy::inline_always, reason = "it is a read per parameter, and a call costs ten times that")]
            #[allow(unused_variables, non_snake_case, clippy::unused_unit, reason = "one identifier serves as type and variable")]
            fn give<'r>(bound: &'r Self::Bound, early: Self::Early, frame: &'r Frame) -> Self::Given<'r> {
                let ($($name,)*) = bound;
                let ($($early,)*) = early;
                ($($name::give($name, $early, frame),)*)
            }

            #[inline(always)]
            #[allow(clippy::inline_always, reason = "it is a read per parameter, and a call costs ten times that")]
            #[allow(unused_variables, non_snake_case, clippy::unused_unit, reason = "one identifier serves as type and variable")]
            fn again<'r>(bound: &'r Self::Bound, given: &Self::Given<'r>) -> Self::Given<'r> {
                let ($($name,)*) = bound;
                let ($($early,)*) = given;
                ($($name::again($name, $early),)*)
            }
        }
    };
}

macro_rules! tuples_up_to {
    ($first:ident $early:ident $(, $rest:ident $rest_early:ident)*) => {
        tuples!($first $early $(, $rest $rest_early)*);
        tuples_up_to!($($rest $rest_early),*);
    };
    () => { tuples!(); };
}

tuples_up_to!(
    P1 e1, P2 e2, P3 e3, P4 e4, P5 e5, P6 e6, P7 e7, P8 e8, P9 e9, P10 e10, P11 e11, P12 e12, P13 e13, P14 e14, P15 e15,
    P16 e16
);

/// What a need that only reads the frame takes out of it.
macro_rules! takes_nothing {
    () => {
        type Early = ();

        #[inline]
        fn take(_bound: &Self::Bound, _frame: &mut $crate::component::Frame) {}
    };
}
pub(crate) use takes_nothing;

/// What is given again is a copy.
macro_rules! copies {
    () => {
        #[inline]
        fn again<'r>(_bound: &'r Self::Bound, given: &Self::Given<'r>) -> Self::Given<'r> {
            given.clone()
        }
    };
}

/// What stands in a slot or comes with a run, so that no run without a frame can ask for it.
macro_rules! never_again {
    () => {
        fn again<'r>(_bound: &'r Self::Bound, _given: &Self::Given<'r>) -> Self::Given<'r> {
            unreachable!("only runs that share an empty frame are given the same again")
        }
    };
}
pub(crate) use never_again;

/// A captured singleton or a slot of the frame.
pub enum Bound<T> {
    /// Built before the service started.
    Singleton(Arc<T>),
    /// Built for this run.
    Slot(usize),
    /// Built for this run, and nobody else reads it.
    Own(usize),
}

impl<T> Clone for Bound<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Singleton(value) => Self::Singleton(Arc::clone(value)),
            Self::Slot(slot) => Self::Slot(*slot),
            Self::Own(slot) => Self::Own(*slot),
        }
    }
}

impl<T> fmt::Debug for Bound<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Singleton(_) => "Singleton",
            Self::Slot(_) => "Slot",
            Self::Own(_) => "Own",
        })
    }
}

const MISPLACED: &str = "the graph resolves a parameter to a place of its own kind";

impl<T: Send + Sync + 'static> Bound<T> {
    fn bind(binder: &mut Binder<'_>) -> Self {
        let target = binder.next();
        Self::at(binder, target).expect(MISPLACED)
    }

    fn at(binder: &Binder<'_>, target: &Target) -> Option<Self> {
        match target.place {
            Place::Singleton(id) => Some(Self::Singleton(binder.container.singleton(id).downcast().ok()?)),
            Place::Slot(slot) => Some(Self::Slot(slot)),
            _ => None,
        }
    }

    /// For a reader that keeps it: what nobody else reads is moved to it.
    fn bind_keeping(binder: &mut Binder<'_>) -> Self {
        let target = binder.next();
        match target.place {
            Place::Slot(slot) if target.alone => Self::Own(slot),
            _ => Self::at(binder, target).expect(MISPLACED),
        }
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "it is a read, and a call costs ten times that")]
    pub(crate) fn lend<'r>(&'r self, frame: &'r Frame) -> &'r T {
        match self {
            Self::Singleton(value) => value,
            Self::Slot(slot) | Self::Own(slot) => lend_slot(frame, *slot),
        }
    }

    #[inline]
    fn share(&self, frame: &Frame) -> Arc<T> {
        match self {
            Self::Singleton(value) => Arc::clone(value),
            Self::Slot(slot) | Self::Own(slot) => Arc::clone(frame.slot(*slot)).downcast().expect(MISPLACED),
        }
    }

    #[inline]
    fn take(&self, frame: &mut Frame) -> Option<Built> {
        if let Self::Own(slot) = self { frame.slots[*slot].take() } else { None }
    }

    #[inline]
    fn keep(&self, taken: Option<Built>, frame: &Frame) -> Arc<T> {
        match taken {
            Some(taken) => taken.downcast().expect(MISPLACED),
            None => self.share(frame),
        }
    }
}

/// Out of line, so that lending a singleton stays as short as it is.
#[inline(never)]
fn lend_slot<T: Send + Sync + 'static>(frame: &Frame, slot: usize) -> &T {
    frame.slot(slot).downcast_ref().expect(MISPLACED)
}

/// The same for a trait, through the cast that the provider registered.
pub enum BoundDyn<D: ?Sized + 'static> {
    /// Built before the service started.
    Singleton(Arc<D>),
    /// Built for this run.
    Slot(usize, &'static Cast<D>),
}

impl<D: ?Sized> fmt::Debug for BoundDyn<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Singleton(_) => "Singleton",
            Self::Slot(..) => "Slot",
        })
    }
}

fn typed_cast<D: ?Sized + 'static>(cast: Option<AnyCast>) -> Option<&'static Cast<D>> {
    cast?.downcast_ref()
}

impl<D: ?Sized + Send + Sync + 'static> BoundDyn<D> {
    fn at(binder: &Binder<'_>, target: &Target) -> Option<Self> {
        let cast = typed_cast::<D>(target.cast);
        match target.place {
            Place::Singleton(id) => Some(Self::Singleton((cast?.shared)(binder.container.singleton(id))?)),
            Place::Slot(slot) => Some(Self::Slot(slot, cast?)),
            _ => None,
        }
    }

    fn lend<'r>(&'r self, frame: &'r Frame) -> &'r D {
        match self {
            Self::Singleton(value) => value,
            Self::Slot(slot, cast) => (cast.lent)(&**frame.slot(*slot)).expect(MISPLACED),
        }
    }

    fn share(&self, frame: &Frame) -> Arc<D> {
        match self {
            Self::Singleton(value) => Arc::clone(value),
            Self::Slot(slot, cast) => (cast.shared)(Arc::clone(frame.slot(*slot))).expect(MISPLACED),
        }
    }
}

/// `&T`.
#[derive(Debug)]
pub struct Lent<T>(PhantomData<fn() -> T>);

impl<T: Send + Sync + 'static> Need for Lent<T> {
    type Bound = Bound<T>;
    type Given<'r> = &'r T;
    takes_nothing!();

    fn bind(binder: &mut Binder<'_>) -> Self::Bound {
        Bound::bind(binder)
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "it is a read, and a call costs ten times that")]
    fn give<'r>(bound: &'r Self::Bound, (): (), frame: &'r Frame) -> &'r T {
        bound.lend(frame)
    }

    copies!();
}

impl<T: Send + Sync + 'static> Need for Arc<T> {
    type Bound = Bound<T>;
    type Early = Option<Built>;
    type Given<'r> = Self;

    fn bind(binder: &mut Binder<'_>) -> Self::Bound {
        Bound::bind_keeping(binder)
    }

    #[inline]
    fn take(bound: &Self::Bound, frame: &mut Frame) -> Option<Built> {
        bound.take(frame)
    }

    #[inline]
    fn give<'r>(bound: &'r Self::Bound, taken: Option<Built>, frame: &'r Frame) -> Self {
        bound.keep(taken, frame)
    }

    copies!();
}

impl<K, T: Component> Asked<K> for Arc<T> {
    const WANT: Want = Want::Component(T::NODE, Take::Shared);
}

/// `&dyn Trait`.
#[derive(Debug)]
pub struct LentDyn<D: ?Sized>(PhantomData<fn() -> Box<D>>);

impl<D: ?Sized + Send + Sync + 'static> Need for LentDyn<D> {
    type Bound = BoundDyn<D>;
    type Given<'r> = &'r D;
    takes_nothing!();

    fn bind(binder: &mut Binder<'_>) -> Self::Bound {
        let target = binder.next();
        BoundDyn::at(binder, target).expect(MISPLACED)
    }

    #[inline]
    fn give<'r>(bound: &'r Self::Bound, (): (), frame: &'r Frame) -> &'r D {
        bound.lend(frame)
    }

    copies!();
}

/// `Arc<dyn Trait>`.
#[derive(Debug)]
pub struct SharedDyn<D: ?Sized>(PhantomData<fn() -> Box<D>>);

impl<D: ?Sized + Send + Sync + 'static> Need for SharedDyn<D> {
    type Bound = BoundDyn<D>;
    type Given<'r> = Arc<D>;
    takes_nothing!();

    fn bind(binder: &mut Binder<'_>) -> Self::Bound {
        <LentDyn<D> as Need>::bind(binder)
    }

    #[inline]
    fn give<'r>(bound: &'r Self::Bound, (): (), frame: &'r Frame) -> Arc<D> {
        bound.share(frame)
    }

    copies!();
}

/// `Option<Arc<dyn Trait>>`.
#[derive(Debug)]
pub struct Maybe<D: ?Sized>(PhantomData<fn() -> Box<D>>);

impl<D: ?Sized + Send + Sync + 'static> Need for Maybe<D> {
    type Bound = Option<BoundDyn<D>>;
    type Given<'r> = Option<Arc<D>>;
    takes_nothing!();

    fn bind(binder: &mut Binder<'_>) -> Self::Bound {
        let target = binder.next();
        BoundDyn::at(binder, target)
    }

    fn give<'r>(bound: &'r Self::Bound, (): (), frame: &'r Frame) -> Option<Arc<D>> {
        bound.as_ref().map(|bound| bound.share(frame))
    }

    copies!();
}

impl<D: ?Sized + Send + Sync + 'static> Need for All<D> {
    type Bound = AllBound<D>;
    type Given<'r> = Self;
    takes_nothing!();

    fn bind(binder: &mut Binder<'_>) -> Self::Bound {
        let target = binder.next();
        let Place::Many(many) = &target.place else { unreachable!("{MISPLACED}") };
        let bound: Vec<_> = many.iter().map(|target| BoundDyn::at(binder, target).expect(MISPLACED)).collect();
        let singletons: Option<Arc<[Arc<D>]>> = bound
            .iter()
            .map(|one| if let BoundDyn::Singleton(value) = one { Some(Arc::clone(value)) } else { None })
            .collect();
        match singletons {
            Some(all) => AllBound::Singletons(All(all)),
            None => AllBound::Mixed(bound),
        }
    }

    fn give<'r>(bound: &'r Self::Bound, (): (), frame: &'r Frame) -> Self {
        match bound {
            AllBound::Singletons(all) => all.clone(),
            AllBound::Mixed(bound) => bound.iter().map(|one| one.share(frame)).collect::<Arc<[_]>>().into(),
        }
    }

    copies!();
}

impl<D: ?Sized> From<Arc<[Arc<D>]>> for All<D> {
    fn from(all: Arc<[Arc<D>]>) -> Self {
        Self(all)
    }
}

/// Every provider of a trait.
#[derive(Debug)]
pub enum AllBound<D: ?Sized + 'static> {
    /// All were built before the service started.
    Singletons(All<D>),
    /// Some are built for each run.
    Mixed(Vec<BoundDyn<D>>),
}

impl<K, D: ?Sized + Send + Sync + 'static> Asked<K> for All<D> {
    const WANT: Want = Want::Trait(TypeKey::of::<D>(), Arity::All);
}

impl<T: Send + Sync + 'static> Need for Ext<T> {
    type Bound = Bound<T>;
    type Early = Option<Built>;
    type Given<'r> = Self;

    fn bind(binder: &mut Binder<'_>) -> Self::Bound {
        Bound::bind_keeping(binder)
    }

    #[inline]
    fn take(bound: &Self::Bound, frame: &mut Frame) -> Option<Built> {
        bound.take(frame)
    }

    #[inline]
    fn give<'r>(bound: &'r Self::Bound, taken: Option<Built>, frame: &'r Frame) -> Self {
        Self(bound.keep(taken, frame))
    }

    copies!();
}

impl<K, T: Send + Sync + 'static> Asked<K> for Ext<T> {
    const WANT: Want = Want::Foreign(TypeKey::of::<T>(), Arity::One);
}

impl<T: Send + Sync + 'static> Need for Option<Ext<T>> {
    type Bound = Option<Bound<T>>;
    type Given<'r> = Self;
    takes_nothing!();

    fn bind(binder: &mut Binder<'_>) -> Self::Bound {
        let target = binder.next();
        Bound::at(binder, target)
    }

    fn give<'r>(bound: &'r Self::Bound, (): (), frame: &'r Frame) -> Self {
        bound.as_ref().map(|bound| Ext(bound.share(frame)))
    }

    copies!();
}

impl<K, T: Send + Sync + 'static> Asked<K> for Option<Ext<T>> {
    const WANT: Want = Want::Foreign(TypeKey::of::<T>(), Arity::Optional);
}

/// A transient on its way to the one who owns it.
pub(crate) struct Handover(Mutex<Option<Built>>);

impl Handover {
    /// A step whose product is taken by value.
    pub(crate) fn step(step: Box<dyn Step>) -> impl Step {
        HandoverStep(step)
    }
}

struct HandoverStep(Box<dyn Step>);

impl Step for HandoverStep {
    fn construct<'f>(&'f self, frame: &'f mut Frame) -> Constructed<'f, Built> {
        let wrap = |built| Arc::new(Handover(Mutex::new(Some(built)))) as Built;
        match self.0.construct(frame) {
            Constructed::Now(result) => Constructed::Now(result.map(wrap)),
            Constructed::Later(future) => Constructed::Later(future.map(move |result| result.map(wrap)).boxed()),
        }
    }
}

/// `&mut T`: the shim borrows the box.
#[derive(Debug)]
pub struct Taken<T>(PhantomData<fn() -> T>);

impl<T: Send + Sync + 'static> Need for Taken<T> {
    type Bound = usize;
    type Given<'r> = Box<T>;
    takes_nothing!();

    fn bind(binder: &mut Binder<'_>) -> usize {
        let Place::Owned(slot) = binder.next().place else { unreachable!("{MISPLACED}") };
        slot
    }

    fn give<'r>(slot: &'r usize, (): (), frame: &'r Frame) -> Box<T> {
        let handover: &Handover = frame.slot(*slot).downcast_ref().expect(MISPLACED);
        let built = handover.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let owned = built.and_then(|built| built.downcast::<T>().ok()).and_then(Arc::into_inner);
        Box::new(owned.expect("an owned transient has one reader"))
    }

    never_again!();
}

impl<T: Send + Sync + 'static> Need for Box<T> {
    type Bound = usize;
    type Given<'r> = Self;
    takes_nothing!();

    fn bind(binder: &mut Binder<'_>) -> usize {
        <Taken<T> as Need>::bind(binder)
    }

    fn give<'r>(slot: &'r usize, (): (), frame: &'r Frame) -> Self {
        <Taken<T> as Need>::give(slot, (), frame)
    }

    never_again!();
}

impl<K, T: Component> Asked<K> for Box<T> {
    const WANT: Want = Want::Component(T::NODE, Take::Owned);
}

/// Where a lazy parameter is built.
pub struct LazyBound {
    place: Place,
    cast: Option<AnyCast>,
    container: Arc<super::Container>,
}

impl fmt::Debug for LazyBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyBound").finish_non_exhaustive()
    }
}

impl LazyBound {
    fn bind(binder: &mut Binder<'_>) -> Self {
        let Target { place, cast, .. } = binder.next().clone();
        Self { place, cast, container: Arc::clone(binder.container) }
    }

    fn source(&self, frame: &Frame) -> LazySource {
        match (&self.place, &frame.shared) {
            (Place::Lazy(slot), Some(shared)) => LazySource::Scope(Arc::clone(shared), *slot, self.cast),
            (Place::LazySingleton(id), _) => LazySource::Singleton(Arc::clone(&self.container), *id, self.cast),
            _ => unreachable!("{MISPLACED}"),
        }
    }
}

impl<T: Send + Sync + 'static> Need for Lazy<T> {
    type Bound = LazyBound;
    type Given<'r> = Self;
    takes_nothing!();

    fn bind(binder: &mut Binder<'_>) -> LazyBound {
        LazyBound::bind(binder)
    }

    fn give<'r>(bound: &'r LazyBound, (): (), frame: &'r Frame) -> Self {
        Self::new(bound.source(frame), |_, built| built.downcast().ok())
    }

    fn again<'r>(bound: &'r LazyBound, _given: &Self) -> Self {
        <Self as Need>::give(bound, (), &Frame::bare(Context::default()))
    }
}

impl<K, T: Component> Asked<K> for Lazy<T> {
    const WANT: Want = Want::Component(T::NODE, Take::Lazy);
}

/// `Lazy<dyn Trait>`.
#[derive(Debug)]
pub struct LazyDyn<D: ?Sized>(PhantomData<fn() -> Box<D>>);

impl<D: ?Sized + Send + Sync + 'static> Need for LazyDyn<D> {
    type Bound = LazyBound;
    type Given<'r> = Lazy<D>;
    takes_nothing!();

    fn bind(binder: &mut Binder<'_>) -> LazyBound {
        LazyBound::bind(binder)
    }

    fn give<'r>(bound: &'r LazyBound, (): (), frame: &'r Frame) -> Lazy<D> {
        Lazy::new(bound.source(frame), |source, built| (typed_cast::<D>(source.cast())?.shared)(built))
    }

    fn again<'r>(bound: &'r LazyBound, _given: &Lazy<D>) -> Lazy<D> {
        <Self as Need>::give(bound, (), &Frame::bare(Context::default()))
    }
}

impl Need for CancellationToken {
    /// Whether nobody else in the run asks for it.
    type Bound = bool;
    type Early = Option<Self>;
    type Given<'r> = Self;

    fn bind(binder: &mut Binder<'_>) -> bool {
        binder.next().alone
    }

    #[inline]
    fn take(alone: &bool, frame: &mut Frame) -> Option<Self> {
        if *alone { frame.context.token.take() } else { None }
    }

    #[inline]
    fn give<'r>(_alone: &'r bool, taken: Option<Self>, frame: &'r Frame) -> Self {
        taken.or_else(|| frame.context.token.clone()).expect("a run whose plan asks for a token has one")
    }

    never_again!();
}

impl<K> Asked<K> for CancellationToken {
    const WANT: Want = Want::Token;
}

/// Implements [`Need`] for a value that the host makes once and puts into the graph.
macro_rules! fitting {
    ([$($generics:tt)*] $type:ty, $missing:expr) => {
        impl<$($generics)*> $crate::component::Need for $type {
            type Bound = Self;
            type Given<'r> = Self;
            $crate::component::takes_nothing!();

            fn bind(binder: &mut $crate::component::Binder<'_>) -> Self {
                $crate::component::bind_fitting(binder)
            }

            #[inline]
            fn give<'r>(bound: &'r Self, (): (), _frame: &'r $crate::component::Frame) -> Self {
                bound.clone()
            }

            #[inline]
            fn again<'r>(bound: &'r Self, _given: &Self) -> Self {
                bound.clone()
            }
        }

        impl<K, $($generics)*> $crate::component::Asked<K> for $type {
            const WANT: $crate::component::Want =
                $crate::component::Want::Fitting($crate::component::TypeKey::of::<$type>(), $missing);
        }
    };
}
pub(crate) use fitting;

/// The host's own value of this type.
pub(crate) fn bind_fitting<T: Clone + Any + Send + Sync>(binder: &mut Binder<'_>) -> T {
    let target = binder.next();
    match Bound::<T>::at(binder, target) {
        Some(Bound::Singleton(value)) => T::clone(&value),
        _ => unreachable!("{MISPLACED}"),
    }
}

/// Implements [`Need`] for a value of one run, askable by functions of one kind.
macro_rules! run_value {
    ($type:ty, $kind:ty) => {
        impl $crate::component::Need for $type {
            type Bound = ();
            type Given<'r> = Self;
            $crate::component::takes_nothing!();

            fn bind(binder: &mut $crate::component::Binder<'_>) {
                $crate::component::skip(binder);
            }

            fn give<'r>((): &'r (), (): (), frame: &'r $crate::component::Frame) -> Self {
                $crate::component::value_of_run(frame)
            }

            $crate::component::never_again!();
        }

        impl $crate::component::Asked<$kind> for $type {
            const WANT: $crate::component::Want =
                $crate::component::Want::Run($crate::component::TypeKey::of::<$type>());
        }
    };
}
pub(crate) use run_value;

/// Passes over a parameter that the graph does not provide.
pub(crate) fn skip(binder: &mut Binder<'_>) {
    binder.next();
}

/// A value of this run.
pub(crate) fn value_of_run<T: Clone + Any>(frame: &Frame) -> T {
    frame.context.value::<T>().cloned().expect("a run whose plan asks for a value has it")
}
