//! What a function, a field or a constructor may ask for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hostkit::{
    All, CancellationToken, Ext, Host, HostBuilder, HostLifetime, InjectError, Instance, JobContext, Lazy, Outcome,
    Queue, Ready, Scope, ScopeError, Scopes, TaskQueue, Tick,
};
use tokio::time::sleep;

use crate::support::{Log, SECOND, built, refused, started, until};

trait Greeter: Send + Sync {
    fn greet(&self) -> &'static str;
}

trait Absent: Send + Sync {}

macro_rules! greeters {
    ($($(#[$attribute:meta])* $name:ident $says:literal)*) => {$(
        $(#[$attribute])*
        struct $name {}

        impl Greeter for $name {
            fn greet(&self) -> &'static str {
                $says
            }
        }
    )*};
}

greeters! {
    #[hostkit::singleton(as = dyn Greeter)]
    English "hello"
    #[hostkit::scoped(as = dyn Greeter, key = "quiet")]
    Quiet "psst"
    #[hostkit::singleton(as = dyn Greeter, default)]
    Fallback "hm"
}

/// Counts how often it was built.
struct Counted {
    number: usize,
}

#[hostkit::singleton]
impl Counted {
    fn new(built: Ext<AtomicUsize>) -> Self {
        Self { number: built.fetch_add(1, Ordering::SeqCst) }
    }
}

#[hostkit::scoped]
#[derive(Debug)]
struct Unit {
    #[inject(default = 7)]
    seven: u32,
    #[inject(default)]
    nothing: Vec<u8>,
}

struct Notebook {
    pages: Vec<&'static str>,
}

#[hostkit::transient]
impl Notebook {
    fn new() -> Self {
        Self { pages: vec!["first"] }
    }
}

#[hostkit::singleton]
async fn address() -> Result<std::net::IpAddr, std::net::AddrParseError> {
    "127.0.0.1".parse()
}

#[hostkit::singleton(key = "backup", handle = BackupAddress)]
fn backup_address() -> std::net::IpAddr {
    std::net::IpAddr::from([10, 0, 0, 1])
}

#[hostkit::singleton]
struct Wrapper<T: Send + Sync + 'static> {
    inner: Ext<T>,
}

#[hostkit::queued]
async fn greet(
    name: String,
    job: JobContext,
    stop: CancellationToken,
    scope: Scope,
    unit: &Unit,
    quietly: Lazy<Unit>,
    log: Ext<Log>,
) -> anyhow::Result<()> {
    assert_eq!((job.queue(), job.run(), job.attempt()), ("greet", 1, 1));
    assert!(!stop.is_cancelled());
    assert_eq!((unit.seven, unit.nothing.len()), (7, 0));
    assert!(std::ptr::eq(quietly.get().await?, unit), "a scoped component is one per run, lazily taken as well");
    assert!(std::ptr::eq(&raw const *scope.get::<Unit>().await?, unit), "also through the scope");
    log.say(format!("queued {name}"));
    Ok(())
}

#[hostkit::periodic(every = "1h", run_at_start = true)]
async fn ticks(
    tick: Tick,
    quiet_notes: &mut Notebook,
    own_notes: Box<Notebook>,
    shared_notes: Arc<Notebook>,
    lent_notes: &Notebook,
    #[key("quiet")] quiet: &dyn Greeter,
    log: Ext<Log>,
) {
    assert_eq!((tick.run(), tick.missed()), (1, 0));
    quiet_notes.pages.push("second");
    let mut own_notes = own_notes;
    own_notes.pages.push("own");
    assert_eq!(quiet_notes.pages, ["first", "second"]);
    assert_eq!(own_notes.pages, ["first", "own"]);
    assert_eq!((shared_notes.pages.len(), lent_notes.pages.len()), (1, 1));
    assert!(!std::ptr::eq(&raw const *shared_notes, lent_notes), "a transient is one per use");
    assert_eq!(quiet.greet(), "psst");
    log.say("ticked");
}

