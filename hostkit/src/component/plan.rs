//! A plan is the ordered list of constructors that one entry point needs; armed, it can be executed.
//!
//! # Invariants
//!
//! 1. A step stands after every step it reads, lazy ones included: reverse order is always dependents first.
//! 2. A scoped provider has one slot in a plan; a transient one has a slot per use.
//! 3. A lazy step has a slot and is skipped when the frame is filled; it is built in [`Shared`] and read through it.
//! 4. Singletons never take a slot: arming captures them.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use super::container::Container;
use super::dispose::Opened;
use super::frame::{Context, Frame};
use super::graph::{Graph, ProviderId, Resolved};
use super::recipe::{Built, Constructed, Step};
use super::run::Caught;
use super::unwind::catch;
use super::{Lifetime, Need, Take, catch_panic};
use crate::error::BoxError;
use crate::time::now;
use futures_util::future::BoxFuture;

/// Where a parameter's value is found.
#[derive(Clone)]
pub(crate) enum Place {
    Singleton(ProviderId),
    LazySingleton(ProviderId),
    Slot(usize),
    Owned(usize),
    Lazy(usize),
    Many(Vec<Target>),
    Absent,
    /// Opened later in a scope of its own.
    Fresh(ProviderId),
    /// The token of the run.
    Token,
    /// Comes from the run or the host and not from the graph.
    Given,
}

#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) place: Place,
    pub(crate) cast: Option<&'static (dyn Any + Send + Sync)>,
    /// Whether it is the only one who reads its slot, which nobody disposes, or the token: it may be moved out of the
    /// frame.
    pub(crate) alone: bool,
}

#[derive(Clone)]
pub(crate) struct PlanStep {
    pub(crate) provider: ProviderId,
    pub(crate) targets: Vec<Target>,
    pub(crate) lazy: bool,
    /// Taken by value by its one reader.
    pub(crate) owned: bool,
    /// Who asked, outermost first.
    pub(crate) chain: Vec<ProviderId>,
}

impl PlanStep {
    /// The slots it reads.
    pub(crate) fn reads(&self) -> Vec<usize> {
        self.places()
            .filter_map(|place| if let Place::Slot(slot) | Place::Owned(slot) = place { Some(*slot) } else { None })
            .collect()
    }

    /// The singletons it reads.
    pub(crate) fn singletons(&self) -> BTreeSet<ProviderId> {
        self.places().filter_map(|place| if let Place::Singleton(id) = place { Some(*id) } else { None }).collect()
    }

    fn places(&self) -> impl Iterator<Item = &Place> {
        self.targets.iter().flat_map(|target| match &target.place {
            Place::Many(many) => many.iter().map(|target| &target.place).collect(),
            place => vec![place],
        })
    }
}

/// The constructors of one entry point, in order, and where its own parameters are.
#[derive(Clone, Default)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<PlanStep>,
    pub(crate) roots: Vec<Target>,
    /// The singletons that must exist before the plan is armed.
    pub(crate) singletons: BTreeSet<ProviderId>,
    pub(crate) wants_token: bool,
    /// Whether anything in it is lazy or asks for the scope itself.
    pub(crate) wants_shared: bool,
    /// Whether a step has something to do when the scope ends.
    pub(crate) disposes: bool,
    /// The run values it asks for.
    pub(crate) values: Vec<TypeId>,
    /// Where each scoped provider has its slot. Few plans have any, so the map is of the kind that is small when empty.
    layout: BTreeMap<ProviderId, usize>,
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("steps", &self.steps.len()).finish_non_exhaustive()
    }
}

impl Plan {
    /// Whether the entry point, or a component it reaches, asks for this run value.
    pub(crate) fn wants<T: Any>(&self) -> bool {
        self.values.contains(&TypeId::of::<T>())
    }

    /// Plans these parameters.
    pub(crate) fn of(graph: &Graph, roots: &[Resolved]) -> Self {
        let mut plan = Self::default();
        plan.roots = roots.iter().map(|root| plan.target(graph, root, false, &mut Vec::new())).collect();
        plan.find_readers_alone(graph);
        plan
    }

