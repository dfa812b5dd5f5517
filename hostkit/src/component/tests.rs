//! Injection as a whole: graphs of annotated components, built and run without a host.
#![allow(
    clippy::items_after_statements,
    reason = "constructors come in both forms, and each test has its edges beside it"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{
    Armed, Asker, Component, Container, ContainerSettings, Context, Edge, Graph, Limits, NodePtr, Outcome, Plan,
    Provided, Replacement, RunFailure, Supplied, reap, run,
};
use super::{Body, Ext, Given, Lazy, Lent, Need, Scope, Scopes};
use crate::config::{Configuration, Sources};
use crate::error::{BoxError, Problem};

type Log = Arc<Mutex<Vec<String>>>;

/// A graph of these nodes with a log in it.
struct Bench {
    nodes: Vec<NodePtr>,
    supplied: Vec<Supplied>,
    replacements: Vec<Replacement>,
    log: Log,
}

impl Bench {
    fn new(nodes: impl IntoIterator<Item = NodePtr>) -> Self {
        let log = Log::default();
        let supplied = vec![Supplied::foreign(Arc::clone(&log))];
        Self { nodes: nodes.into_iter().collect(), supplied, replacements: Vec::new(), log }
    }

    fn graph(self) -> (Graph, Vec<Problem>, Log) {
        let (configuration, problems) = Configuration::load(&Sources::default());
        assert!(problems.is_empty());
        let (graph, problems) = Graph::build(self.nodes, [], self.supplied, self.replacements, &configuration);
        (graph, problems, self.log)
    }

    fn container(self) -> (Arc<Container>, Log) {
        let (graph, problems, log) = self.graph();
        assert_eq!(problems, []);
        let settings =
            ContainerSettings { construct_timeout: Duration::from_secs(1), dispose_timeout: Duration::from_secs(1) };
        let (container, reaped) = Container::new(graph, settings, CancellationToken::new());
        crate::tasks::Tasks::default().spawn_side("reaper", reap(reaped));
        (container, log)
    }
}

fn lines(log: &Log) -> Vec<String> {
    log.lock().unwrap().clone()
}

fn say(log: &Log, line: impl Into<String>) {
    log.lock().unwrap().push(line.into());
}

/// Arms the plan of these edges.
async fn arm<N: Need>(container: &Arc<Container>, edges: &'static [Edge]) -> Armed<N> {
    let asker = Asker { what: "test", name: "test", source: None };
    let resolved = container.graph.resolve(&asker, edges).unwrap();
    Armed::new(container, Arc::new(Plan::of(&container.graph, &resolved))).await.unwrap()
}

/// A body that takes one component by reference.
struct With<T, F>(F, std::marker::PhantomData<fn() -> T>);

impl<T: Component, F: FnOnce(&T) -> Result<(), BoxError> + Send> Body for With<T, F> {
    type Needs = (Lent<T>,);

    fn start<'r>(self, (component,): Given<'r, Self::Needs>) -> impl Future<Output = Result<(), BoxError>> + Send {
        async move { (self.0)(component) }
    }
}

fn with<T: Component, F: FnOnce(&T) -> Result<(), BoxError> + Send>(body: F) -> With<T, F> {
    With(body, std::marker::PhantomData)
}

async fn run_with<T: Component>(
    container: &Arc<Container>,
    body: impl FnOnce(&T) -> Result<(), BoxError> + Send,
) -> Result<(), RunFailure> {
    let edges: &'static [Edge] = Box::leak(Box::new([Edge::shared::<T>("it")]));
    let armed = arm::<(Lent<T>,)>(container, edges).await;
    run(&armed, Context::default(), with(body), Limits::default()).await
}

fn node<T: Component>() -> NodePtr {
    T::NODE
}

#[hostkit_macros::singleton]
struct Counter {
    #[inject(default)]
    built: AtomicUsize,
}

#[hostkit_macros::scoped]
struct Leaf {
    counter: Arc<Counter>,
}

#[hostkit_macros::scoped]
struct Left {
    leaf: Arc<Leaf>,
}

#[hostkit_macros::scoped]
struct Right {
    leaf: Arc<Leaf>,
}

#[hostkit_macros::scoped]
struct Top {
    left: Arc<Left>,
    right: Arc<Right>,
}

