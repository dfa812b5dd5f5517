//! A host in small, for the tests of the runners: one function, its container, and the two tokens of a stop.

use std::any::TypeId;
use std::cell::RefCell;
use std::fmt::Write;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Alarm, Conduct, End, Kind, Probe, Runner, ServiceState, Setup, Stage, StatusCell};
use crate::component::{
    Asker, Component, Construct, Constructed, Container, ContainerSettings, Edge, Ext, Given, Graph, Lent, Lifetime,
    Node, NodePtr, Outcome, Plan, Recipe, Supplied, kind, reap,
};
use crate::config::{self, Configuration, Sources};
use crate::error::{BoxError, Problem};
use crate::function::{Call, CopyOf, Ended, HandOver, Handle, Item, Queued, Work, role};
use crate::registry::{Registration, ServiceEntry, Source};
use crate::tasks::Tasks;
use crate::time::{Clock, now};
use crate::{Instance, JobContext, Queue, Ready, Tick};

pub(crate) const SOURCE: Source = Source { file: "src/jobs.rs", line: 7, module: "app::jobs" };

/// One function in a host of its own.
pub(crate) struct Rig {
    pub(crate) runner: Arc<dyn Runner>,
    pub(crate) conduct: Conduct,
    pub(crate) origin: Instant,
}

impl Rig {
    /// Sets the function up with these options and these values to inject.
    pub(crate) fn new<H: Handle>(options: &[(&str, &str)], supplied: Vec<Supplied>) -> Self {
        Self::build::<H>(options, supplied).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    pub(crate) fn build<H: Handle>(
        options: &[(&str, &str)],
        mut supplied: Vec<Supplied>,
    ) -> Result<Self, Vec<Problem>> {
        let entry = H::ENTRY;
        let attribute = entry.kind.attribute();
        let path = |key: &str| {
            if attribute == entry.name {
                format!("{attribute}.{key}")
            } else {
                format!("{attribute}.{}.{key}", entry.name)
            }
        };
        let code = options.iter().map(|(key, value)| (path(key), (*value).to_owned())).collect();
        let (configuration, mut problems) = Configuration::load(&Sources { code, ..Sources::default() });
        let settings = if attribute == entry.name {
            configuration.own(attribute)
        } else {
            let item = config::Item {
                attribute,
                name: entry.name,
                options: entry.options,
                reference: entry.kind.options(),
                source: entry.source,
            };
            configuration.settings(&item)
        };
        let set_up = entry.kind.set_up();
        let runner = set_up(Setup {
            entry,
            name: entry.name,
            settings,
            supplied: &mut supplied,
            #[cfg(feature = "durable")]
            offered: &mut Vec::new(),
            #[cfg(feature = "durable")]
            jobs: &Arc::new(crate::queue::Jobs::new(std::time::Duration::from_mins(1))),
            problems: &mut problems,
            probe: &Probe::default(),
        });
        let (graph, faults) = Graph::build([], entry.edges, supplied, Vec::new(), &configuration);
        problems.extend(faults);
        let asker = Asker { what: "service", name: entry.name, source: Some(entry.source) };
        let roots = graph.resolve(&asker, entry.edges).unwrap_or_else(|faults| {
            problems.extend(faults);
            Vec::new()
        });
        if !problems.is_empty() {
            return Err(problems);
        }
        let plan = Arc::new(Plan::of(&graph, &roots));
        let stop = CancellationToken::new();
        let (container, reaped) = Container::new(graph, ContainerSettings::default(), stop.clone());
        let tasks = Tasks::default();
        tasks.spawn("reaper", reap(reaped));
        let status = StatusCell::new(entry.name, Probe::default());
        let abandon = CancellationToken::new();
        let conduct = Conduct {
            name: entry.name,
            container,
            plan,
            stop,
            abandon,
            status,
            alarm: Alarm::default(),
            tasks,
            clock: Clock::default(),
            probe: Probe::default(),
        };
        Ok(Self { runner, conduct, origin: now() })
    }

    pub(crate) fn start(&self) -> JoinHandle<End> {
        let running = Arc::clone(&self.runner).run(self.conduct.clone());
        self.conduct.tasks.spawn("runner", running)
    }

    /// Runs it to its end.
    pub(crate) async fn end(&self) -> End {
        self.start().await.expect("a runner does not panic")
    }

    /// The queue of a queued function.
    pub(crate) fn queue<F: Queued>(&self) -> Queue<F> {
        let handle = self.runner.handle().and_then(|handle| handle.downcast().ok());
        *handle.expect("a queued function has a queue")
    }

    pub(crate) fn stop(&self) {
        self.conduct.stop.cancel();
    }

    pub(crate) fn abandon(&self) {
        self.conduct.abandon.cancel();
    }

    pub(crate) fn state(&self) -> ServiceState {
        self.conduct.status.state()
    }

    /// Milliseconds since the rig was built.
    pub(crate) fn elapsed(&self) -> u128 {
        self.origin.elapsed().as_millis()
    }
}

/// Lets every task that can run do so.
pub(crate) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn pass(millis: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
}

/// What one call of a scripted function was given.
#[derive(Debug, Default)]
pub(crate) struct Called {
    /// From 1.
    pub(crate) number: usize,
    pub(crate) stop: Option<CancellationToken>,
    pub(crate) instance: Option<Instance>,
    pub(crate) ready: Option<Ready>,
    pub(crate) tick: Option<Tick>,
    pub(crate) job: Option<JobContext>,
    pub(crate) payload: u64,
}

impl Called {
    /// Waits for the token and nothing else.
    pub(crate) async fn told(&self) {
        self.stop.as_ref().expect("this function takes the token").cancelled().await;
    }
}

type Play = Box<dyn Fn(Called) -> BoxFuture<'static, Ended> + Send + Sync>;

/// What a function of these tests does when it is called.
pub(crate) struct Script {
    calls: AtomicUsize,
    play: Play,
}

impl Script {
    pub(crate) fn supplied<F, R>(play: F) -> Vec<Supplied>
    where
        F: Fn(Called) -> R + Send + Sync + 'static,
        R: Future<Output = Ended> + Send + 'static,
    {
        let play: Play = Box::new(move |called| Box::pin(play(called)));
        vec![Supplied::foreign(Self { calls: AtomicUsize::new(0), play })]
    }