    /// Marks the targets that nobody else reads: what is moved needs no count of who holds it.
    ///
    /// A scope that can grow may get more readers, and a disposer takes its component when the scope ends.
    fn find_readers_alone(&mut self, graph: &Graph) {
        if self.wants_shared {
            return;
        }
        let (mut readers, mut token_readers) = (vec![0_usize; self.steps.len()], 0_usize);
        for target in self.steps.iter().flat_map(|step| &step.targets).chain(&self.roots) {
            match &target.place {
                Place::Slot(slot) => readers[*slot] += 1,
                Place::Token => token_readers += 1,
                // What is one of many stays where it is.
                Place::Many(many) => many.iter().for_each(|one| {
                    if let Place::Slot(slot) = one.place {
                        readers[slot] += 2;
                    }
                }),
                _ => {}
            }
        }
        let disposed = |step: &PlanStep| graph.provider(step.provider).dispose.is_some();
        let alone: Vec<bool> =
            self.steps.iter().zip(readers).map(|(step, readers)| readers == 1 && !disposed(step)).collect();
        for target in self.steps.iter_mut().flat_map(|step| &mut step.targets).chain(&mut self.roots) {
            target.alone = match target.place {
                Place::Slot(slot) => alone[slot],
                Place::Token => token_readers == 1,
                _ => false,
            };
        }
    }

    /// Plans one more provider into this plan, lazily.
    pub(crate) fn add(&mut self, graph: &Graph, provider: ProviderId) -> Place {
        self.place(graph, provider, Take::Shared, true, &mut Vec::new())
    }

    /// Plans a singleton itself, which a plan otherwise only refers to.
    pub(crate) fn add_step(&mut self, graph: &Graph, id: ProviderId) {
        self.step(graph, id, false, false, &mut Vec::new());
    }

    fn target(&mut self, graph: &Graph, resolved: &Resolved, lazy: bool, chain: &mut Vec<ProviderId>) -> Target {
        let mut cast = None;
        let place = match resolved {
            Resolved::Provider { id, take, cast: through } => {
                cast = *through;
                self.place(graph, *id, *take, lazy, chain)
            }
            Resolved::Many(candidates) => Place::Many(
                candidates
                    .iter()
                    .map(|(id, cast)| Target {
                        place: self.place(graph, *id, Take::Shared, lazy, chain),
                        cast: Some(*cast),
                        alone: false,
                    })
                    .collect(),
            ),
            Resolved::Absent => Place::Absent,
            Resolved::Run(id) => {
                self.values.push(*id);
                Place::Given
            }
            Resolved::Token => {
                self.wants_token = true;
                Place::Token
            }
            Resolved::Scope => {
                self.wants_shared = true;
                // Whatever is got through the scope later may ask for the token.
                self.wants_token = true;
                Place::Given
            }
            Resolved::Scopes => Place::Given,
        };
        Target { place, cast, alone: false }
    }

    fn place(&mut self, graph: &Graph, id: ProviderId, take: Take, lazy: bool, chain: &mut Vec<ProviderId>) -> Place {
        if take == Take::Fresh {
            return Place::Fresh(id);
        }
        let provider = graph.provider(id);
        match provider.lifetime {
            Lifetime::Singleton if take == Take::Lazy => Place::LazySingleton(id),
            Lifetime::Singleton => {
                if !lazy {
                    self.singletons.insert(id);
                }
                Place::Singleton(id)
            }
            Lifetime::Scoped => {
                let lazy = lazy || take == Take::Lazy;
                let slot = match self.layout.get(&id).copied() {
                    Some(slot) => {
                        if !lazy {
                            self.build_eagerly(slot);
                        }
                        slot
                    }
                    None => {
                        let slot = self.step(graph, id, lazy, false, chain);
                        self.layout.insert(id, slot);
                        slot
                    }
                };
                self.in_slot(slot, take)
            }
            Lifetime::Transient => {
                let slot = self.step(graph, id, lazy || take == Take::Lazy, take == Take::Owned, chain);
                self.in_slot(slot, take)
            }
        }
    }

    fn in_slot(&mut self, slot: usize, take: Take) -> Place {
        match take {
            Take::Lazy => {
                self.wants_shared = true;
                Place::Lazy(slot)
            }
            Take::Owned => Place::Owned(slot),
            Take::Shared | Take::Fresh => Place::Slot(slot),
        }
    }

    fn step(&mut self, graph: &Graph, id: ProviderId, lazy: bool, owned: bool, chain: &mut Vec<ProviderId>) -> usize {
        let provider = graph.provider(id);
        let asked_by = chain.clone();
        chain.push(id);
        let targets = provider.resolved.iter().map(|edge| self.target(graph, edge, lazy, chain)).collect();
        chain.pop();
        self.disposes |= provider.dispose.is_some();
        self.steps.push(PlanStep { provider: id, targets, lazy, owned, chain: asked_by });
        self.steps.len() - 1
    }