#[tokio::test]
async fn a_scoped_component_is_one_per_run_and_a_singleton_one_per_host() {
    let (container, _log) = Bench::new([node::<Top>()]).container();
    let mut leaves = Vec::new();
    for _ in 0..2 {
        run_with::<Top>(&container, |top| {
            assert!(Arc::ptr_eq(&top.left.leaf, &top.right.leaf));
            top.left.leaf.counter.built.fetch_add(1, Ordering::Relaxed);
            leaves.push(Arc::as_ptr(&top.left.leaf).addr());
            Ok(())
        })
        .await
        .unwrap();
    }
    run_with::<Counter>(&container, |counter| {
        assert_eq!(counter.built.load(Ordering::Relaxed), 2);
        Ok(())
    })
    .await
    .unwrap();
}

struct Connection {
    log: Ext<Log>,
}

#[hostkit_macros::scoped]
impl Connection {
    fn new(log: Ext<Log>) -> Self {
        say(&log, "connect");
        Self { log }
    }

    async fn dispose(self, outcome: Outcome) {
        tokio::task::yield_now().await;
        say(&self.log, format!("disconnect {outcome:?}"));
    }
}

struct Transaction {
    connection: Arc<Connection>,
    log: Ext<Log>,
}

#[hostkit_macros::scoped]
impl Transaction {
    async fn new(connection: Arc<Connection>, log: Ext<Log>) -> Result<Self, std::io::Error> {
        tokio::task::yield_now().await;
        say(&log, "begin");
        Ok(Self { connection, log })
    }

    async fn dispose(self, outcome: Outcome) -> Result<(), String> {
        let Self { connection, log } = self;
        drop(connection);
        match outcome {
            Outcome::Succeeded => say(&log, "commit"),
            _ => say(&log, "roll back"),
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_scope_ends_dependents_first_with_the_outcome_of_the_body() {
    for (body, expected) in [
        (Ok(()), ["connect", "begin", "commit", "disconnect Succeeded"]),
        (Err("no".into()), ["connect", "begin", "roll back", "disconnect Failed"]),
    ] {
        let (container, log) = Bench::new([node::<Transaction>()]).container();
        let failed = body.is_err();
        let result = run_with::<Transaction>(&container, |_| body).await;
        assert_eq!(result.is_err(), failed);
        assert_eq!(lines(&log), expected);
    }
}

#[tokio::test]
async fn a_panicking_body_is_caught_with_its_message_and_rolls_back() {
    super::install_panic_hook();
    let (container, log) = Bench::new([node::<Transaction>()]).container();
    let failure = run_with::<Transaction>(&container, |_| panic!("out of {}", "cheese")).await.unwrap_err();
    let text = failure.to_string();
    assert!(text.contains("panicked: out of cheese (at "), "{text}");
    assert!(text.contains("tests.rs:"), "{text}");
    assert_eq!(lines(&log), ["connect", "begin", "roll back", "disconnect Failed"]);
}

#[tokio::test]
async fn a_kept_arc_that_prevents_disposal_fails_the_run_and_stops_no_other_disposer() {
    let (container, log) = Bench::new([node::<Transaction>()]).container();
    let mut kept = None;
    let failure = run_with::<Transaction>(&container, |transaction| {
        kept = Some(Arc::clone(&transaction.connection));
        Ok(())
    })
    .await
    .unwrap_err();
    assert_eq!(
        failure.to_string(),
        "ending its scope failed: `Connection` could not be disposed, because something still holds an `Arc` of it"
    );
    assert_eq!(lines(&log), ["connect", "begin", "commit"]);
}

#[tokio::test]
async fn a_scope_that_is_dropped_unclosed_is_closed_as_cancelled_by_the_reaper() {
    let (container, log) = Bench::new([node::<Transaction>()]).container();
    static EDGES: [Edge; 1] = [Edge::shared::<Transaction>("it")];
    let armed = arm::<(Lent<Transaction>,)>(&container, &EDGES).await;
    let opened = armed.open(Context::default()).await.unwrap();
    drop(opened);
    container.reaped().await;
    assert_eq!(lines(&log), ["connect", "begin", "roll back", "disconnect Cancelled"]);
}

struct Faulty;

#[hostkit_macros::scoped]
impl Faulty {
    fn new(_transaction: Arc<Transaction>) -> Result<Self, &'static str> {
        Err("no such table")
    }
}

#[hostkit_macros::scoped]
struct AsksFaulty {
    _faulty: Arc<Faulty>,
}

#[tokio::test]
async fn a_failing_constructor_disposes_what_was_built_and_names_the_chain() {
    let (container, log) = Bench::new([node::<AsksFaulty>()]).container();
    let failure = run_with::<AsksFaulty>(&container, |_| Ok(())).await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "cannot build `Faulty`, needed by `AsksFaulty`: its constructor failed: no such table"
    );
    assert_eq!(lines(&log), ["connect", "begin", "roll back", "disconnect Failed"]);
}

struct Hanging;

#[hostkit_macros::singleton(timeout = "20ms")]
impl Hanging {
    async fn new() -> Self {
        std::future::pending().await
    }
}

struct Panicking;

#[hostkit_macros::singleton]
impl Panicking {
    fn new() -> Self {
        panic!("not today")
    }
}

#[hostkit_macros::singleton]
struct AsksBoth<T: Send + Sync + 'static + Component> {
    _hanging: Arc<T>,
}