    fn call(&self, called: Called) -> BoxFuture<'static, Ended> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        (self.play)(Called { number, ..called })
    }
}

thread_local! {
    /// What queues of this thread's tests handed over.
    static TAKEN: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

async fn taken(left: Vec<u64>) -> Ended {
    TAKEN.with_borrow_mut(|taken| taken.extend(left));
    Ok(())
}

/// Hands over what is left in the queue, as the host does when it has ended.
pub(crate) async fn hand_over(rig: &Rig) -> Vec<u64> {
    if let Some(handing) = rig.runner.hand_over() {
        handing.await.expect("taking what is left cannot fail");
    }
    TAKEN.take()
}

/// A list that scripts write and tests read.
#[derive(Debug, Clone)]
pub(crate) struct Log<T>(Arc<Mutex<Vec<T>>>);

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Log<T> {
    pub(crate) fn push(&self, entry: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    pub(crate) fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(crate) fn failing(text: &str) -> Ended {
    Err(BoxError::from(text.to_owned()))
}

thread_local! {
    static HEARD: RefCell<Option<Log<String>>> = const { RefCell::new(None) };
}

/// Collects what is logged as a warning or an error on this thread, for as long as the guard lives.
pub(crate) fn listen() -> (Log<String>, Listening) {
    static INSTALLED: std::sync::Once = std::sync::Once::new();
    // One subscriber for all threads: what several of them remember of a log line depends on who comes first.
    INSTALLED.call_once(|| tracing::subscriber::set_global_default(Listener).expect("nobody else installs one"));
    let log = Log::default();
    HEARD.set(Some(log.clone()));
    (log, Listening(()))
}

/// Somebody who listens on this thread.
pub(crate) struct Listening(());

impl Drop for Listening {
    fn drop(&mut self) {
        HEARD.set(None);
    }
}

struct Listener;

impl tracing::Subscriber for Listener {
    fn register_callsite(&self, _metadata: &'static tracing::Metadata<'static>) -> tracing::subscriber::Interest {
        // It depends on the thread.
        tracing::subscriber::Interest::sometimes()
    }

    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        let is_heard = HEARD.with_borrow(Option::is_some);
        is_heard && (metadata.is_span() || *metadata.level() <= tracing::Level::WARN)
    }

    fn new_span(&self, _span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _span: &tracing::span::Id, _values: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _span: &tracing::span::Id, _follows: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        HEARD.with_borrow(|heard| heard.iter().for_each(|log| log.push(line.0.clone())));
    }

    fn enter(&self, _span: &tracing::span::Id) {}

    fn exit(&self, _span: &tracing::span::Id) {}
}

struct Line(String);

impl tracing::field::Visit for Line {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        let Self(line) = self;
        // Writing to a text cannot fail.
        write!(line, " {}={value:?}", field.name()).ok();
    }
}

/// Declares the handle of a function that plays its script.
macro_rules! scripted {
    ($name:ident: $kind:ident, $of:ident $(($stage:expr))? { $($field:ident: $asked:ty),* } $(lent $lent:ty)?) => {
        #[allow(non_camel_case_types, reason = "named as an expansion would name it")]
        pub(crate) struct $name {}

        impl Item for $name {
            type Role = scripted!(role $kind);
            const REGISTRATION: Registration = Registration::Service({
                static ENTRY: ServiceEntry = ServiceEntry {
                    name: stringify!($name),
                    description: "",
                    source: SOURCE,
                    handle: TypeId::of::<$name>,
                    edges: &[
                        Edge::of::<kind::$kind, Ext<Script>>("script"),
                        $(Edge::of::<kind::$kind, $asked>(stringify!($field)),)*
                        $(Edge::shared::<$lent>("lent"),)?
                    ],
                    after: &[],
                    options: &[],
                    kind: Kind::$of::<$name>($($stage)?),
                };
                &ENTRY
            });
        }

        scripted!(call $name: $kind { $($field: $asked),* } $(lent $lent)?);
    };
    (role Queued) => { role::Enqueued };
    (role $kind:ident) => { role::Called };
    (call $name:ident: Queued { $($field:ident: $asked:ty),* } $(lent $lent:ty)?) => {
        impl Queued for $name {
            type Payload = u64;
        }

        impl Work for $name {
            type Of = Self;
            type Needs = (Ext<Script>, $($asked,)* $(Lent<$lent>,)?);
            const COPY: Option<CopyOf<u64>> = Some(u64::clone);
            const LEFTOVER: Option<HandOver<u64>> = Some(|left| Box::pin(taken(left)));

            fn call<'r>(payload: u64, given: Given<'r, Self::Needs>) -> impl Future<Output = Ended> + Send + 'r {
                async move {
                    let (script, $($field,)* ..) = given;
                    script.call(Called { payload, $($field: Some($field),)* ..Called::default() }).await
                }
            }
        }
    };
    (call $name:ident: $kind:ident { $($field:ident: $asked:ty),* } $(lent $lent:ty)?) => {
        impl Call for $name {
            type Of = Self;
            type Needs = (Ext<Script>, $($asked,)* $(Lent<$lent>,)?);

            fn call<'r>(given: Given<'r, Self::Needs>) -> impl Future<Output = Ended> + Send + 'r {
                async move {
                    let (script, $($field,)* ..) = given;
                    script.call(Called { $($field: Some($field),)* ..Called::default() }).await
                }
            }
        }
    };
}

