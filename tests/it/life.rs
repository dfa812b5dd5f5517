//! The life of a host: start along `after`, run, stop in reverse.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hostkit::{CancellationToken, Ext, Host, HostLifetime, Outcome, Ready, ServiceState};
use tokio::time::{Instant, sleep};

use crate::support::{Log, SECOND, Traced, built, started};

mod order {
    use super::*;

    #[hostkit::background_service]
    async fn database(log: Ext<Log>, ready: Ready, stop: CancellationToken) {
        log.say("database starts");
        sleep(SECOND).await;
        log.say("database is ready");
        ready.notify();
        stop.cancelled().await;
        log.say("database is told");
        sleep(SECOND).await;
        log.say("database ends");
    }

    #[hostkit::background_service(after = [database])]
    async fn api(log: Ext<Log>, ready: Ready, stop: CancellationToken) {
        log.say("api starts");
        sleep(SECOND).await;
        log.say("api is ready");
        ready.notify();
        stop.cancelled().await;
        log.say("api is told");
        sleep(SECOND).await;
        log.say("api ends");
    }

    #[hostkit::background_service(after = [api, database])]
    async fn front(log: Ext<Log>, stop: CancellationToken) {
        log.say("front starts");
        stop.cancelled().await;
        log.say("front is told");
        sleep(SECOND).await;
        log.say("front ends");
    }

    #[hostkit::background_service]
    async fn a_loner(log: Ext<Log>, ready: Ready, stop: CancellationToken) {
        sleep(SECOND / 2).await;
        log.say("loner is ready");
        ready.notify();
        stop.cancelled().await;
        sleep(SECOND / 2).await;
        log.say("loner ends");
    }

    const UP: [&str; 6] =
        ["database starts", "loner is ready", "database is ready", "api starts", "api is ready", "front starts"];
    const DOWN: [&str; 7] =
        ["front is told", "loner ends", "front ends", "api is told", "api ends", "database is told", "database ends"];

