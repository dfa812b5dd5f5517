//! Building: read the configuration, check the wiring, plan every service. Starts nothing.
//!
//! Faults are collected through all steps and reported together; only planning needs a graph without faults.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::lifetime::HostLifetime;
use super::{BuildError, Host, HostBuilder, order};
use crate::component::{
    Asker, Container, ContainerSettings, Edge, Field, Form, Graph, Node, NodePtr, Plan, ProviderId, Resolved, Supplied,
    Want,
};
#[cfg(all(feature = "cli", feature = "durable"))]
use crate::config::StoreOptions;
use crate::config::{Configuration, Item, Known, Unread, suggest};
use crate::error::Problem;
use crate::queue::{TASK_QUEUE, TaskQueue};
use crate::registry::{Registration, ServiceEntry};
#[cfg(feature = "cli")]
use crate::runner::Upcoming;
use crate::runner::{Runner, Setup, Stage};

/// A service that will run.
pub(crate) struct ServicePlan {
    pub(crate) name: &'static str,
    pub(crate) entry: &'static ServiceEntry,
    pub(crate) runner: Arc<dyn Runner>,
    pub(crate) plan: Arc<Plan>,
    /// What must be ready before it starts, as indices of services.
    pub(crate) after: Vec<usize>,
    /// The singletons that it reaches.
    pub(crate) singletons: BTreeSet<ProviderId>,
}

impl std::fmt::Debug for ServicePlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServicePlan").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A hook that will run, in the order of its stage.
#[derive(Debug)]
pub(crate) struct HookPlan {
    pub(crate) stage: Stage,
    pub(crate) service: ServicePlan,
}

/// An annotated function as `list` and `graph` show it.
#[cfg(feature = "cli")]
#[derive(Debug, Clone)]
pub(crate) struct Described {
    pub(crate) name: &'static str,
    pub(crate) entry: &'static ServiceEntry,
    pub(crate) summary: String,
    pub(crate) schedule: Option<String>,
    pub(crate) upcoming: Vec<Upcoming>,
    pub(crate) after: Vec<&'static str>,
}

/// A function with its name in this host and its runner.
struct Candidate {
    name: &'static str,
    entry: &'static ServiceEntry,
    runner: Arc<dyn Runner>,
    resolved: Vec<Resolved>,
}