scripted!(untold: Background, background {});
scripted!(told: Background, background { stop: CancellationToken });
scripted!(numbered: Background, background { stop: CancellationToken, instance: Instance });
scripted!(announced: Background, background { stop: CancellationToken, ready: Ready });
scripted!(whole: Background, background {} lent Unit);
scripted!(plain: Periodic, periodic { tick: Tick });
scripted!(polite: Periodic, periodic { tick: Tick, stop: CancellationToken });
scripted!(kept: Periodic, periodic {} lent Unit);
scripted!(job: Queued, queued {});
scripted!(told_job: Queued, queued { stop: CancellationToken });
scripted!(known_job: Queued, queued { job: JobContext });
scripted!(kept_job: Queued, queued {} lent Unit);
scripted!(migrate: Hook, hook(Stage::Start) {});

/// A scoped component whose disposer writes down how its run ended.
pub(crate) struct Unit(Ext<Log<Outcome>>);

static UNIT: Node = Node {
    name: "Unit",
    source: SOURCE,
    lifetime: Lifetime::Scoped,
    generic: false,
    edges: &[Edge::of::<kind::Component, Ext<Log<Outcome>>>("outcomes")],
    recipe: Recipe::component::<Unit>(),
};

impl Component for Unit {
    const NODE: NodePtr = NodePtr::of(&UNIT);
}

impl Construct for Unit {
    type Product = Self;
    type Needs = (Ext<Log<Outcome>>,);
    const DISPOSES: bool = true;

    fn construct((outcomes,): Given<'_, Self::Needs>) -> Constructed<'_, Self> {
        Constructed::Now(Ok(Self(outcomes)))
    }

    fn dispose(product: Self, outcome: Outcome) -> BoxFuture<'static, Ended> {
        product.0.push(outcome);
        Box::pin(async { Ok(()) })
    }
}