/// A function is passed sixteen values at most, so some are fields here.
#[hostkit::singleton]
struct Bundle {
    shared: Arc<Counted>,
    shared_dyn: Arc<dyn Greeter>,
    maybe: Option<Arc<dyn Greeter>>,
    nobody: Option<Arc<dyn Absent>>,
    everybody: All<dyn Greeter>,
    no_one: All<dyn Absent>,
    address: Ext<std::net::IpAddr>,
    #[key("backup")]
    backup: Ext<std::net::IpAddr>,
    perhaps: Option<Ext<std::net::IpAddr>>,
    never: Option<Ext<std::net::SocketAddr>>,
    lazily: Lazy<Counted>,
    lazily_dyn: Lazy<dyn Greeter>,
    stop: CancellationToken,
    queue: Queue<greet>,
    tasks: TaskQueue,
    units: Scopes<Unit>,
}

impl Bundle {
    async fn check(&self, counted: &Counted) -> anyhow::Result<()> {
        assert!(std::ptr::eq(counted, &raw const *self.shared));
        assert!(std::ptr::eq(self.lazily.get().await?, counted));
        assert_eq!((self.shared_dyn.greet(), self.lazily_dyn.get().await?.greet()), ("hello", "hello"));
        assert_eq!(self.maybe.as_ref().map(|greeter| greeter.greet()), Some("hello"));
        assert!(self.nobody.is_none() && self.never.is_none() && self.no_one.is_empty());
        assert_eq!(self.everybody.iter().map(|greeter| greeter.greet()).collect::<Vec<_>>(), ["hello"]);
        assert_eq!((self.address.to_string().as_str(), self.backup.to_string().as_str()), ("127.0.0.1", "10.0.0.1"));
        assert_eq!(self.perhaps.as_deref(), Some(&*self.address));
        assert!(!self.stop.is_cancelled() && !self.queue.is_closed() && self.tasks.capacity() == 100);
        assert_eq!(self.units.open().await?.seven, 7);
        Ok(())
    }
}

#[hostkit::background_service(instances = 2)]
#[allow(clippy::too_many_arguments, reason = "that is the point")]
async fn takes_everything(
    counted: &Counted,
    shared: Arc<Counted>,
    lent_dyn: &dyn Greeter,
    #[key("backup")] backup: Ext<std::net::IpAddr>,
    lazily: Lazy<Counted>,
    wrapper: &Wrapper<AtomicUsize>,
    instance: Instance,
    ready: Ready,
    lifetime: HostLifetime,
    queue: Queue<greet>,
    tasks: TaskQueue,
    units: Scopes<Unit>,
    scopes: Scopes,
    bundle: &Bundle,
    log: Ext<Log>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    assert_eq!(counted.number, 0);
    assert!(std::ptr::eq(counted, &raw const *shared));
    assert!(std::ptr::eq(lazily.get().await?, counted));
    assert_eq!((lent_dyn.greet(), backup.to_string().as_str()), ("hello", "10.0.0.1"));
    assert_eq!(wrapper.inner.load(Ordering::SeqCst), 1, "one `Counted` was built");
    assert_eq!(instance.count(), 2);
    assert_eq!(lifetime.environment(), "staging");
    let (one, two) = (units.open().await?, units.open().await?);
    assert_eq!(one.seven, 7);
    assert!(!std::ptr::eq(&raw const *one, &raw const *two), "each pass is a scope of its own");
    one.close(Outcome::Succeeded).await?;
    two.close(Outcome::Failed).await?;
    let seven = scopes.run(async move |scope| Ok::<_, InjectError>(scope.get::<Unit>().await?.seven)).await?;
    assert_eq!(seven, 7);
    bundle.check(counted).await?;
    if instance.index() == 0 {
        queue.enqueue("ada".to_owned()).await.unwrap();
        tasks.enqueue(|_, _| async {}).await?;
    }
    log.say(format!("instance {}", instance.index()));
    ready.notify();
    stop.cancelled().await;
    Ok(())
}

#[hostkit::on_started]
async fn hook(counted: &Counted, unit: &Unit, log: Ext<Log>) {
    let _ = (counted, unit);
    log.say("hook");
}