pub(super) fn build(builder: HostBuilder) -> Result<Host, BuildError> {
    let HostBuilder {
        registrations,
        sources,
        mut supplied,
        replacements,
        renamed,
        only,
        except,
        owner,
        clock,
        probe,
        ..
    } = builder;
    let mut problems = Vec::new();
    let Registered { nodes, entries, linked } = Registered::sort(registrations, &renamed);
    problems.extend(unregistered_crates(&linked, &nodes, &entries));
    problems.extend(duplicates(&entries));
    if entries.is_empty() {
        problems.push(empty_host());
    }

    let (mut configuration, faults) = Configuration::load(&sources);
    problems.extend(faults);
    let sections = sections(&reached(&nodes, &entries));
    problems.extend(configuration.declare(&sections.iter().map(|(section, _)| *section).collect::<Vec<_>>()));
    let (options, faults) = configuration.host_options();
    problems.extend(faults);

    #[cfg(feature = "durable")]
    let (store, faults) = configuration.store_options();
    // A test leaves no file behind that it did not ask for.
    #[cfg(all(feature = "durable", feature = "testing"))]
    let store = if probe.is_on() && !configuration.names_store() { store.in_memory() } else { store };
    #[cfg(not(feature = "durable"))]
    let faults = configuration.store_refused();
    problems.extend(faults);

    #[cfg(feature = "durable")]
    let jobs = Arc::new(crate::queue::Jobs::new(store.lease));
    #[cfg(feature = "durable")]
    let mut offered = Vec::new();

    let lifetime = HostLifetime::new(configuration.environment());
    supplied.push(Supplied::fitting(lifetime.clone()));
    let filter = Filter { only, except };
    problems.extend(filter.unknown(&entries));
    let mut candidates = Vec::new();
    let mut left_out = Vec::new();
    for (name, entry) in entries.iter().copied().chain(task_queue(&nodes, &entries)) {
        let mut settings = match entry.kind.attribute() {
            // The built-in queue is no annotated item, so its section is not one of many.
            TASK_QUEUE => configuration.own(TASK_QUEUE),
            _ => configuration.settings(&item(name, entry)),
        };
        let enabled = settings.flag("enabled").unwrap_or(true);
        let mut unused = Vec::new();
        // Nobody can name the built-in queue, so it is there for whoever is.
        let runs = enabled && (entry.kind.attribute() == TASK_QUEUE || filter.takes(name, entry));
        let supplied = if runs { &mut supplied } else { &mut unused };
        let set_up = entry.kind.set_up();
        let runner = set_up(Setup {
            entry,
            name,
            settings,
            supplied,
            #[cfg(feature = "durable")]
            offered: &mut offered,
            #[cfg(feature = "durable")]
            jobs: &jobs,
            problems: &mut problems,
            probe: &probe,
        });
        if runs {
            candidates.push(Candidate { name, entry, runner, resolved: Vec::new() });
        } else {
            left_out.push(name);
        }
    }
    if !left_out.is_empty() {
        tracing::info!(target: "hostkit::host", services = left_out.join(", "), "left out by configuration");
    }

    #[cfg(feature = "durable")]
    {
        supplied.append(&mut offered);
        #[cfg(feature = "sqlite")]
        problems.extend(candidates.iter().filter_map(|candidate| without_transactions(candidate, &store.url)));
        if jobs.are_used() {
            problems.extend(
                store
                    .url
                    .unsupported()
                    .map(|reason| Problem::new(format!("durable jobs cannot be kept in `{}`: {reason}", store.url))),
            );
        }
    }

    if candidates.is_empty() && !entries.is_empty() {
        problems.push(nothing_left());
    }
    let asked = candidates.iter().flat_map(|candidate| candidate.entry.edges);
    let (graph, faults) =
        Graph::build(nodes.iter().map(|node| NodePtr::of(node)), asked, supplied, replacements, &configuration);
    let sound = faults.is_empty();
    problems.extend(faults);
    for candidate in &mut candidates {
        problems.extend(candidate.resolve(&graph, sound));
    }
    let (services, hooks): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|candidate| candidate.entry.kind.stage().is_none());
    let known: Vec<_> = entries.iter().map(|(_, entry)| *entry).collect();
    let service_order = Order::of(&services, &known, None, &mut problems);
    let hook_orders: Vec<_> = Stage::ALL
        .iter()
        .map(|stage| {
            let of_stage: Vec<_> = hooks.iter().filter(|hook| hook.entry.kind.stage() == Some(*stage)).collect();
            (*stage, Order::of_refs(&of_stage, &known, Some(*stage), &mut problems), of_stage)
        })
        .collect();

    let items: Vec<_> = entries.iter().map(|(name, entry)| (entry.kind.attribute(), *name)).collect();
    let Unread { problems: faults, warnings } = configuration.unread(Known { items: &items, sections: &sections });
    for warning in warnings {
        tracing::warn!(target: "hostkit::config", "{warning}");
    }
    problems.extend(faults);
    if !problems.is_empty() {
        return Err(BuildError::new(problems));
    }

    let hooks = hook_orders
        .into_iter()
        .flat_map(|(stage, order, of_stage)| {
            let plan = |index: usize| HookPlan { stage, service: of_stage[index].planned(&graph, Vec::new()) };
            order.sorted.into_iter().map(plan).collect::<Vec<_>>()
        })
        .collect();
    let services =
        services.iter().zip(service_order.after).map(|(service, after)| service.planned(&graph, after)).collect();
    let (container, reaped) = Container::new(graph, ContainerSettings::default(), CancellationToken::new());
    Ok(Host {
        services,
        hooks,
        known: entries,
        container,
        reaped,
        configuration: Arc::new(configuration),
        options,
        #[cfg(feature = "durable")]
        store,
        #[cfg(feature = "durable")]
        jobs,
        lifetime,
        owner,
        clock,
        probe,
    })
}

