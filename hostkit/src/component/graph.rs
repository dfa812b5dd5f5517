//! The graph of one host: every provider, who asks whom, and every fault in it.

use std::any::{Any, TypeId};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::dispose::{Disposal, Outcome};
use super::ext::Ext;
#[cfg(feature = "axum")]
use super::plan::{Failure, InjectError};
use super::recipe::{BindStep, Built, Cast, Form};
use super::want::short_type_name;
use super::{Arity, Component, Edge, Lifetime, Node, NodePtr, Take, TypeKey, Want};
use crate::config::Configuration;
use crate::error::Problem;
use crate::registry::Source;

pub(crate) type ProviderId = usize;
pub(crate) type AnyCast = &'static (dyn Any + Send + Sync);

/// Somebody who provides a type in this host.
pub(crate) struct Provider {
    pub(crate) name: String,
    /// The whole path, by which providers of a trait are ordered.
    path: String,
    pub(crate) source: Option<Source>,
    pub(crate) lifetime: Lifetime,
    edges: &'static [Edge],
    pub(crate) make: Make,
    pub(crate) dispose: Option<fn(Built, Outcome) -> Disposal>,
    pub(crate) timeout: Option<Duration>,
    /// One per edge.
    pub(crate) resolved: Vec<Resolved>,
}

/// Where a provider's values come from.
pub(crate) enum Make {
    Step(BindStep),
    Value(Built),
    Replaced(Arc<dyn Fn() -> Built + Send + Sync>),
}

/// What an edge leads to.
#[derive(Debug, Clone)]
pub(crate) enum Resolved {
    Provider { id: ProviderId, take: Take, cast: Option<AnyCast> },
    Many(Vec<(ProviderId, AnyCast)>),
    Absent,
    Run(TypeId),
    Token,
    Scope,
    Scopes,
}

/// A value that the builder or the host itself puts into the graph.
pub(crate) struct Supplied {
    of: SuppliedAs,
    name: String,
    value: Built,
}

enum SuppliedAs {
    Foreign(TypeId),
    Trait(TypeId, AnyCast),
    Fitting(TypeId),
}

impl Supplied {
    /// An `Ext<T>`.
    pub(crate) fn foreign<T: Send + Sync + 'static>(value: T) -> Self {
        let name = short_type_name(std::any::type_name::<T>());
        Self { of: SuppliedAs::Foreign(TypeId::of::<T>()), name, value: Arc::new(value) }
    }

    /// A trait object.
    pub(crate) fn dynamic<D: ?Sized + Send + Sync + 'static>(value: Arc<D>) -> Self {
        let name = short_type_name(std::any::type_name::<D>());
        Self { of: SuppliedAs::Trait(TypeId::of::<D>(), cast_of_arc::<D>()), name, value: Arc::new(value) }
    }

    /// Something the host makes once, such as a queue's handle.
    pub(crate) fn fitting<T: Send + Sync + 'static>(value: T) -> Self {
        let name = short_type_name(std::any::type_name::<T>());
        Self { of: SuppliedAs::Fitting(TypeId::of::<T>()), name, value: Arc::new(value) }
    }
}

/// The cast of a value that is itself an `Arc<D>`.
fn cast_of_arc<D: ?Sized + Send + Sync + 'static>() -> AnyCast {
    const {
        &Cast::<D> {
            shared: |any| any.downcast::<Arc<D>>().ok().map(|arc| Arc::clone(&*arc)),
            lent: |any| any.downcast_ref::<Arc<D>>().map(|arc| &**arc),
        }
    }
}

/// `.replace::<X>(…)` on a builder.
pub struct Replacement {
    of: ReplacementOf,
    name: String,
    key: Option<&'static str>,
}

impl fmt::Debug for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Replacement").field(&self.name).finish()
    }
}

enum ReplacementOf {
    Trait(TypeId, AnyCast, Built),
    Foreign(TypeId, Built),
    Component(NodePtr, Arc<dyn Fn() -> Built + Send + Sync>),
}

/// What may stand in for `T` in [`HostBuilder::replace`](crate::HostBuilder::replace): an `Arc<dyn Trait>` for a trait,
/// a function that makes one for a component, an `Ext<T>` for an `Ext<T>`.
#[diagnostic::on_unimplemented(
    message = "this cannot take the place of `{T}`",
    label = "`{Self}` cannot take the place of `{T}`",
    note = "in the place of a trait goes an `Arc<dyn Trait>`, in the place of a component a function that makes one, in the place of an `Ext<T>` another"
)]
pub trait ReplacementFor<T: ?Sized> {
    /// What the builder keeps of it.
    #[doc(hidden)]
    fn replacement(self) -> Replacement;
}