#[tokio::test(start_paused = true)]
async fn a_constructor_that_hangs_or_panics_fails_whoever_asked() {
    super::install_panic_hook();
    let (container, _) = Bench::new([node::<AsksBoth<Hanging>>(), node::<AsksBoth<Panicking>>()]).container();
    let ensure = |id| container.ensure(container.graph.component(id).unwrap());
    let hung = ensure(std::any::TypeId::of::<AsksBoth<Hanging>>()).await.unwrap_err();
    assert!(hung.is_timeout());
    assert_eq!(
        hung.to_string(),
        "cannot build `Hanging`, needed by `AsksBoth<Hanging>`: its constructor did not finish within 20ms"
    );
    let panicked = ensure(std::any::TypeId::of::<AsksBoth<Panicking>>()).await.unwrap_err().to_string();
    assert!(
        panicked.starts_with(
            "cannot build `Panicking`, needed by `AsksBoth<Panicking>`: its constructor panicked: not today (at "
        ),
        "{panicked}"
    );
}

trait Greeter: Send + Sync {
    fn greet(&self) -> &'static str;
}

#[hostkit_macros::singleton(as = dyn Greeter)]
struct English {}

impl Greeter for English {
    fn greet(&self) -> &'static str {
        "hello"
    }
}

#[hostkit_macros::scoped(as = dyn Greeter, key = "quiet")]
struct Quiet {}

impl Greeter for Quiet {
    fn greet(&self) -> &'static str {
        "psst"
    }
}

#[hostkit_macros::transient(as = dyn Greeter)]
struct Spanish {}

impl Greeter for Spanish {
    fn greet(&self) -> &'static str {
        "hola"
    }
}

#[hostkit_macros::singleton(as = dyn Greeter, default)]
struct Fallback {}

impl Greeter for Fallback {
    fn greet(&self) -> &'static str {
        "hm"
    }
}

#[hostkit_macros::scoped]
struct Greets {
    one: Arc<dyn Greeter>,
    #[key("quiet")]
    quiet: Arc<dyn Greeter>,
    maybe: Option<Arc<dyn Greeter>>,
    absent: Option<Arc<dyn std::any::Any + Send + Sync>>,
    all: crate::All<dyn Greeter>,
    _lazily: Lazy<dyn Greeter>,
}

#[tokio::test]
async fn traits_are_bound_by_key_by_default_and_all_at_once() {
    let (container, _) =
        Bench::new([node::<Greets>(), node::<English>(), node::<Quiet>(), node::<Fallback>()]).container();
    run_with::<Greets>(&container, |greets| {
        assert_eq!(greets.one.greet(), "hello");
        assert_eq!(greets.quiet.greet(), "psst");
        assert_eq!(greets.maybe.as_ref().unwrap().greet(), "hello");
        assert!(greets.absent.is_none());
        assert_eq!(greets.all.iter().map(|greeter| greeter.greet()).collect::<Vec<_>>(), ["hello"]);
        Ok(())
    })
    .await
    .unwrap();
}