/// What the configuration says of the store, for commands that need nothing else of the program: nothing is built.
///
/// Faults of other sections that only their readers would find stay theirs: whoever has to look into a store must not wait
/// until they are seen to. What nobody reads is told here as well, because the store may have been meant.
#[cfg(all(feature = "cli", feature = "durable"))]
pub(super) fn store_options(builder: &HostBuilder) -> Result<StoreOptions, BuildError> {
    let registered = Registered::sort(builder.registrations.clone(), &builder.renamed);
    let (mut configuration, mut problems) = Configuration::load(&builder.sources);
    let sections = sections(&reached(&registered.nodes, &registered.entries));
    configuration.declare(&sections.iter().map(|(section, _)| *section).collect::<Vec<_>>());
    let (options, faults) = configuration.store_options();
    problems.extend(faults);
    let items: Vec<_> = registered.services().iter().map(|(name, entry)| (entry.kind.attribute(), *name)).collect();
    let Unread { problems: faults, warnings } = configuration.unread(Known { items: &items, sections: &sections });
    for warning in warnings {
        tracing::warn!(target: "hostkit::config", "{warning}");
    }
    problems.extend(faults);
    if problems.is_empty() { Ok(options) } else { Err(BuildError::new(problems)) }
}

impl Candidate {
    fn resolve(&mut self, graph: &Graph, sound: bool) -> Vec<Problem> {
        let host_long = self.runner.is_host_long();
        let asker = Asker { what: self.entry.kind.noun(), name: self.name, source: Some(self.entry.source) };
        match graph.resolve(&asker, self.entry.edges) {
            Err(faults) => faults,
            Ok(resolved) => {
                self.resolved = resolved;
                // A walk for captives needs a graph without cycles.
                if host_long && sound { graph.captives(&asker, self.entry.edges, &self.resolved) } else { Vec::new() }
            }
        }
    }

    fn planned(&self, graph: &Graph, after: Vec<usize>) -> ServicePlan {
        ServicePlan {
            name: self.name,
            entry: self.entry,
            runner: Arc::clone(&self.runner),
            plan: Arc::new(Plan::of(graph, &self.resolved)),
            after,
            singletons: graph.singletons_reached(&self.resolved),
        }
    }
}

/// What was registered, sorted by name, each item once.
pub(crate) struct Registered {
    pub(crate) nodes: Vec<&'static Node>,
    entries: Vec<(&'static str, &'static ServiceEntry)>,
    linked: BTreeSet<&'static str>,
}

impl Registered {
    pub(super) fn sort(registrations: Vec<Registration>, renamed: &[(TypeId, String)]) -> Self {
        let mut nodes: Vec<&'static Node> = Vec::new();
        let mut entries: Vec<(&'static str, &'static ServiceEntry)> = Vec::new();
        let mut linked = BTreeSet::new();
        for registration in registrations {
            match registration {
                Registration::Node(node) => nodes.push(node.read()),
                Registration::Service(entry) => entries.push((name_of(entry, renamed), entry)),
                Registration::Linked(name) => {
                    linked.insert(name);
                }
            }
        }
        nodes.sort_by_key(|node| (node.source.module, node.source.line, node.name));
        nodes.dedup_by(|a, b| std::ptr::eq(*a, *b));
        entries.sort_by_key(|(name, entry)| (*name, entry.source.module, entry.source.line));
        entries.dedup_by(|a, b| std::ptr::eq(a.1, b.1));
        Self { nodes, entries, linked }
    }