#[diagnostic::do_not_recommend]
impl<D: ?Sized + Send + Sync + 'static> ReplacementFor<D> for Arc<D> {
    fn replacement(self) -> Replacement {
        let name = short_type_name(std::any::type_name::<D>());
        Replacement { of: ReplacementOf::Trait(TypeId::of::<D>(), cast_of_arc::<D>(), Arc::new(self)), name, key: None }
    }
}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> ReplacementFor<Self> for Ext<T> {
    fn replacement(self) -> Replacement {
        let name = short_type_name(std::any::type_name::<Self>());
        Replacement { of: ReplacementOf::Foreign(TypeId::of::<T>(), self.into_arc()), name, key: None }
    }
}

#[diagnostic::do_not_recommend]
impl<T: Component, F: Fn() -> T + Send + Sync + 'static> ReplacementFor<T> for F {
    fn replacement(self) -> Replacement {
        let make = Arc::new(move || Arc::new(self()) as Built);
        Replacement { of: ReplacementOf::Component(T::NODE, make), name: T::NODE.read().name.to_owned(), key: None }
    }
}

impl Replacement {
    pub(crate) fn new<T: ?Sized>(with: impl ReplacementFor<T>) -> Self {
        with.replacement()
    }

    /// The same, of what has this key.
    pub(crate) fn with_key(self, key: &'static str) -> Self {
        Self { key: Some(key), ..self }
    }
}

/// Who asks, for a report.
#[derive(Debug, Clone)]
pub(crate) struct Asker<'a> {
    /// "service", "component", "hook".
    pub(crate) what: &'a str,
    pub(crate) name: &'a str,
    pub(crate) source: Option<Source>,
}

#[derive(Clone, Copy)]
struct Candidate {
    id: ProviderId,
    cast: Option<AnyCast>,
    default: bool,
}

/// Every provider of a host.
#[derive(Default)]
pub(crate) struct Graph {
    providers: Vec<Provider>,
    components: HashMap<TypeId, ProviderId>,
    traits: HashMap<(TypeId, Option<&'static str>), Vec<Candidate>>,
    foreign: HashMap<(TypeId, Option<&'static str>), Vec<Candidate>>,
    fittings: HashMap<TypeId, ProviderId>,
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph").field("providers", &self.providers.len()).finish_non_exhaustive()
    }
}

impl Provider {
    /// What it asks for.
    #[cfg(feature = "cli")]
    pub(crate) fn edges(&self) -> &'static [Edge] {
        self.edges
    }
}