#[tokio::test(start_paused = true)]
async fn everything_that_may_be_asked_for_is_there() {
    let log = Log::default();
    let mut builder = Host::empty();
    builder.with::<takes_everything>().with::<ticks>().with::<greet>().with::<hook>();
    builder.with::<English>().with::<Quiet>().with::<Fallback>().with::<address>().with::<BackupAddress>();
    builder.provide(log.clone()).provide(AtomicUsize::new(0)).environment("staging");
    let running = started(&mut builder).await;
    sleep(SECOND).await;
    running.stop().await.unwrap();
    let mut lines = log.lines();
    lines.sort();
    assert_eq!(lines, ["hook", "instance 0", "instance 1", "queued ada", "ticked"]);
}

mod blocking {
    use super::*;

    #[hostkit::periodic(every = "1h", run_at_start = true, blocking = true)]
    fn computes(
        counted: &Counted,
        unit: &Unit,
        #[key("quiet")] quiet: &dyn Greeter,
        notes: &mut Notebook,
        stop: CancellationToken,
        log: Ext<Log>,
    ) -> Result<(), std::fmt::Error> {
        notes.pages.push("second");
        std::thread::sleep(Duration::from_millis(1));
        log.say(format!(
            "{} {} {} {} {}",
            counted.number,
            unit.seven,
            quiet.greet(),
            notes.pages.len(),
            stop.is_cancelled()
        ));
        if notes.pages.len() == 2 { Ok(()) } else { Err(std::fmt::Error) }
    }

    #[tokio::test]
    async fn a_blocking_function_is_given_the_same() {
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<computes>().with::<Quiet>().provide(log.clone()).provide(AtomicUsize::new(0));
        let running = started(&mut builder).await;
        until("it has run", || !log.lines().is_empty()).await;
        running.stop().await.unwrap();
        assert_eq!(log.lines(), ["0 7 psst 2 false"]);
    }
}

mod replacing {
    use super::*;

    struct Fake(&'static str);

    impl Greeter for Fake {
        fn greet(&self) -> &'static str {
            self.0
        }
    }

    #[hostkit::periodic(every = "1h", run_at_start = true)]
    async fn greets(greeter: &dyn Greeter, counted: &Counted, unit: &Unit, log: Ext<Log>) {
        log.say(format!("{} {} {}", greeter.greet(), counted.number, unit.seven));
    }

    #[tokio::test(start_paused = true)]
    async fn a_test_puts_its_own_in_the_place_of_what_is_registered() {
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<greets>().with::<English>().with::<Fallback>().provide(log.clone());
        builder.replace::<dyn Greeter>(Arc::new(Fake("fake")) as Arc<dyn Greeter>);
        builder.replace::<Counted>(|| Counted { number: 99 });
        builder.replace::<Unit>(|| Unit { seven: 8, nothing: Vec::new() });
        let running = started(&mut builder).await;
        sleep(SECOND).await;
        running.stop().await.unwrap();
        assert_eq!(log.lines(), ["fake 99 8"], "and what only the replaced one needs need not be there");
    }

    struct Rate(u32);

    #[hostkit::singleton]
    async fn rate() -> Rate {
        panic!("there is no bank in a test");
    }

    #[hostkit::singleton(key = "spare")]
    fn spare_rate() -> Rate {
        Rate(2)
    }

    #[hostkit::singleton(as = dyn Greeter, key = "spare")]
    struct Spare {}