    /// A step that was planned lazily turns out to be needed at once, and so is all it reads.
    fn build_eagerly(&mut self, slot: usize) {
        if !self.steps[slot].lazy {
            return;
        }
        self.steps[slot].lazy = false;
        self.singletons.extend(self.steps[slot].singletons());
        for read in self.steps[slot].reads() {
            self.build_eagerly(read);
        }
    }
}

/// Hands the places of a constructor's parameters to them, one after the other.
pub struct Binder<'h> {
    pub(crate) container: &'h Arc<Container>,
    /// Whether the parameters are a component's, and not a function's that the host runs.
    pub(crate) of_component: bool,
    targets: slice::Iter<'h, Target>,
}

impl fmt::Debug for Binder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binder").field("left", &self.targets.len()).finish_non_exhaustive()
    }
}

impl<'h> Binder<'h> {
    pub(crate) fn new(container: &'h Arc<Container>, targets: &'h [Target]) -> Self {
        Self { container, of_component: false, targets: targets.iter() }
    }

    pub(crate) fn of_component(container: &'h Arc<Container>, targets: &'h [Target]) -> Self {
        Self { of_component: true, ..Self::new(container, targets) }
    }

    pub(crate) fn next(&mut self) -> &'h Target {
        self.targets.next().expect("an expansion lists as many edges as needs")
    }
}

/// A plan whose singletons are built and whose parameters know their places.
pub(crate) struct Armed<N: Need> {
    steps: Steps,
    root: N::Bound,
}

impl<N: Need> Armed<N> {
    /// Builds the singletons the plan reads and binds every parameter.
    pub(crate) async fn new(container: &Arc<Container>, plan: Arc<Plan>) -> Result<Self, InjectError> {
        container.ensure_all(&plan.singletons).await?;
        Self::bind(container, plan)
    }

    /// Binds every parameter; the singletons that the plan reads are built.
    pub(crate) fn bind(container: &Arc<Container>, plan: Arc<Plan>) -> Result<Self, InjectError> {
        let _alive = container.alive()?;
        let root = N::bind(&mut Binder::new(container, &plan.roots));
        Ok(Self { steps: Steps::bind(container, plan), root })
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.steps.plan
    }

    /// Whether a run has nothing to build and nothing to end.
    #[inline]
    pub(crate) fn is_bare(&self) -> bool {
        self.steps.bare
    }

    /// Executes the plan.
    ///
    /// A failing constructor closes what was built before it.
    #[inline]
    pub(crate) fn open(&self, context: Context) -> impl Future<Output = Result<Opened, InjectError>> {
        self.steps.open(context)
    }

    /// The entry point's own parameters.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "it is a read per parameter, and a call costs ten times that")]
    pub(crate) fn give<'r>(&'r self, frame: &'r mut Frame) -> N::Given<'r> {
        let early = N::take(&self.root, frame);
        N::give(&self.root, early, frame)
    }

    /// The same once more, for one that [is bare](Self::is_bare).
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "it is a read per parameter, and a call costs ten times that")]
    pub(crate) fn again<'r>(&'r self, given: &N::Given<'r>) -> N::Given<'r> {
        N::again(&self.root, given)
    }

    pub(crate) fn root(&self) -> &N::Bound {
        &self.root
    }
}

/// What of an armed plan does not depend on the entry point's parameters, so that it is compiled once.
struct Steps {
    container: Arc<Container>,
    plan: Arc<Plan>,
    /// One per step of the plan; none for a lazy one.
    bound: Box<[Option<Box<dyn Step>>]>,
    bare: bool,
}

impl Steps {
    fn bind(container: &Arc<Container>, plan: Arc<Plan>) -> Self {
        let bound = plan.steps.iter().map(|step| (!step.lazy).then(|| container.bind(step))).collect();
        let bare = plan.steps.is_empty() && !plan.wants_shared;
        Self { container: Arc::clone(container), plan, bound, bare }
    }

    #[inline]
    async fn open(&self, context: Context) -> Result<Opened, InjectError> {
        let mut opened = Opened::new(&self.container, &self.plan, context);
        for (slot, step) in self.bound.iter().enumerate() {
            let Some(step) = step else {
                opened.frame.slots.push(None);
                continue;
            };
            // A synchronous constructor, the common case, is called without a future around it.
            let built = match catch(|| step.construct(&mut opened.frame)) {
                Ok(Constructed::Now(Ok(built))) => Ok(built),
                Ok(constructed) => {
                    let provider = self.plan.steps[slot].provider;
                    let limit = self.container.construction_limit(provider);
                    let began = now();
                    // In a box: a run without such constructors has no room to spare for their timer.
                    let built = Box::pin(finish(constructed, limit)).await;
                    if built.is_ok() {
                        self.container.warn_if_late(provider, began, limit);
                    }
                    built
                }
                Err(caught) => Err(Failure::Panicked(caught)),
            };
            match built {
                Ok(built) => opened.push(slot, built),
                Err(failure) => return Err(self.give_up(slot, failure, opened).await),
            }
        }
        Ok(opened)
    }