impl Graph {
    /// Collects the providers, resolves every edge of every one, and reports all faults at once.
    ///
    /// `asked` are the edges of the services: components that only they reach, such as generic ones, join through them.
    pub(crate) fn build(
        nodes: impl IntoIterator<Item = NodePtr>,
        asked: impl IntoIterator<Item = &'static Edge>,
        supplied: Vec<Supplied>,
        replacements: Vec<Replacement>,
        configuration: &Configuration,
    ) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut graph = Self::default();
        graph.add_supplied(supplied, None);
        let mut seen = HashSet::new();
        let mut waiting: Vec<&'static Node> = nodes.into_iter().map(NodePtr::read).collect();
        waiting.extend(asked.into_iter().filter_map(component_of));
        while let Some(node) = waiting.pop() {
            if seen.insert(std::ptr::from_ref(node).addr()) {
                graph.add_node(node, configuration, &mut problems);
                waiting.extend(node.edges.iter().filter_map(component_of));
            }
        }
        graph.replace(replacements, &mut problems);
        graph.resolve_all(&mut problems);
        if problems.is_empty() {
            graph.find_cycles(&mut problems);
        }
        if problems.is_empty() {
            graph.find_captives(&mut problems);
        }
        (graph, problems)
    }

    pub(crate) fn provider(&self, id: ProviderId) -> &Provider {
        &self.providers[id]
    }

    pub(crate) fn len(&self) -> usize {
        self.providers.len()
    }

    pub(crate) fn component(&self, type_id: TypeId) -> Option<ProviderId> {
        self.components.get(&type_id).copied()
    }

    /// The one provider of a foreign type, for somebody who asks while the host runs.
    #[cfg(feature = "axum")]
    pub(crate) fn foreign<T: 'static>(&self) -> Result<ProviderId, InjectError> {
        let name = || short_type_name(std::any::type_name::<Ext<T>>());
        match self.candidates(&self.foreign, TypeKey::of::<T>(), None, Arity::Optional, || unreachable!("none is fine"))
        {
            Ok(Resolved::Provider { id, .. }) => Ok(id),
            Ok(_none) => Err(InjectError::new(name(), Failure::NotRegistered)),
            Err(_several) => Err(InjectError::new(name(), Failure::Ambiguous)),
        }
    }

    pub(crate) fn fitting<T: 'static>(&self) -> Option<ProviderId> {
        self.fitting_of(TypeId::of::<T>())
    }

    /// The provider of something the host itself makes, by its type.
    pub(crate) fn fitting_of(&self, of: TypeId) -> Option<ProviderId> {
        self.fittings.get(&of).copied()
    }

    /// Whether the host itself makes this.
    #[cfg(feature = "cli")]
    pub(crate) fn is_fitting(&self, id: ProviderId) -> bool {
        self.fittings.values().any(|fitting| *fitting == id)
    }

    /// The providers that the program declares or gives to the builder.
    #[cfg(feature = "cli")]
    pub(crate) fn components(&self) -> impl Iterator<Item = &Provider> {
        self.providers.iter().enumerate().filter(|(id, _)| !self.is_fitting(*id)).map(|(_, provider)| provider)
    }

    fn add(&mut self, provider: Provider) -> ProviderId {
        self.providers.push(provider);
        self.providers.len() - 1
    }

    fn add_supplied(&mut self, supplied: Vec<Supplied>, key: Option<&'static str>) {
        for Supplied { of, name, value } in supplied {
            let id = self.add(Provider {
                path: name.clone(),
                name,
                source: None,
                lifetime: Lifetime::Singleton,
                edges: &[],
                make: Make::Value(value),
                dispose: None,
                timeout: None,
                resolved: Vec::new(),
            });
            let candidate = |cast| Candidate { id, cast, default: false };
            match of {
                SuppliedAs::Foreign(of) => self.foreign.entry((of, key)).or_default().push(candidate(None)),
                SuppliedAs::Trait(of, cast) => self.traits.entry((of, key)).or_default().push(candidate(Some(cast))),
                SuppliedAs::Fitting(of) => {
                    self.fittings.insert(of, id);
                }
            }
        }
    }

    fn add_node(&mut self, node: &'static Node, configuration: &Configuration, problems: &mut Vec<Problem>) {
        let recipe = &node.recipe;
        let make = match recipe.form {
            Form::Component(bind) | Form::Provider(bind) => Make::Step(bind),
            Form::Options { section, bind, .. } => match bind(configuration, section) {
                Ok(value) => Make::Value(value),
                Err(faults) => {
                    problems.extend(faults);
                    Make::Value(Arc::new(()))
                }
            },
        };
        let name = if node.generic { recipe.product.short_name() } else { node.name.to_owned() };
        let id = self.add(Provider {
            name,
            path: format!("{}::{}", node.source.module, node.name),
            source: Some(node.source),
            lifetime: node.lifetime,
            edges: node.edges,
            make,
            dispose: recipe.dispose,
            timeout: recipe.timeout_ms.map(Duration::from_millis),
            resolved: Vec::new(),
        });
        let candidate = |cast| Candidate { id, cast, default: recipe.default };
        match recipe.form {
            Form::Component(_) | Form::Options { .. } => {
                self.components.insert(recipe.product.id(), id);
            }
            Form::Provider(_) => {
                self.foreign.entry((recipe.product.id(), recipe.key)).or_default().push(candidate(None));
            }
        }
        for binding in recipe.bindings {
            self.traits.entry((binding.of.id(), recipe.key)).or_default().push(candidate(Some(binding.cast)));
        }
    }

    fn replace(&mut self, replacements: Vec<Replacement>, problems: &mut Vec<Problem>) {
        for Replacement { of, name, key } in replacements {
            let (is_provided, supplied) = match of {
                ReplacementOf::Component(node, make) => {
                    self.replace_component(node, make, &name, key, problems);
                    continue;
                }
                ReplacementOf::Trait(of, cast, value) => {
                    (self.traits.remove(&(of, key)).is_some(), (SuppliedAs::Trait(of, cast), value))
                }
                ReplacementOf::Foreign(of, value) => {
                    (self.foreign.remove(&(of, key)).is_some(), (SuppliedAs::Foreign(of), value))
                }
            };
            if let (false, Some(key)) = (is_provided, key) {
                problems.push(Problem::new(format!(
                    "`{name}` with the key \"{key}\" is replaced, but nothing provides it in this host"
                )));
            }
            let (of, value) = supplied;
            self.add_supplied(vec![Supplied { of, name, value }], key);
        }
    }

    fn replace_component(
        &mut self,
        node: NodePtr,
        make: Arc<dyn Fn() -> Built + Send + Sync>,
        name: &str,
        key: Option<&'static str>,
        problems: &mut Vec<Problem>,
    ) {
        if let Some(key) = key {
            problems.push(Problem::new(format!(
                "`{name}` with the key \"{key}\" is replaced, but only traits and foreign types have keys"
            )));
        } else if let Some(id) = self.component(node.read().recipe.product.id()) {
            let provider = &mut self.providers[id];
            provider.edges = &[];
            provider.make = Make::Replaced(make);
        } else {
            problems.push(Problem::new(format!("`{name}` is replaced, but nothing in this host asks for it")));
        }
    }

    fn resolve_all(&mut self, problems: &mut Vec<Problem>) {
        let mut ids: Vec<_> = (0..self.providers.len()).collect();
        ids.sort_by(|a, b| self.providers[*a].path.cmp(&self.providers[*b].path));
        for id in ids {
            let provider = &self.providers[id];
            let asker = Asker { what: "component", name: &provider.name, source: provider.source };
            match self.resolve(&asker, provider.edges) {
                Ok(resolved) => self.providers[id].resolved = resolved,
                Err(faults) => problems.extend(faults),
            }
        }
    }

    /// What each parameter leads to.
    pub(crate) fn resolve(&self, asker: &Asker<'_>, edges: &'static [Edge]) -> Result<Vec<Resolved>, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut resolved = Vec::with_capacity(edges.len());
        for edge in edges {
            match self.resolve_edge(edge) {
                Ok(one) => resolved.push(one),
                Err(fault) => problems.push(fault.into_problem(asker, edge)),
            }
        }
        if problems.is_empty() { Ok(resolved) } else { Err(problems) }
    }

    fn resolve_edge(&self, edge: &Edge) -> Result<Resolved, Fault> {
        match &edge.want {
            Want::Component(node, take) => {
                let node = node.read();
                let id = self.component(node.recipe.product.id()).ok_or_else(|| Fault::missing_component(node))?;
                let provider = &self.providers[id];
                if *take == Take::Owned && (provider.lifetime != Lifetime::Transient || provider.dispose.is_some()) {
                    return Err(Fault::not_owned(provider));
                }
                Ok(Resolved::Provider { id, take: *take, cast: None })
            }
            Want::Trait(of, arity) => {
                self.candidates(&self.traits, *of, edge.key, *arity, || Fault::missing_trait(*of, edge.key))
            }
            Want::Foreign(of, arity) => {
                self.candidates(&self.foreign, *of, edge.key, *arity, || Fault::missing_foreign(*of, edge.key))
            }
            Want::Fitting(of, missing) => match self.fittings.get(&of.id()) {
                Some(id) => Ok(Resolved::Provider { id: *id, take: Take::Shared, cast: None }),
                None => Err(Fault { needs: missing(), why: String::new(), places: Vec::new(), help: None }),
            },
            Want::Run(of) => Ok(Resolved::Run(of.id())),
            Want::Token => Ok(Resolved::Token),
            Want::Scope => Ok(Resolved::Scope),
            Want::Scopes => Ok(Resolved::Scopes),
        }
    }

    fn candidates(
        &self,
        among: &HashMap<(TypeId, Option<&'static str>), Vec<Candidate>>,
        of: TypeKey,
        key: Option<&'static str>,
        arity: Arity,
        missing: impl FnOnce() -> Fault,
    ) -> Result<Resolved, Fault> {
        let all = among.get(&(of.id(), key)).map_or(&[][..], Vec::as_slice);
        let overridden = all.iter().any(|candidate| !candidate.default);
        let chosen: Vec<_> = all.iter().filter(|candidate| !(overridden && candidate.default)).copied().collect();
        match (arity, &chosen[..]) {
            (Arity::All, _) => {
                let mut many: Vec<_> = chosen.iter().filter_map(|c| c.cast.map(|cast| (c.id, cast))).collect();
                many.sort_by(|a, b| self.providers[a.0].path.cmp(&self.providers[b.0].path));
                Ok(Resolved::Many(many))
            }
            (Arity::Optional, []) => Ok(Resolved::Absent),
            (_, []) => Err(missing()),
            (_, [one]) => {
                let take = if arity == Arity::Lazy { Take::Lazy } else { Take::Shared };
                Ok(Resolved::Provider { id: one.id, take, cast: one.cast })
            }
            (_, several) => Err(Fault::ambiguous(of, several.iter().map(|candidate| &self.providers[candidate.id]))),
        }
    }

    /// The providers that building these edges builds, or that a scope opened through them may build.
    pub(crate) fn singletons_reached(&self, roots: &[Resolved]) -> BTreeSet<ProviderId> {
        let mut seen = HashSet::new();
        let mut open = Vec::new();
        let visit = |resolved: &Resolved, open: &mut Vec<ProviderId>| match resolved {
            Resolved::Provider { take: Take::Lazy, .. } => {}
            Resolved::Provider { id, .. } => open.push(*id),
            Resolved::Many(many) => open.extend(many.iter().map(|(id, _)| *id)),
            _ => {}
        };
        for root in roots {
            visit(root, &mut open);
        }
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                self.providers[id].resolved.iter().for_each(|edge| visit(edge, &mut open));
            }
        }
        seen.into_iter().filter(|id| self.providers[*id].lifetime == Lifetime::Singleton).collect()
    }

    fn find_cycles(&self, problems: &mut Vec<Problem>) {
        let mut done = vec![false; self.providers.len()];
        for id in 0..self.providers.len() {
            self.walk_cycles(id, &mut Vec::new(), &mut done, problems);
        }
    }

    fn walk_cycles(&self, id: ProviderId, path: &mut Vec<ProviderId>, done: &mut [bool], problems: &mut Vec<Problem>) {
        if let Some(start) = path.iter().position(|on_path| *on_path == id) {
            let cycle: Vec<_> = path[start..].iter().chain([&id]).map(|id| self.providers[*id].name.as_str()).collect();
            let mut problem = Problem::new(format!("dependency cycle: {}", cycle.join(" -> ")));
            for id in &path[start..] {
                problem = problem.at(declared(&self.providers[*id]));
            }
            problems.push(
                problem
                    .help("break it with a `Scopes<T>` in one of them, or move what both need into a third component"),
            );
            return;
        }
        if done[id] {
            return;
        }
        path.push(id);
        for next in self.providers[id].resolved.iter().flat_map(held) {
            self.walk_cycles(next, path, done, problems);
        }
        path.pop();
        done[id] = true;
    }

    fn find_captives(&self, problems: &mut Vec<Problem>) {
        for provider in &self.providers {
            if provider.lifetime == Lifetime::Singleton {
                let asker = Asker { what: "singleton", name: &provider.name, source: provider.source };
                problems.extend(self.captives(&asker, provider.edges, &provider.resolved));
            }
        }
    }

    /// The scoped components that something host-long would hold on to, through transients.
    pub(crate) fn captives(&self, asker: &Asker<'_>, edges: &'static [Edge], resolved: &[Resolved]) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (edge, resolved) in edges.iter().zip(resolved) {
            if let Some(path) = held(resolved).into_iter().find_map(|id| self.scoped_path(id, 0)) {
                let path = path.join(" -> ");
                let mut problem = Problem::new(format!(
                    "{} `{}` lives as long as the host, but its parameter `{}` reaches the scoped {path}",
                    asker.what, asker.name, edge.parameter
                ));
                if let Some(source) = asker.source {
                    problem = problem.at(format!("declared at {source}"));
                }
                problems.push(problem.help("take it through `Scopes<T>` and open a scope for each piece of work"));
            }
        }
        problems
    }

    fn scoped_path(&self, id: ProviderId, depth: usize) -> Option<Vec<String>> {
        let provider = &self.providers[id];
        let name = format!("`{}`", provider.name);
        match provider.lifetime {
            Lifetime::Scoped => Some(vec![name]),
            // Cycles have been reported before this is asked, so the depth only bounds a bug of ours.
            Lifetime::Transient if depth < self.providers.len() => {
                let rest =
                    provider.resolved.iter().flat_map(held).find_map(|next| self.scoped_path(next, depth + 1))?;
                Some([name].into_iter().chain(rest).collect())
            }
            _ => None,
        }
    }
}