    /// Every function, the built-in task queue included if anything asks for it.
    #[cfg(feature = "cli")]
    pub(crate) fn services(&self) -> Vec<(&'static str, &'static ServiceEntry)> {
        self.entries.iter().copied().chain(task_queue(&self.nodes, &self.entries)).collect()
    }

    /// Every component, those that join by being asked for included.
    #[cfg(feature = "cli")]
    pub(crate) fn components(&self) -> Vec<&'static Node> {
        reached(&self.nodes, &self.entries)
    }

    /// What they are called.
    #[cfg(feature = "cli")]
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.services().into_iter().map(|(name, _)| name).collect()
    }
}

fn name_of(entry: &'static ServiceEntry, renamed: &[(TypeId, String)]) -> &'static str {
    let handle = (entry.handle)();
    match renamed.iter().rev().find(|(renamed, _)| *renamed == handle) {
        // A name lives as long as the program's other names do, and renaming happens a few times at most.
        Some((_, name)) => name.clone().leak(),
        None => entry.name,
    }
}

fn item(name: &'static str, entry: &'static ServiceEntry) -> Item {
    Item {
        attribute: entry.kind.attribute(),
        name,
        options: entry.options,
        reference: entry.kind.options(),
        source: entry.source,
    }
}

/// The sections that options structs read, with their keys.
fn sections(nodes: &[&'static Node]) -> Vec<(&'static str, &'static [Field])> {
    let section = |node: &&'static Node| match node.recipe.form {
        Form::Options { section, fields, .. } => Some((section, fields)),
        _ => None,
    };
    nodes.iter().filter_map(section).collect()
}

/// Every component: those that were registered, and those that join by being asked for.
fn reached(nodes: &[&'static Node], entries: &[(&'static str, &'static ServiceEntry)]) -> Vec<&'static Node> {
    let component = |edge: &'static Edge| match &edge.want {
        Want::Component(node, _) => Some(node.read()),
        _ => None,
    };
    let mut open = nodes.to_vec();
    open.extend(entries.iter().flat_map(|(_, entry)| entry.edges).filter_map(component));
    let mut seen = HashSet::new();
    let mut reached = Vec::new();
    while let Some(node) = open.pop() {
        if seen.insert(std::ptr::from_ref(node).addr()) {
            reached.push(node);
            open.extend(node.edges.iter().filter_map(component));
        }
    }
    reached
}

/// The built-in task queue, if anything asks for it.
fn task_queue(
    nodes: &[&'static Node],
    entries: &[(&'static str, &'static ServiceEntry)],
) -> Option<(&'static str, &'static ServiceEntry)> {
    let asked = nodes.iter().flat_map(|node| node.edges).chain(entries.iter().flat_map(|(_, entry)| entry.edges));
    let mut open: Vec<_> = asked.collect();
    let mut seen = HashSet::new();
    while let Some(edge) = open.pop() {
        match &edge.want {
            Want::Fitting(of, _) if of.id() == TypeId::of::<TaskQueue>() => {
                return Some((TaskQueue::ENTRY.name, TaskQueue::ENTRY));
            }
            // Components join by being asked for, and what they ask for with them.
            Want::Component(node, _) if seen.insert(std::ptr::from_ref(node.read()).addr()) => {
                open.extend(node.read().edges);
            }
            _ => {}
        }
    }
    None
}

/// Jobs that are to be acknowledged in a transaction with the program's own data, in a store that is apart from it.
#[cfg(feature = "sqlite")]
fn without_transactions(candidate: &Candidate, store: &crate::store::StoreUrl) -> Option<Problem> {
    let is_transaction = |edge: &&Edge| match &edge.want {
        Want::Run(key) => key.id() == TypeId::of::<crate::JobTransaction>(),
        _ => false,
    };
    let edge = candidate.entry.edges.iter().find(is_transaction).filter(|_| !store.is_sqlite())?;
    let name = candidate.name;
    let problem = Problem::new(format!(
        "service `{name}` takes a `JobTransaction` (parameter `{}`), and `{store}` has none with the program's data",
        edge.parameter
    ));
    Some(
        problem
            .at(format!("declared at {}", candidate.entry.source))
            .help("keep jobs in a SQLite file: url = \"sqlite://app.db\" in [store]"),
    )
}

fn empty_host() -> Problem {
    Problem::new("it has no services: no function with a hostkit attribute is part of this program").help(
        "annotate one, or, if they are in another crate, name that crate in `hostkit::main!(link(that_crate))`: \
         the linker drops what nobody names",
    )
}

fn nothing_left() -> Problem {
    Problem::new("none of its services is left: `enabled`, `only` and `except` leave out every one")
        .help("`list` without these options shows what there is")
}

fn unregistered_crates(
    linked: &BTreeSet<&'static str>,
    nodes: &[&'static Node],
    entries: &[(&'static str, &'static ServiceEntry)],
) -> Vec<Problem> {
    let registering: BTreeSet<_> = nodes
        .iter()
        .map(|node| node.source.crate_name())
        .chain(entries.iter().map(|(_, entry)| entry.source.crate_name()))
        .collect();
    linked
        .difference(&registering)
        .map(|name| {
            Problem::new(format!("crate `{name}` is linked, but it registers nothing"))
                .help("remove it from `link(..)`, or put a hostkit attribute on something in it")
        })
        .collect()
}

fn duplicates(entries: &[(&'static str, &'static ServiceEntry)]) -> Vec<Problem> {
    // Names that differ in `-` and `_` only would share a section of the configuration.
    let section =
        |name: &'static str| if name.contains('-') { Cow::Owned(name.replace('-', "_")) } else { Cow::Borrowed(name) };
    let mut by_name: Vec<_> = entries.iter().map(|entry| (section(entry.0), entry)).collect();
    by_name.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut problems: Vec<_> = by_name
        .chunk_by(|(a, _), (b, _)| a == b)
        .filter(|same| same.len() > 1)
        .map(|same| {
            let same: Vec<_> = same.iter().map(|(_, entry)| *entry).collect();
            let count = match same.len() {
                2 => "two".to_owned(),
                more => more.to_string(),
            };
            let mut problem = Problem::new(format!("{count} services are named `{}`", same[0].0));
            for (_, entry) in &same {
                problem = problem.at(format!("{} ({})", entry.source, entry.source.module));
            }
            let first = same[0].1.source;
            if same.iter().all(|(_, entry)| (entry.source.file, entry.source.line) == (first.file, first.line)) {
                return problem.help(
                    "this file is compiled twice, into the library and into the binary: \
                     remove its `mod` from one of them",
                );
            }
            problem.help("give one of them `name = \"..\"`, or call `.rename::<function>(\"..\")` on the host")
        })
        .collect();
    problems.sort_by(|a, b| a.message.cmp(&b.message));
    problems
}

/// `.only(…)` and `.except(…)`.
struct Filter {
    only: Option<Vec<String>>,
    except: Vec<String>,
}

impl Filter {
    fn takes(&self, name: &str, entry: &ServiceEntry) -> bool {
        let named = |names: &[String]| names.iter().any(|given| same_name(given, name));
        let is_service = entry.kind.stage().is_none();
        let left_out = is_service && self.only.as_deref().is_some_and(|only| !named(only));
        !left_out && !named(&self.except)
    }

    fn unknown(&self, entries: &[(&'static str, &'static ServiceEntry)]) -> Vec<Problem> {
        let given = self.only.iter().flatten().map(|name| ("only", name));
        let given = given.chain(self.except.iter().map(|name| ("except", name)));
        given
            .filter(|(_, name)| !entries.iter().any(|(known, _)| same_name(name, known)))
            .map(|(option, name)| {
                let problem = Problem::new(format!("`{option}` names `{name}`, and no service is called that"));
                match suggest(name, entries.iter().map(|(known, _)| *known)) {
                    Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                    None => problem.help("`list` shows the services of this program"),
                }
            })
            .collect()
    }
}

/// Whether two names are the same but for hyphens and underscores.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes().zip(b.bytes()).all(|(a, b)| a == b || (matches!(a, b'-' | b'_') && matches!(b, b'-' | b'_')))
}

/// The predecessors of each item among the others, and an order that respects them.
#[derive(Default)]
struct Order {
    after: Vec<Vec<usize>>,
    sorted: Vec<usize>,
}

impl Order {
    fn of(
        items: &[Candidate],
        known: &[&'static ServiceEntry],
        stage: Option<Stage>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        Self::of_refs(&items.iter().collect::<Vec<_>>(), known, stage, problems)
    }

    fn of_refs(
        items: &[&Candidate],
        known: &[&'static ServiceEntry],
        stage: Option<Stage>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let index: HashMap<_, _> =
            items.iter().enumerate().map(|(index, item)| ((item.entry.handle)(), index)).collect();
        let mut after = Vec::with_capacity(items.len());
        for item in items {
            let mut predecessors = Vec::new();
            for named in item.entry.after {
                let handle = (named.handle)();
                match index.get(&handle) {
                    Some(predecessor) => predecessors.push(*predecessor),
                    None => {
                        let of = known.iter().find(|entry| (entry.handle)() == handle).copied();
                        problems.extend(item.elsewhere(named.name, stage, of));
                    }
                }
            }
            after.push(predecessors);
        }
        match order::sorted(&after) {
            Ok(sorted) => Self { after, sorted },
            Err(cycle) => {
                let names: Vec<_> = cycle.iter().map(|index| format!("`{}`", items[*index].name)).collect();
                let mut problem = Problem::new(format!("`after` forms a cycle: {}", names.join(" is after ")));
                for index in &cycle[1..] {
                    problem =
                        problem.at(format!("`{}` declared at {}", items[*index].name, items[*index].entry.source));
                }
                problems.push(problem.help("remove one of these `after`s"));
                Self::default()
            }
        }
    }
}

impl Candidate {
    /// A predecessor that is not among its own kind: a hook that always runs earlier, one that cannot, or one left out.
    ///
    /// `of` is what the predecessor is, if this program has it: a service, or a hook of some stage.
    fn elsewhere(&self, predecessor: &str, stage: Option<Stage>, of: Option<&ServiceEntry>) -> Option<Problem> {
        let is_early = of.is_some_and(|of| of.kind.stage() == Some(Stage::Start));
        if stage == Some(Stage::Start) && of.is_some() && !is_early {
            let problem =
                Problem::new(format!("hook `{}` is after `{predecessor}`, which is not an `on_start` hook", self.name));
            return Some(
                problem
                    .at(format!("declared at {}", self.entry.source))
                    .help("`on_start` hooks run before every service, so they can only be after each other"),
            );
        }
        if stage != Some(Stage::Start) && is_early {
            return None;
        }
        tracing::info!(target: "hostkit::host", service = self.name, predecessor, "not waited for: it is not among the services of this host");
        None
    }
}

#[cfg(feature = "cli")]
impl Host {
    /// Every service and hook, as `list` shows them.
    pub(crate) fn described(&self) -> Vec<Described> {
        let after = |service: &ServicePlan| service.entry.after.iter().map(|after| after.name).collect();
        self.hooks
            .iter()
            .map(|hook| &hook.service)
            .chain(&self.services)
            .map(|service| Described {
                name: service.name,
                entry: service.entry,
                summary: service.runner.summary(),
                schedule: service.runner.schedule(),
                upcoming: service.runner.upcoming(),
                after: after(service),
            })
            .collect()
    }
}