    #[tokio::test(start_paused = true)]
    async fn services_start_along_after_and_stop_in_reverse_in_whatever_order_they_were_registered() {
        for order in 0..4 {
            let log = Log::default();
            let mut builder = Host::empty();
            builder.provide(log.clone());
            for place in 0..4 {
                match (place + order) % 4 {
                    0 => builder.with::<front>(),
                    1 => builder.with::<api>(),
                    2 => builder.with::<a_loner>(),
                    _ => builder.with::<database>(),
                };
            }
            let began = Instant::now();
            let running = started(&mut builder).await;
            assert_eq!(log.take(), UP);
            assert_eq!(began.elapsed(), 2 * SECOND, "independent services start in parallel");
            assert!(running.lifetime().started().is_cancelled());

            let began = Instant::now();
            running.stop().await.unwrap();
            assert_eq!(log.take(), DOWN);
            assert_eq!(began.elapsed(), 3 * SECOND, "independent services stop in parallel");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_predecessor_that_is_left_out_is_not_waited_for() {
        let (traced, _guard) = Traced::listen(tracing::Level::INFO);
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<front>().with::<api>().with::<database>().provide(log.clone());
        let running = started(builder.set("background_service.api.enabled", false)).await;
        assert_eq!(log.take(), ["database starts", "database is ready", "front starts"]);
        running.stop().await.unwrap();
        let skipped = traced.containing("not waited for");
        assert_eq!(skipped.len(), 1, "{skipped:?}");
        assert!(skipped[0].contains("INFO hostkit::host") && skipped[0].contains("api"), "{skipped:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_is_about_a_dozen_lines() {
        let (traced, _guard) = Traced::listen(tracing::Level::INFO);
        let mut builder = Host::empty();
        builder.with::<front>().with::<api>().with::<database>().with::<a_loner>().provide(Log::default());
        let running = started(&mut builder).await;
        running.stop().await.unwrap();
        assert!(traced.lines().len() <= 14, "{:#?}", traced.lines());
    }
}

mod stages {
    use super::*;

    struct Pool {
        log: Ext<Log>,
    }

    #[hostkit::singleton]
    impl Pool {
        async fn new(log: Ext<Log>) -> Self {
            log.say("pool built");
            Self { log }
        }

        async fn dispose(self, outcome: Outcome) {
            self.log.say(format!("pool disposed {outcome:?}"));
        }
    }

    struct Cache {
        log: Ext<Log>,
        _pool: Arc<Pool>,
    }

    #[hostkit::singleton]
    impl Cache {
        fn new(log: Ext<Log>, pool: Arc<Pool>) -> Self {
            log.say("cache built");
            Self { log, _pool: pool }
        }

        fn dispose(self) {
            self.log.say("cache disposed");
        }
    }

    /// Nothing reaches it.
    struct Unused;

    #[hostkit::singleton]
    impl Unused {
        fn new(log: Ext<Log>) -> Self {
            log.say("unused built");
            Self
        }
    }

    #[hostkit::on_start]
    async fn migrate(log: Ext<Log>, pool: &Pool) {
        let _ = pool;
        log.say("migrate");
    }

    #[hostkit::on_start(after = [migrate])]
    async fn backfill(log: Ext<Log>) {
        log.say("backfill begins");
        sleep(SECOND).await;
        log.say("backfill ends");
    }

    #[hostkit::on_started]
    async fn announce(log: Ext<Log>, lifetime: HostLifetime) {
        assert!(!lifetime.stopping().is_cancelled());
        log.say("announce");
    }

    #[hostkit::on_stopping]
    async fn withdraw(log: Ext<Log>, lifetime: HostLifetime) {
        assert!(lifetime.stopping().is_cancelled());
        sleep(SECOND).await;
        log.say("withdraw");
    }

    #[hostkit::on_stopped]
    async fn say_goodbye(log: Ext<Log>, pool: &Pool) {
        let _ = pool;
        log.say("goodbye");
    }

    #[hostkit::background_service(after = [migrate])]
    async fn worker(log: Ext<Log>, cache: &Cache, ready: Ready, stop: CancellationToken) {
        let _ = cache;
        log.say("worker starts");
        sleep(SECOND).await;
        ready.notify();
        log.say("worker is ready");
        stop.cancelled().await;
        log.say("worker is told");
    }

    #[tokio::test(start_paused = true)]
    async fn hooks_and_singletons_have_their_places_in_the_life_of_a_host() {
        let (traced, _guard) = Traced::listen(tracing::Level::INFO);
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<worker>().with::<say_goodbye>().with::<withdraw>().with::<announce>();
        builder.with::<backfill>().with::<migrate>().with::<Unused>().provide(log.clone());
        let running = started(&mut builder).await;
        assert_eq!(
            log.take(),
            [
                "pool built",
                "migrate",
                "backfill begins",
                "backfill ends",
                "cache built",
                "worker starts",
                "worker is ready",
                "announce",
            ]
        );
        assert!(traced.containing("not waited for").is_empty(), "what is after an `on_start` hook always is");
        running.stop().await.unwrap();
        assert_eq!(log.take(), ["withdraw", "worker is told", "goodbye", "cache disposed", "pool disposed Succeeded"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_of_hooks_alone_ends_by_itself() {
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<migrate>().with::<say_goodbye>().provide(log.clone());
        built(&mut builder).await.run().await.unwrap();
        assert_eq!(log.lines(), ["pool built", "migrate", "goodbye", "pool disposed Succeeded"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hook_that_is_left_out_is_not_waited_for() {
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<migrate>().with::<backfill>().provide(log.clone()).except(["migrate"]);
        built(&mut builder).await.run().await.unwrap();
        assert_eq!(log.lines(), ["backfill begins", "backfill ends"]);
    }

    #[tokio::test(start_paused = true)]
    async fn hooks_run_whatever_only_says_and_can_be_left_out() {
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<worker>().with::<migrate>().with::<backfill>().provide(log.clone());
        let running = started(builder.only(["worker"]).except(["backfill"])).await;
        assert_eq!(log.take(), ["pool built", "migrate", "cache built", "worker starts", "worker is ready"]);
        running.stop().await.unwrap();
    }
}

mod stopping {
    use super::*;

    #[hostkit::background_service]
    async fn deaf(stop: CancellationToken) {
        drop(stop);
        std::future::pending::<()>().await;
    }

    #[hostkit::background_service]
    async fn unaware(log: Ext<Log>) {
        let _says = SaysWhenDropped(log);
        std::future::pending::<()>().await;
    }

    #[hostkit::background_service(stop_timeout = "2s")]
    async fn impatient(stop: CancellationToken) {
        drop(stop);
        std::future::pending::<()>().await;
    }

    #[hostkit::background_service(after = [impatient])]
    async fn dependent(log: Ext<Log>, stop: CancellationToken) {
        stop.cancelled().await;
        log.say("dependent ends");
    }

    struct SaysWhenDropped(Ext<Log>);

    impl Drop for SaysWhenDropped {
        fn drop(&mut self) {
            self.0.say("dropped");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_does_not_take_the_token_is_dropped_at_once_and_nobody_minds() {
        let log = Log::default();
        let running = started(Host::empty().with::<unaware>().provide(log.clone())).await;
        let began = Instant::now();
        running.stop().await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(log.lines(), ["dropped"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_ignores_its_token_is_dropped_at_its_deadline_and_named() {
        let running = started(Host::empty().with::<deaf>().with::<unaware>().provide(Log::default())).await;
        let began = Instant::now();
        let error = running.stop().await.unwrap_err();
        assert_eq!(began.elapsed(), 20 * SECOND, "five seconds are kept for hooks and disposal");
        assert_eq!(
            error.to_string(),
            "the host did not stop cleanly\n  `deaf` was still stopping after 20s and was dropped"
        );
        assert_eq!(error.exit_code(), 1);
        assert!(error.is_stuck());
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_may_have_a_shorter_deadline_of_its_own_which_delays_whoever_it_is_before() {
        let log = Log::default();
        let running = started(Host::empty().with::<impatient>().with::<dependent>().provide(log.clone())).await;
        let began = Instant::now();
        let error = running.stop().await.unwrap_err();
        assert_eq!(began.elapsed(), 2 * SECOND);
        assert!(error.to_string().ends_with("`impatient` was still stopping after 2s and was dropped"), "{error}");
        assert_eq!(log.lines(), ["dependent ends"]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_number_bounds_the_stop() {
        for (timeout, expected) in [("10s", 7500), ("1s", 750), ("40s", 35_000), ("0s", 0)] {
            let running = started(Host::empty().with::<deaf>().set("host.stop_timeout", timeout)).await;
            let began = Instant::now();
            assert_eq!(running.stop().await.unwrap_err().exit_code(), 1, "{timeout}");
            assert_eq!(began.elapsed(), Duration::from_millis(expected), "{timeout}");
        }
    }

    #[hostkit::on_stopping]
    async fn endless_hook() {
        std::future::pending::<()>().await;
    }

    #[hostkit::on_stopped]
    async fn endless_goodbye() {
        std::future::pending::<()>().await;
    }

    struct Stubborn;

    #[hostkit::singleton]
    impl Stubborn {
        fn new() -> Self {
            Self
        }

        async fn dispose(self) {
            std::future::pending::<()>().await;
        }
    }

    #[hostkit::background_service]
    async fn holds_stubborn(stubborn: &Stubborn, stop: CancellationToken) {
        let _ = stubborn;
        stop.cancelled().await;
    }

    #[tokio::test(start_paused = true)]
    async fn everything_that_hangs_in_a_stop_is_named_and_the_stop_ends_in_time() {
        let mut builder = Host::empty();
        builder.with::<endless_hook>().with::<deaf>().with::<endless_goodbye>().with::<holds_stubborn>();
        let running = started(&mut builder).await;
        let began = Instant::now();
        let error = running.stop().await.unwrap_err().to_string();
        assert!(began.elapsed() <= Duration::from_millis(25_250), "{:?}", began.elapsed());
        for expected in ["`endless_hook` was still", "`deaf` was still", "`endless_goodbye` was still", "Stubborn"] {
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }

    #[hostkit::background_service]
    async fn fails_when_told(stop: CancellationToken) -> Result<(), &'static str> {
        stop.cancelled().await;
        Err("connection reset")
    }

    #[hostkit::background_service]
    async fn panics_when_told(stop: CancellationToken) {
        stop.cancelled().await;
        panic!("cannot say goodbye");
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_while_stopping_is_a_warning_and_no_failure() {
        let (traced, _guard) = Traced::listen(tracing::Level::WARN);
        let running = started(Host::empty().with::<fails_when_told>()).await;
        running.stop().await.unwrap();
        let lines = traced.containing("connection reset");
        assert!(lines.len() == 1 && lines[0].contains("WARN"), "{lines:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_while_stopping_is_a_failure() {
        let running = started(Host::empty().with::<panics_when_told>()).await;
        let error = running.stop().await.unwrap_err().to_string();
        assert!(
            error.starts_with("service `panics_when_told` panicked: cannot say goodbye (at tests/it/life.rs:"),
            "{error}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_can_be_asked_for_from_inside_and_by_dropping_the_host() {
        let log = Log::default();
        let mut running = started(Host::empty().with::<asks_for_a_stop>().with::<unaware>().provide(log.clone())).await;
        running.wait().await.unwrap();
        assert_eq!(log.take(), ["dropped"]);
        running.wait().await.unwrap();

        drop(started(Host::empty().with::<unaware>().provide(log.clone())).await);
        crate::support::until("the service is dropped", || !log.lines().is_empty()).await;
    }

    #[hostkit::background_service]
    async fn asks_for_a_stop(lifetime: HostLifetime) {
        lifetime.started().cancelled().await;
        sleep(SECOND).await;
        lifetime.request_stop();
    }

    #[hostkit::background_service]
    async fn blocks_its_thread(log: Ext<Log>, release: Ext<std::sync::Mutex<std::sync::mpsc::Receiver<()>>>) {
        log.say("blocking");
        release.lock().unwrap().recv().unwrap_or_default();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_service_that_blocks_its_thread_delays_nobody_and_is_named() {
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<blocks_its_thread>().with::<unaware>().provide(log.clone());
        builder.provide(std::sync::Mutex::new(blocked)).set("host.stop_timeout", "400ms");
        let running = started(&mut builder).await;
        let began = Instant::now();
        let error = running.stop().await.unwrap_err().to_string();
        assert!(began.elapsed() < 5 * SECOND, "{:?}", began.elapsed());
        assert!(
            error.starts_with("the host did not stop cleanly\n  `blocks_its_thread` was still stopping after ")
                && error.contains(" and blocks its thread"),
            "{error}"
        );
        drop(release);
    }
}

mod blocking_code {
    use super::*;

    type Release = std::sync::Mutex<std::sync::mpsc::Receiver<()>>;

    #[hostkit::on_stopping]
    async fn blocking_hook(release: Ext<Release>) {
        release.lock().unwrap().recv().unwrap_or_default();
    }

    #[hostkit::background_service]
    async fn idle(stop: CancellationToken) {
        stop.cancelled().await;
    }

    struct BlocksAtTheEnd {
        release: Ext<Release>,
    }

    #[hostkit::singleton]
    impl BlocksAtTheEnd {
        fn new(release: Ext<Release>) -> Self {
            Self { release }
        }

        fn dispose(self) {
            self.release.lock().unwrap().recv().unwrap_or_default();
        }
    }

    #[hostkit::background_service]
    async fn holds(singleton: &BlocksAtTheEnd, stop: CancellationToken) {
        let _ = singleton;
        stop.cancelled().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_hook_that_blocks_its_thread_does_not_keep_the_host_beyond_its_deadline() {
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let mut builder = Host::empty();
        builder.with::<blocking_hook>().with::<idle>();
        builder.provide(Release::new(blocked)).set("host.stop_timeout", "400ms");
        let running = started(&mut builder).await;
        let stopped = tokio::time::timeout(10 * SECOND, running.stop()).await;
        drop(release);
        let error = stopped.expect("the stop is bounded").unwrap_err().to_string();
        assert!(error.contains("`blocking_hook` was still running its hook"), "{error}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_disposer_that_blocks_its_thread_does_not_keep_the_host_beyond_its_deadline() {
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let mut builder = Host::empty();
        builder.with::<holds>().provide(Release::new(blocked)).set("host.stop_timeout", "400ms");
        let running = started(&mut builder).await;
        let stopped = tokio::time::timeout(10 * SECOND, running.stop()).await;
        drop(release);
        let error = stopped.expect("the stop is bounded").unwrap_err().to_string();
        assert!(error.contains("BlocksAtTheEnd") || error.contains("disposal of singletons"), "{error}");
    }
}

mod finite {
    use super::*;

    #[hostkit::background_service]
    async fn done_soon(log: Ext<Log>) {
        sleep(SECOND).await;
        log.say("done");
    }

    #[hostkit::background_service]
    async fn done_later(log: Ext<Log>) {
        sleep(2 * SECOND).await;
        log.say("done later");
    }

    #[hostkit::background_service(on_complete = "keep-running")]
    async fn done_but_stay() {}

    #[hostkit::background_service(on_complete = "stop-host")]
    async fn done_for_all() {
        sleep(SECOND).await;
    }

    #[hostkit::background_service(on_complete = "restart", backoff = "4s")]
    async fn again(log: Ext<Log>) {
        log.say("again");
    }

    #[hostkit::periodic(every = "1h")]
    async fn hourly() {}

    #[hostkit::queued]
    async fn item(number: u32) {
        let _ = number;
    }

    #[hostkit::background_service]
    async fn forever(stop: CancellationToken) {
        stop.cancelled().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_whose_services_are_all_finite_and_done_ends_with_success() {
        let log = Log::default();
        let began = Instant::now();
        let host = built(Host::empty().with::<done_soon>().with::<done_later>().provide(log.clone())).await;
        host.run().await.unwrap();
        assert_eq!((log.lines(), began.elapsed()), (vec!["done".to_owned(), "done later".to_owned()], 2 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn services_that_are_done_before_the_start_is_over_count_as_well() {
        #[hostkit::background_service]
        async fn at_once() {}
        #[hostkit::background_service(after = [at_once])]
        async fn slow_to_start(ready: Ready) {
            sleep(SECOND).await;
            ready.notify();
            sleep(SECOND).await;
        }
        let began = Instant::now();
        built(Host::empty().with::<at_once>().with::<slow_to_start>()).await.run().await.unwrap();
        assert_eq!(began.elapsed(), 2 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_still_have_work_keeps_the_host_running() {
        for builder in [
            Host::empty().with::<done_but_stay>(),
            Host::empty().with::<done_but_stay>().with::<done_soon>(),
            Host::empty().with::<done_soon>().with::<hourly>(),
            Host::empty().with::<done_soon>().with::<item>(),
            Host::empty().with::<done_soon>().with::<forever>(),
        ] {
            let mut running = started(builder.provide(Log::default())).await;
            assert!(tokio::time::timeout(1000 * SECOND, running.wait()).await.is_err());
            running.stop().await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_one_service_can_stop_the_host() {
        let began = Instant::now();
        built(Host::empty().with::<done_for_all>().with::<forever>()).await.run().await.unwrap();
        assert_eq!(began.elapsed(), SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_is_done_can_be_started_again_after_a_delay() {
        let log = Log::default();
        let running = started(Host::empty().with::<again>().provide(log.clone())).await;
        sleep(60 * SECOND).await;
        let runs = log.lines().len();
        assert!((15..=31).contains(&runs), "between 2 and 4 seconds apart: {runs}");
        running.stop().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn states_are_visible_while_the_host_runs() {
        let mut builder = Host::empty();
        builder.with::<done_soon>().with::<forever>().with::<hourly>().with::<item>().with::<again>();
        let running = started(builder.provide(Log::default())).await;
        sleep(SECOND / 10).await;
        let states: Vec<_> = running.status().into_iter().map(|s| (s.name, s.kind, s.state.to_string())).collect();
        let expected = [
            ("again", "background_service", "restarting"),
            ("done_soon", "background_service", "running"),
            ("forever", "background_service", "running"),
            ("hourly", "periodic", "ready"),
            ("item", "queued", "running"),
        ];
        assert_eq!(states, expected.map(|(name, kind, state)| (name, kind, state.to_owned())));
        sleep(SECOND).await;
        assert_eq!(running.status_of::<done_soon>(), Some(ServiceState::Completed));
        assert_eq!(running.status_of::<done_later>(), None);
        running.stop().await.unwrap();
    }
}

mod several {
    use super::*;

    #[hostkit::singleton]
    #[derive(Debug)]
    struct Counter {
        #[inject(default)]
        count: AtomicUsize,
    }

    #[hostkit::background_service(instances = 3)]
    async fn counts(counter: &Counter, log: Ext<Log>, stop: CancellationToken) {
        log.say(counter.count.fetch_add(1, Ordering::SeqCst));
        stop.cancelled().await;
    }

    #[tokio::test(start_paused = true)]
    async fn several_hosts_in_one_process_share_nothing() {
        let (one, two) = (Log::default(), Log::default());
        let first = started(Host::empty().with::<counts>().provide(one.clone())).await;
        let second = started(Host::empty().with::<counts>().provide(two.clone())).await;
        first.stop().await.unwrap();
        assert_eq!(second.status_of::<counts>(), Some(ServiceState::Running));
        second.stop().await.unwrap();
        assert_eq!(
            (one.lines(), two.lines()),
            (vec!["0".to_owned(), "1".into(), "2".into()], vec!["0".to_owned(), "1".into(), "2".into()])
        );
    }

    #[test]
    fn hosts_live_on_either_runtime() {
        let runtimes = [
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build().unwrap(),
        ];
        for runtime in runtimes {
            runtime.block_on(async {
                let log = Log::default();
                let running = started(Host::empty().with::<counts>().provide(log.clone())).await;
                crate::support::until("all instances run", || log.lines().len() == 3).await;
                running.stop().await.unwrap();
            });
        }
    }

    #[tokio::test]
    async fn a_host_that_is_started_twice_in_a_row_is_two_hosts() {
        for _ in 0..2 {
            let log = Log::default();
            let running = started(Host::empty().with::<counts>().provide(log.clone())).await;
            crate::support::until("all instances run", || log.lines().len() == 3).await;
            running.stop().await.unwrap();
        }
    }
}

mod nothing_left {
    use super::*;
    use hostkit::{Lazy, Queue, RunningHost, Scope, Scopes, TaskQueue};

    #[hostkit::singleton]
    struct Holder {
        canary: Ext<Arc<()>>,
        scopes: Scopes<PerRun>,
        lazy: Lazy<Other>,
        queue: Queue<item>,
        tasks: TaskQueue,
    }

    #[hostkit::singleton]
    struct Other {
        _canary: Ext<Arc<()>>,
        _stop: CancellationToken,
    }

    #[hostkit::scoped]
    struct PerRun {
        holder: Arc<Holder>,
    }

    #[hostkit::queued(concurrency = 3)]
    async fn item(canary: Arc<()>, run: &PerRun, scope: Scope) -> Result<(), hostkit::InjectError> {
        assert!(Arc::strong_count(&canary) > 1);
        scope.get::<Holder>().await?;
        run.holder.lazy.get().await?;
        Ok(())
    }

    #[hostkit::background_service(instances = 2)]
    async fn worker(holder: &Holder, stop: CancellationToken) -> anyhow::Result<()> {
        for _ in 0..5 {
            let pass = holder.scopes.open().await?;
            pass.holder.queue.enqueue(Arc::clone(&holder.canary)).await?;
            pass.close(Outcome::Succeeded).await?;
        }
        let canary = Arc::clone(&holder.canary);
        holder.tasks.enqueue(async move |_, _| drop(canary)).await?;
        stop.cancelled().await;
        Ok(())
    }

    #[hostkit::periodic(every = "1s")]
    async fn tick(run: &PerRun) {
        let _ = run;
    }

    #[hostkit::on_started]
    async fn hook(run: &PerRun) {
        let _ = run;
    }

    async fn comes_and_goes(canary: &Arc<()>) {
        let mut builder = Host::empty();
        builder.with::<worker>().with::<item>().with::<tick>().with::<hook>().provide(Arc::clone(canary));
        let running = started(&mut builder).await;
        let queue = running.queue::<item>().unwrap();
        sleep(3 * SECOND).await;
        running.stop().await.unwrap();
        assert!(queue.is_closed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_has_stopped_leaves_no_task_and_no_value_behind() {
        let canary = Arc::new(());
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let before = tasks();
        for _ in 0..3 {
            comes_and_goes(&canary).await;
            crate::support::until("every task has ended", || tasks() == before).await;
            crate::support::until("every value is gone", || Arc::strong_count(&canary) == 1).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn so_does_one_that_was_built_and_never_started_and_one_whose_start_was_given_up() {
        let canary = Arc::new(());
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let before = tasks();
        for start in [false, true] {
            let mut builder = Host::empty();
            builder.with::<worker>().with::<item>().with::<hangs>().provide(Arc::clone(&canary));
            let host = built(&mut builder).await;
            if start {
                assert!(tokio::time::timeout(SECOND, host.start()).await.is_err());
            } else {
                drop(host);
            }
            drop(builder);
            crate::support::until("every task has ended", || tasks() == before).await;
            crate::support::until("every value is gone", || Arc::strong_count(&canary) == 1).await;
        }
    }

    #[hostkit::background_service]
    async fn hangs(ready: Ready) {
        drop(ready);
        std::future::pending::<()>().await;
    }

    fn can_be_shared<T: Send + Sync + 'static>() {}
    fn can_be_sent<T: Send>(value: T) -> T {
        value
    }

    #[tokio::test(start_paused = true)]
    async fn what_users_hold_can_be_sent_and_shared() {
        can_be_shared::<(Queue<item>, TaskQueue, Scopes<PerRun>, Scopes, Ext<()>, Lazy<Holder>)>();
        can_be_shared::<(Host, RunningHost, HostLifetime, CancellationToken, Scope, hostkit::Pass<PerRun>)>();
        can_be_shared::<(hostkit::BuildError, hostkit::StartError, hostkit::RunError, hostkit::ScopeError)>();
        can_be_shared::<(hostkit::InjectError, hostkit::TriggerError, hostkit::EnqueueError<std::cell::Cell<u8>>)>();
        let canary = Arc::new(());
        let mut builder = can_be_sent(Host::empty());
        builder.with::<worker>().with::<item>().provide(canary);
        let host = can_be_sent(builder.build()).await.unwrap();
        let host = tokio::spawn(host.start()).await.unwrap().unwrap();
        let host = tokio::spawn(host.stop()).await.unwrap();
        host.unwrap();
        let mut builder = Host::empty();
        builder.with::<done>();
        tokio::spawn(built(&mut builder).await.run()).await.unwrap().unwrap();
    }

    #[hostkit::background_service]
    async fn done() {}
}