/// What an edge's owner holds on to.
fn held(resolved: &Resolved) -> Vec<ProviderId> {
    match resolved {
        Resolved::Provider { take: Take::Fresh, .. } => Vec::new(),
        Resolved::Provider { id, .. } => vec![*id],
        Resolved::Many(many) => many.iter().map(|(id, _)| *id).collect(),
        _ => Vec::new(),
    }
}

fn component_of(edge: &'static Edge) -> Option<&'static Node> {
    match &edge.want {
        Want::Component(node, _) => Some(node.read()),
        _ => None,
    }
}

fn declared(provider: &Provider) -> String {
    match provider.source {
        Some(source) => format!("`{}` declared at {source}", provider.name),
        None => format!("`{}` given to the builder", provider.name),
    }
}

/// Why an edge leads nowhere.
struct Fault {
    needs: String,
    why: String,
    places: Vec<String>,
    help: Option<String>,
}

impl Fault {
    fn missing_component(node: &Node) -> Self {
        Self {
            needs: format!("`{}`", node.name),
            why: ", and nothing in this host provides it".to_owned(),
            places: vec![format!("`{}` declared at {}", node.name, node.source)],
            help: Some(format!("add `.with::<{}>()`", node.name)),
        }
    }

    fn missing_trait(of: TypeKey, key: Option<&str>) -> Self {
        let name = of.short_name();
        let (with_key, fix) = match key {
            Some(key) => (format!(" with key \"{key}\""), format!("add `as = {name}, key = \"{key}\"` to a component")),
            None => {
                (String::new(), format!("add `as = {name}` to a component, or `.provide_as::<{name}>(..)` on the host"))
            }
        };
        Self { needs: format!("`{name}`{with_key}"), why: nothing(), places: Vec::new(), help: Some(fix) }
    }

    fn missing_foreign(of: TypeKey, key: Option<&str>) -> Self {
        let name = of.short_name();
        let (with_key, fix) = match key {
            Some(key) => (
                format!(" with key \"{key}\""),
                format!("write a function that makes it and put `#[hostkit::singleton(key = \"{key}\")]` on it"),
            ),
            None => (
                String::new(),
                format!(
                    "write a function that makes a `{name}` and put `#[hostkit::singleton]` on it, or add `.provide(..)` on the host"
                ),
            ),
        };
        Self { needs: format!("`Ext<{name}>`{with_key}"), why: nothing(), places: Vec::new(), help: Some(fix) }
    }

    fn ambiguous<'a>(of: TypeKey, providers: impl Iterator<Item = &'a Provider>) -> Self {
        let mut places: Vec<_> = providers.map(declared).collect();
        places.sort();
        Self {
            needs: format!("`{}`", of.short_name()),
            why: format!(", and {} provide it", places.len()),
            places,
            help: Some(
                "give all but one a `key = \"…\"`, mark one that others may replace as `default`, or ask for `All<…>`"
                    .to_owned(),
            ),
        }
    }

    fn not_owned(provider: &Provider) -> Self {
        let why = match provider.lifetime {
            Lifetime::Transient => {
                " for itself, but it has a `dispose`, which somebody must be left to call".to_owned()
            }
            lifetime => format!(" for itself, but it is {lifetime}"),
        };
        Self {
            needs: format!("`{}`", provider.name),
            why,
            places: vec![declared(provider)],
            help: Some("take it as `&T` or `Arc<T>`".to_owned()),
        }
    }

    fn into_problem(self, asker: &Asker<'_>, edge: &Edge) -> Problem {
        let Self { needs, why, places, help } = self;
        let mut problem = Problem::new(format!(
            "{} `{}` needs {needs} (parameter `{}`){why}",
            asker.what, asker.name, edge.parameter
        ));
        if let Some(source) = asker.source {
            problem = problem.at(format!("declared at {source}"));
        }
        for place in places {
            problem = problem.at(place);
        }
        match help {
            Some(help) => problem.help(help),
            None => problem,
        }
    }
}

fn nothing() -> String {
    ", and nothing provides it".to_owned()
}