#[test]
fn two_providers_of_a_trait_are_ambiguous_but_all_takes_both_in_the_order_of_their_paths() {
    let (_, problems, _) =
        Bench::new([node::<Greets>(), node::<English>(), node::<Spanish>(), node::<Quiet>()]).graph();
    let ambiguous =
        |parameter| format!("component `Greets` needs `dyn Greeter` (parameter `{parameter}`), and 2 provide it");
    let messages: Vec<_> = problems.iter().map(|problem| problem.message.clone()).collect();
    assert_eq!(messages, [ambiguous("one"), ambiguous("maybe"), ambiguous("_lazily")]);
    assert!(problems[0].details[1].starts_with("`English` declared at "), "{:?}", problems[0]);
}

#[hostkit_macros::scoped]
struct AllGreeters {
    all: crate::All<dyn Greeter>,
}

#[tokio::test]
async fn all_mixes_lifetimes() {
    let (container, _) = Bench::new([node::<Spanish>(), node::<AllGreeters>(), node::<English>()]).container();
    run_with::<AllGreeters>(&container, |it| {
        assert_eq!(it.all.iter().map(|greeter| greeter.greet()).collect::<Vec<_>>(), ["hello", "hola"]);
        Ok(())
    })
    .await
    .unwrap();
}

#[test]
fn everything_that_is_missing_is_reported_with_its_parameter_and_a_way_out() {
    let (_, problems, _) = Bench::new([node::<Greets>()]).graph();
    let messages: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "component `Greets` needs `dyn Greeter` (parameter `one`), and nothing provides it",
            "component `Greets` needs `dyn Greeter` with key \"quiet\" (parameter `quiet`), and nothing provides it",
            "component `Greets` needs `dyn Greeter` (parameter `_lazily`), and nothing provides it",
        ]
    );
    assert_eq!(
        problems[0].help.as_deref(),
        Some("add `as = dyn Greeter` to a component, or `.provide_as::<dyn Greeter>(..)` on the host")
    );
    assert!(problems[0].details[0].starts_with("declared at "), "{:?}", problems[0]);
}

trait Next: Send + Sync {}

#[hostkit_macros::singleton]
struct First {
    _next: Arc<dyn Next>,
}

#[hostkit_macros::singleton(as = dyn Next)]
struct Second {
    _first: Arc<First>,
}

impl Next for Second {}

#[hostkit_macros::scoped(as = dyn Next)]
struct ScopedNext {}

impl Next for ScopedNext {}

#[test]
fn cycles_and_captives_through_a_trait_are_found_when_the_host_is_built() {
    let (_, problems, _) = Bench::new([node::<Second>()]).graph();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        ["dependency cycle: First -> Second -> First", "dependency cycle: Second -> First -> Second"]
            .contains(&problems[0].message.as_str()),
        "{problems:?}"
    );
    let (_, problems, _) = Bench::new([node::<First>(), node::<ScopedNext>()]).graph();
    let messages: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        messages,
        ["singleton `First` lives as long as the host, but its parameter `_next` reaches the scoped `ScopedNext`"]
    );
}

struct Notebook {
    pages: Vec<&'static str>,
}

#[hostkit_macros::transient]
impl Notebook {
    fn new() -> Self {
        Self { pages: vec!["first"] }
    }
}

struct Owns {
    mine: Box<Notebook>,
    shared: Arc<Notebook>,
}

#[hostkit_macros::scoped]
impl Owns {
    async fn new(scratch: &mut Notebook, mut mine: Box<Notebook>, shared: Arc<Notebook>) -> Self {
        scratch.pages.push("scratch");
        mine.pages.push("mine");
        Self { mine, shared }
    }
}

#[tokio::test]
async fn a_transient_is_one_per_use_and_can_be_owned() {
    let (container, _) = Bench::new([node::<Owns>()]).container();
    run_with::<Owns>(&container, |owns| {
        assert_eq!(owns.mine.pages, ["first", "mine"]);
        assert_eq!(owns.shared.pages, ["first"]);
        Ok(())
    })
    .await
    .unwrap();
}

struct Costly {
    log: Ext<Log>,
}

#[hostkit_macros::scoped]
impl Costly {
    async fn new(connection: Arc<Connection>, log: Ext<Log>) -> Self {
        drop(connection);
        say(&log, "costly");
        Self { log }
    }