    #[cold]
    fn give_up(&self, slot: usize, failure: Failure, opened: Opened) -> BoxFuture<'static, InjectError> {
        let error = InjectError::of_step(&self.container.graph, &self.plan.steps[slot], failure);
        Box::pin(async move {
            opened.close_after_failure().await;
            error
        })
    }
}

/// Runs one constructor, within its limit if it awaits, and turns a panic of its own into a failure.
pub(super) async fn construct(step: &dyn Step, frame: &mut Frame, limit: Duration) -> Result<Built, Failure> {
    match catch(|| step.construct(frame)) {
        Ok(constructed) => finish(constructed, limit).await,
        Err(caught) => Err(Failure::Panicked(caught)),
    }
}

async fn finish(constructed: Constructed<'_, Built>, limit: Duration) -> Result<Built, Failure> {
    match constructed {
        Constructed::Now(result) => result.map_err(Failure::Returned),
        Constructed::Later(future) => match tokio::time::timeout(limit, catch_panic(future)).await {
            Ok(Ok(result)) => result.map_err(Failure::Returned),
            Ok(Err(caught)) => Err(Failure::Panicked(caught)),
            Err(_elapsed) => Err(Failure::TimedOut(limit)),
        },
    }
}

/// Why a component could not be built, and who asked for it.
#[derive(Debug)]
pub struct InjectError {
    /// The component first, then who asked for it, inside out.
    chain: Vec<String>,
    failure: Failure,
}

#[derive(Debug)]
pub(crate) enum Failure {
    Returned(BoxError),
    Panicked(Caught),
    TimedOut(Duration),
    ScopeClosed,
    HostStopped,
    WrongType,
    NotRegistered,
    #[cfg(feature = "axum")]
    Ambiguous,
}

impl InjectError {
    pub(crate) fn new(component: String, failure: Failure) -> Self {
        Self { chain: vec![component], failure }
    }

    /// The failure of a planned step, with everybody on the way to it.
    pub(crate) fn of_step(graph: &Graph, step: &PlanStep, failure: Failure) -> Self {
        let name = |id: ProviderId| graph.provider(id).name.as_str();
        let error = Self::new(name(step.provider).to_owned(), failure);
        step.chain.iter().rev().fold(error, |error, asker| error.asked_by(name(*asker)))
    }

    pub(crate) fn wrong_type() -> Self {
        Self::new("a lazy component".to_owned(), Failure::WrongType)
    }

    /// Who asked first, as far as it is known.
    pub(crate) fn outermost(&self) -> &str {
        self.chain.last().map_or("", String::as_str)
    }

    pub(crate) fn asked_by(mut self, asker: &str) -> Self {
        self.chain.push(asker.to_owned());
        self
    }

    /// Whether the constructor did not finish within its `timeout`.
    pub fn is_timeout(&self) -> bool {
        matches!(self.failure, Failure::TimedOut(_))
    }

    /// Whether the host has stopped, so that nothing is built in it any more.
    pub fn is_stopped(&self) -> bool {
        matches!(self.failure, Failure::HostStopped)
    }
}

impl fmt::Display for InjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot build `{}`", self.chain[0])?;
        for asker in &self.chain[1..] {
            write!(f, ", needed by `{asker}`")?;
        }
        match &self.failure {
            Failure::Returned(error) => write!(f, ": its constructor failed: {error}"),
            Failure::Panicked(caught) => write!(f, ": its constructor panicked: {caught}"),
            Failure::TimedOut(limit) => {
                write!(f, ": its constructor did not finish within {}", humantime::format_duration(*limit))
            }
            Failure::HostStopped => f.write_str(": the host has stopped"),
            Failure::ScopeClosed => f.write_str(": its scope has been closed"),
            Failure::WrongType => f.write_str(": it was built as another type, which is a bug in hostkit"),
            Failure::NotRegistered => f.write_str(": it is not registered in this host"),
            #[cfg(feature = "axum")]
            Failure::Ambiguous => f.write_str(": several provide it without a key"),
        }
    }
}

impl std::error::Error for InjectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.failure {
            Failure::Returned(error) => error.source(),
            _ => None,
        }
    }
}