    impl Greeter for Spare {
        fn greet(&self) -> &'static str {
            "spare"
        }
    }

    #[hostkit::periodic(every = "1h", run_at_start = true)]
    async fn counts(
        rate: Ext<Rate>,
        #[key("spare")] spare: Ext<Rate>,
        #[key("spare")] greeter: &dyn Greeter,
        log: Ext<Log>,
    ) {
        log.say(format!("{} {} {}", rate.0, spare.0, greeter.greet()));
    }

    fn counting(log: &Log) -> HostBuilder {
        let mut builder = Host::empty();
        builder.with::<counts>().with::<rate>().with::<spare_rate>().with::<Spare>().provide(log.clone());
        builder.replace::<Ext<Rate>>(Ext::new(Rate(7)));
        builder
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_provider_makes_and_what_has_a_key_is_replaced_as_well() {
        for (replaces, expected) in [(false, "7 2 spare"), (true, "7 8 fake")] {
            let log = Log::default();
            let mut builder = counting(&log);
            if replaces {
                builder.replace_keyed::<Ext<Rate>>("spare", Ext::new(Rate(8)));
                builder.replace_keyed::<dyn Greeter>("spare", Arc::new(Fake("fake")) as Arc<dyn Greeter>);
            }
            let running = started(&mut builder).await;
            sleep(SECOND).await;
            running.stop().await.unwrap();
            assert_eq!(log.lines(), [expected]);
        }
    }

    #[tokio::test]
    async fn a_key_that_nothing_has_cannot_be_replaced() {
        let mut builder = counting(&Log::default());
        builder.replace_keyed::<Ext<Rate>>("spear", Ext::new(Rate(8)));
        builder.replace_keyed::<Counted>("spare", || Counted { number: 1 });
        let report = refused(&mut builder).await.to_string();
        for problem in [
            "`Ext<Rate>` with the key \"spear\" is replaced, but nothing provides it in this host",
            "`Counted` with the key \"spare\" is replaced, but only traits and foreign types have keys",
        ] {
            assert!(report.contains(problem), "{report}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_is_provided_as_a_trait() {
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<greets>().with::<Fallback>().provide(log.clone()).provide(AtomicUsize::new(0));
        let running = started(builder.provide_as::<dyn Greeter>(Arc::new(Fake("given")))).await;
        sleep(SECOND).await;
        running.stop().await.unwrap();
        assert_eq!(log.lines(), ["given 0 7"]);
    }
}

mod scopes {
    use super::*;

    struct Connection(Ext<Log>);

    #[hostkit::scoped]
    impl Connection {
        async fn new(log: Ext<Log>) -> Self {
            tokio::task::yield_now().await;
            log.say("connect");
            Self(log)
        }

        async fn dispose(self, outcome: Outcome) {
            tokio::task::yield_now().await;
            self.0.say(format!("disconnect {outcome:?}"));
        }
    }

    #[hostkit::scoped]
    struct Repository {
        connection: Arc<Connection>,
        once: Arc<Once>,
    }

    #[hostkit::singleton]
    struct Once {
        log: Ext<Log>,
    }

    #[hostkit::background_service]
    async fn idle(repositories: Scopes<Repository>, stop: CancellationToken) {
        drop(repositories);
        stop.cancelled().await;
    }

    async fn host(log: &Log) -> hostkit::RunningHost {
        started(Host::empty().with::<idle>().provide(log.clone())).await
    }

    #[tokio::test(start_paused = true)]
    async fn scopes_outside_of_services_end_as_their_work_does() {
        let log = Log::default();
        let running = host(&log).await;
        let scopes = running.scopes();
        let result: Result<u32, ScopeError> = scopes
            .run(async |scope: Scope| {
                scope.get::<Repository>().await.map_err(anyhow::Error::from)?;
                Ok::<_, anyhow::Error>(5)
            })
            .await;
        assert_eq!(result.unwrap(), 5);
        assert_eq!(log.take(), ["connect", "disconnect Succeeded"]);

        let result: Result<u32, ScopeError> = scopes
            .run(async |scope: Scope| {
                scope.get::<Repository>().await.map_err(|error| error.to_string())?;
                Err::<u32, _>("no".to_owned())
            })
            .await;
        let error = result.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.is_closing()), ("no", false));
        assert_eq!(log.take(), ["connect", "disconnect Failed"]);

        let scope = scopes.open();
        let repository = scope.get::<Repository>().await.unwrap();
        assert!(Arc::ptr_eq(&repository.connection, &scope.get::<Connection>().await.unwrap()));
        let kept = Arc::clone(&repository.connection);
        drop(repository);
        let error = scope.close(Outcome::Succeeded).await.unwrap_err();
        assert!(error.is_closing(), "{error}");
        drop(kept);
        assert_eq!(log.take(), ["connect"]);

        drop(scopes.open().get::<Repository>().await.unwrap());
        until("the reaper has closed it", || log.lines().len() == 2).await;
        assert_eq!(log.take(), ["connect", "disconnect Cancelled"]);
        running.stop().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_in_a_scope_is_closed_as_cancelled_before_the_host_has_stopped() {
        let log = Log::default();
        let running = host(&log).await;
        let scopes = running.scopes();
        let work = tokio::spawn(async move {
            let work = async |scope: Scope| {
                let repository = scope.get::<Repository>().await.unwrap();
                assert!(repository.once.log.lines().is_empty(), "it panics");
                Ok::<_, String>(())
            };
            scopes.run(work).await
        });
        assert!(work.await.is_err());
        running.stop().await.unwrap();
        assert_eq!(log.lines(), ["connect", "disconnect Cancelled"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_asked_for_after_the_host_has_stopped_is_an_error_and_no_panic() {
        let log = Log::default();
        let running = host(&log).await;
        let scopes = running.scopes();
        let early = scopes.open();
        running.stop().await.unwrap();
        for scope in [early, scopes.open()] {
            let error = scope.get::<Once>().await.map(drop).unwrap_err();
            assert!(error.to_string().contains("`Once`"), "{error}");
            let error = scope.get::<Repository>().await.map(drop).unwrap_err();
            assert!(error.to_string().starts_with("cannot build "), "{error}");
        }
    }

    #[hostkit::background_service]
    async fn hands_over(repositories: Scopes<Repository>, lazy: Lazy<Once>, taken: Ext<Taken>) {
        *taken.0.lock().unwrap() = Some((repositories, lazy));
    }

    #[derive(Default)]
    struct Taken(std::sync::Mutex<Option<(Scopes<Repository>, Lazy<Once>)>>);

    #[tokio::test(start_paused = true)]
    async fn typed_scopes_and_lazies_that_outlive_the_host_are_an_error_and_no_panic() {
        #[hostkit::on_stopped]
        async fn collects(taken: Ext<Taken>, keeper: Ext<Keeper>) {
            *keeper.0.lock().unwrap() = taken.0.lock().unwrap().take();
        }
        type Kept = Arc<std::sync::Mutex<Option<(Scopes<Repository>, Lazy<Once>)>>>;
        struct Keeper(Kept);
        for also_idle in [false, true] {
            let kept = Kept::default();
            let mut builder = Host::empty();
            builder.with::<hands_over>().with::<collects>();
            builder.provide(Log::default()).provide(Taken::default()).provide(Keeper(Arc::clone(&kept)));
            if also_idle {
                builder.with::<idle>();
            }
            let running = started(&mut builder).await;
            sleep(SECOND).await;
            running.stop().await.unwrap();
            let (repositories, lazy) = kept.lock().unwrap().take().unwrap();
            assert!(repositories.open().await.is_err());
            assert!(lazy.get().await.is_err());
        }
    }

    struct Slow(Ext<Log>);

    #[hostkit::scoped]
    impl Slow {
        async fn new(log: Ext<Log>) -> Self {
            sleep(SECOND).await;
            log.say("slow built");
            Self(log)
        }

        async fn dispose(self, outcome: Outcome) {
            self.0.say(format!("slow ended {outcome:?}"));
        }
    }

    #[hostkit::queued]
    async fn leaves_a_task_behind(number: u32, scope: Scope, log: Ext<Log>) {
        let _ = number;
        let task = async move {
            match scope.get::<Slow>().await {
                Ok(_) => log.say("got it"),
                Err(error) => log.say(error),
            }
        };
        tokio::spawn(task);
        sleep(SECOND / 2).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_component_that_is_still_being_built_when_its_scope_ends_is_disposed_as_well() {
        let log = Log::default();
        let running = started(Host::empty().with::<leaves_a_task_behind>().with::<Slow>().provide(log.clone())).await;
        running.queue::<leaves_a_task_behind>().unwrap().enqueue(1).await.unwrap();
        sleep(3 * SECOND).await;
        running.stop().await.unwrap();
        let lines = log.lines();
        assert!(lines.iter().any(|line| line.contains("its scope has been closed")), "{lines:?}");
        let built = lines.iter().filter(|line| *line == "slow built").count();
        let ended = lines.iter().filter(|line| line.starts_with("slow ended")).count();
        assert_eq!(built, ended, "{lines:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_component_that_is_not_registered_is_an_error_of_the_first_get() {
        #[hostkit::scoped]
        struct Unknown {}
        let running = host(&Log::default()).await;
        let error = running.scopes().open().get::<Unknown>().await.map(drop).unwrap_err();
        assert_eq!(error.to_string(), "cannot build `Unknown`: it is not registered in this host");
        running.stop().await.unwrap();
    }
}

mod concurrency {
    use super::*;

    struct Expensive;

    #[hostkit::singleton]
    impl Expensive {
        async fn new(log: Ext<Log>) -> Result<Self, &'static str> {
            log.say("expensive begins");
            sleep(SECOND).await;
            if log.lines().len() == 1 { Err("not yet") } else { Ok(Self) }
        }
    }

    #[hostkit::queued(concurrency = 8)]
    async fn wants(number: u32, expensive: Lazy<Expensive>, log: Ext<Log>) {
        let _ = number;
        let result = expensive.get().await;
        log.say(if result.is_ok() { "got it" } else { "failed" });
    }

    #[tokio::test(start_paused = true)]
    async fn a_singleton_is_built_once_however_many_wait_for_it_and_a_failure_is_not_remembered() {
        let log = Log::default();
        let running = started(Host::empty().with::<wants>().provide(log.clone())).await;
        let queue = running.queue::<wants>().unwrap();
        for number in 0..8 {
            queue.enqueue(number).await.unwrap();
        }
        sleep(5 * SECOND).await;
        running.stop().await.unwrap();
        let lines = log.lines();
        let count = |what: &str| lines.iter().filter(|line| *line == what).count();
        assert_eq!((count("expensive begins"), count("failed"), count("got it")), (2, 1, 7), "{lines:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn independent_singletons_are_built_side_by_side() {
        #[hostkit::singleton]
        async fn one(log: Ext<Log>) -> u8 {
            sleep(SECOND).await;
            log.say("one");
            1
        }
        #[hostkit::singleton]
        async fn two(log: Ext<Log>) -> u16 {
            sleep(SECOND).await;
            log.say("two");
            2
        }
        #[hostkit::background_service]
        async fn adds(one: Ext<u8>, two: Ext<u16>, log: Ext<Log>) {
            log.say(u16::from(*one) + *two);
        }
        let log = Log::default();
        let began = tokio::time::Instant::now();
        let mut builder = Host::empty();
        built(builder.with::<adds>().with::<one>().with::<two>().provide(log.clone())).await.run().await.unwrap();
        assert_eq!((began.elapsed(), log.lines().last().unwrap().as_str()), (SECOND, "3"));
    }
}

mod lazy_in_singletons {
    use super::*;

    struct Tool(Ext<Log>);

    #[hostkit::transient]
    impl Tool {
        fn new(log: Ext<Log>) -> Self {
            log.say("tool built");
            Self(log)
        }

        async fn dispose(self) {
            self.0.say("tool disposed");
        }
    }

    struct Owner {
        tool: Lazy<Tool>,
        log: Ext<Log>,
    }

    #[hostkit::singleton]
    impl Owner {
        fn new(tool: Lazy<Tool>, log: Ext<Log>) -> Self {
            log.say("owner built");
            Self { tool, log }
        }

        fn dispose(self) {
            self.log.say("owner disposed");
        }
    }

    #[hostkit::background_service]
    async fn uses(owner: &Owner) -> Result<(), InjectError> {
        owner.tool.get().await?;
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_singleton_builds_lazily_is_disposed_after_it() {
        let log = Log::default();
        built(Host::empty().with::<uses>().provide(log.clone())).await.run().await.unwrap();
        assert_eq!(log.lines(), ["owner built", "tool built", "owner disposed", "tool disposed"]);
    }
}