    fn dispose(self) {
        say(&self.log, "costly ended");
    }
}

#[hostkit_macros::scoped]
struct Thrifty {
    costly: Lazy<Costly>,
    again: Lazy<Costly>,
}

#[tokio::test]
async fn a_lazy_component_is_built_once_on_first_use_and_ends_before_what_it_needs() {
    let (container, log) = Bench::new([node::<Thrifty>()]).container();
    static EDGES: [Edge; 1] = [Edge::shared::<Thrifty>("it")];
    let armed = arm::<(Lent<Thrifty>,)>(&container, &EDGES).await;

    let opened = armed.open(Context::default()).await.unwrap();
    opened.close(Outcome::Succeeded).await.unwrap();
    assert_eq!(lines(&log), Vec::<String>::new());

    let mut opened = armed.open(Context::default()).await.unwrap();
    let (thrifty,) = armed.give(&mut opened.frame);
    let costly = thrifty.costly.get().await.unwrap();
    assert!(std::ptr::eq(costly, thrifty.again.get().await.unwrap()));
    opened.close(Outcome::Succeeded).await.unwrap();
    assert_eq!(lines(&log), ["connect", "costly", "costly ended", "disconnect Succeeded"]);
}

#[tokio::test]
async fn typed_scopes_lend_their_component_and_commit_or_roll_back() {
    let (container, log) = Bench::new([node::<Transaction>()]).container();
    static EDGES: [Edge; 1] = [Edge::of::<super::kind::Background, Scopes<Transaction>>("it")];
    let armed = arm::<(Scopes<Transaction>,)>(&container, &EDGES).await;
    let (scopes,) = armed.root();
    let pass = scopes.open().await.unwrap();
    say(&pass.log, "work");
    pass.close(Outcome::Failed).await.unwrap();
    drop(scopes.open().await.unwrap());
    container.reaped().await;
    assert_eq!(
        lines(&log),
        [
            "connect",
            "begin",
            "work",
            "roll back",
            "disconnect Failed",
            "connect",
            "begin",
            "roll back",
            "disconnect Cancelled"
        ]
    );
}

#[tokio::test]
async fn untyped_scopes_share_what_was_got_and_end_in_reverse() {
    let (container, log) = Bench::new([node::<Transaction>(), node::<Costly>()]).container();
    let scopes = Scopes::of(&container);
    let result = scopes
        .run(async move |scope: Scope| {
            let connection = scope.get::<Connection>().await?;
            let transaction = scope.get::<Transaction>().await?;
            assert!(Arc::ptr_eq(&connection, &transaction.connection));
            scope.get::<Costly>().await?;
            Ok::<_, crate::InjectError>(7)
        })
        .await
        .unwrap();
    assert_eq!(result, 7);
    assert_eq!(lines(&log), ["connect", "begin", "costly", "costly ended", "commit", "disconnect Succeeded"]);
    let missing = scopes.open().get::<Top>().await.err().unwrap();
    assert_eq!(missing.to_string(), "cannot build `Top`: it is not registered in this host");
}

#[tokio::test]
async fn what_is_left_of_an_untyped_scope_that_is_cut_while_it_is_closed_goes_to_the_reaper() {
    let (container, log) = Bench::new([node::<Transaction>()]).container();
    let scope = Scopes::of(&container).open();
    scope.get::<Transaction>().await.unwrap();
    let mut closing = Box::pin(scope.close(Outcome::Succeeded));
    assert!(futures_util::poll!(&mut closing).is_pending());
    assert_eq!(lines(&log), ["connect", "begin", "commit"]);
    drop(closing);
    container.reaped().await;
    assert_eq!(lines(&log), ["connect", "begin", "commit", "disconnect Succeeded"]);
}

#[tokio::test]
async fn an_untyped_scope_closed_with_a_component_still_held_says_so() {
    let (container, _) = Bench::new([node::<Connection>()]).container();
    let scope = Scopes::of(&container).open();
    let held = scope.get::<Connection>().await.unwrap();
    let error = scope.clone().close(Outcome::Succeeded).await.unwrap_err();
    assert!(error.is_closing());
    assert!(scope.get::<Connection>().await.err().unwrap().to_string().ends_with("its scope has been closed"));
    drop(held);
}

struct Ledger {
    _connection: Arc<Connection>,
    log: Ext<Log>,
}

#[hostkit_macros::scoped]
impl Ledger {
    fn new(connection: Arc<Connection>, log: Ext<Log>) -> Self {
        Self { _connection: connection, log }
    }

    async fn dispose(self, outcome: Outcome) {
        say(&self.log, "writing");
        tokio::time::sleep(Duration::from_millis(500)).await;
        say(&self.log, format!("written {outcome:?}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_scope_whose_closing_nobody_awaits_any_more_ends_as_it_was_told_to() {
    let (container, log) = Bench::new([node::<Ledger>()]).container();
    let scope = Scopes::of(&container).open();
    drop(scope.get::<Ledger>().await.unwrap());
    let closing = scope.close(Outcome::Succeeded);
    assert!(tokio::time::timeout(Duration::from_millis(100), closing).await.is_err(), "the disposer takes longer");
    assert_eq!(lines(&log), ["connect", "writing"]);
    container.reaped().await;
    assert_eq!(lines(&log), ["connect", "writing", "written Succeeded", "disconnect Succeeded"]);
}

struct Engine {
    _connection: Ext<String>,
    log: Ext<Log>,
}

#[hostkit_macros::singleton]
impl Engine {
    fn new(connection: Ext<String>, log: Ext<Log>) -> Self {
        say(&log, "engine");
        Self { _connection: connection, log }
    }

    async fn dispose(self) {
        say(&self.log, "engine ended");
    }
}

#[hostkit_macros::singleton]
async fn address(log: Ext<Log>) -> Result<String, std::io::Error> {
    say(&log, "address");
    Ok("localhost".to_owned())
}

#[tokio::test]
async fn singletons_end_in_reverse_order_of_construction() {
    let (container, log) = Bench::new([node::<Engine>(), <address as Provided>::NODE]).container();
    run_with::<Engine>(&container, |_| Ok(())).await.unwrap();
    assert!(container.dispose(Outcome::Succeeded, crate::time::now() + Duration::from_secs(1)).await.is_empty());
    assert_eq!(lines(&log), ["address", "engine", "engine ended"]);
}

#[tokio::test]
async fn replacements_stand_in_for_components_and_traits() {
    let mut bench = Bench::new([node::<Greets>(), node::<English>(), node::<Quiet>(), node::<Top>()]);
    bench.replacements.push(Replacement::new::<dyn Greeter>(Arc::new(Spanish {}) as Arc<dyn Greeter>));
    bench.replacements.push(Replacement::new::<Counter>(|| Counter { built: AtomicUsize::new(40) }));
    let (container, _) = bench.container();
    run_with::<Greets>(&container, |greets| {
        assert_eq!(greets.one.greet(), "hola");
        assert_eq!(greets.quiet.greet(), "psst");
        Ok(())
    })
    .await
    .unwrap();
    run_with::<Counter>(&container, |counter| {
        assert_eq!(counter.built.load(Ordering::Relaxed), 40);
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_body_is_dropped_when_told_and_its_scope_is_cancelled() {
    struct Never;
    impl Body for Never {
        type Needs = (Lent<Connection>,);
        fn start<'r>(self, _: Given<'r, Self::Needs>) -> impl Future<Output = Result<(), BoxError>> + Send {
            std::future::pending()
        }
    }
    let (container, log) = Bench::new([node::<Connection>()]).container();
    static EDGES: [Edge; 1] = [Edge::shared::<Connection>("it")];
    let armed = arm::<(Lent<Connection>,)>(&container, &EDGES).await;
    let token = CancellationToken::new();
    token.cancel();
    let limits = Limits { drop_on: Some(&token), ..Limits::default() };
    let failure = run(&armed, Context::default(), Never, limits).await.unwrap_err();
    assert!(matches!(failure, RunFailure::Dropped));
    let limits = Limits { timeout: Some(Duration::from_millis(5)), ..Limits::default() };
    let failure = run(&armed, Context::default(), Never, limits).await.unwrap_err();
    assert_eq!(failure.to_string(), "did not finish within 5ms");
    assert_eq!(lines(&log), ["connect", "disconnect Cancelled", "connect", "disconnect Failed"]);
}
