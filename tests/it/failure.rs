//! What becomes of failures: of constructors, hooks, services and runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hostkit::{CancellationToken, Ext, Host, HostBuilder, HostLifetime, Outcome, Queue, Ready, StartError};
use tokio::time::{Instant, sleep};

use crate::support::{Log, SECOND, Traced, built, started, until};

async fn not_started(builder: &mut HostBuilder) -> StartError {
    match built(builder).await.start().await {
        Ok(running) => panic!("it started: {:?}", running.status()),
        Err(error) => error,
    }
}

mod start {
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

    struct Broken;

    #[hostkit::singleton]
    impl Broken {
        async fn new(_pool: Arc<Pool>) -> Result<Self, std::io::Error> {
            sleep(SECOND).await;
            Err(std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "connection refused"))
        }
    }

    #[hostkit::singleton]
    struct AsksBroken {
        _broken: Arc<Broken>,
    }

    #[hostkit::background_service]
    async fn worker(broken: &AsksBroken) {
        let _ = broken;
    }

    #[hostkit::background_service]
    async fn witness(log: Ext<Log>, stop: CancellationToken) {
        log.say("witness starts");
        stop.cancelled().await;
        sleep(SECOND).await;
        log.say("witness ends");
    }

    #[hostkit::on_stopping]
    async fn stopping(log: Ext<Log>) {
        log.say("stopping");
    }

    #[hostkit::on_stopped]
    async fn stopped(log: Ext<Log>, broken: &AsksBroken) {
        let _ = broken;
        log.say("stopped");
    }

    #[tokio::test(start_paused = true)]
    async fn a_constructor_that_fails_is_named_with_who_asked_and_what_was_built_is_disposed() {
        let log = Log::default();
        let began = Instant::now();
        let mut builder = Host::empty();
        builder.with::<worker>().with::<witness>().with::<stopping>().with::<stopped>().provide(log.clone());
        let error = not_started(&mut builder).await;
        assert_eq!(
            error.to_string(),
            "the host did not start: cannot build `Broken`, needed by `AsksBroken`, needed by `stopped`: its constructor failed: connection refused"
        );
        assert_eq!((error.exit_code(), error.is_timeout()), (75, false));
        assert_eq!(log.lines(), ["pool built", "pool disposed Failed"], "no hook of the stop has anything to end");
        assert_eq!(began.elapsed(), SECOND, "nothing is built a second time");
    }

    #[hostkit::singleton(timeout = "3s")]
    async fn endless() -> u64 {
        std::future::pending().await
    }

    #[hostkit::background_service]
    async fn waits_for_endless(endless: Ext<u64>, pool: &Pool) {
        let _ = (endless, pool);
    }

    #[tokio::test(start_paused = true)]
    async fn a_constructor_that_hangs_fails_the_start_at_its_timeout() {
        let log = Log::default();
        let began = Instant::now();
        let error = not_started(Host::empty().with::<waits_for_endless>().with::<endless>().provide(log.clone())).await;
        assert_eq!(
            error.to_string(),
            "the host did not start: cannot build `endless`, needed by `waits_for_endless`: its constructor did not finish within 3s"
        );
        assert_eq!((error.exit_code(), error.is_timeout()), (75, true));
        assert_eq!(began.elapsed(), 3 * SECOND);
        assert_eq!(log.lines(), ["pool built", "pool disposed Failed"]);
    }

    #[hostkit::on_start]
    async fn migrate(pool: &Pool) -> anyhow::Result<()> {
        let _ = pool;
        Err(anyhow::anyhow!("table is locked").context("cannot migrate"))
    }

    #[hostkit::on_start(timeout = "2s")]
    async fn endless_migration() {
        std::future::pending::<()>().await;
    }

    #[hostkit::on_started]
    async fn late_hook() -> Result<(), &'static str> {
        Err("cannot announce")
    }

    #[tokio::test(start_paused = true)]
    async fn a_hook_that_fails_ends_the_start_with_its_cause() {
        let log = Log::default();
        let error = not_started(Host::empty().with::<migrate>().with::<witness>().provide(log.clone())).await;
        assert_eq!(error.to_string(), "the host did not start: hook `migrate` failed: cannot migrate: table is locked");
        assert_eq!(error.exit_code(), 75);
        assert_eq!(log.take(), ["pool built", "pool disposed Failed"]);

        let error = not_started(Host::empty().with::<endless_migration>().with::<witness>().provide(log.clone())).await;
        assert_eq!(error.to_string(), "the host did not start: hook `endless_migration` did not finish within 2s");
        assert_eq!((error.exit_code(), error.is_timeout()), (75, true));

        let error = not_started(Host::empty().with::<late_hook>().with::<witness>().provide(log.clone())).await;
        assert_eq!(error.to_string(), "the host did not start: hook `late_hook` failed: cannot announce");
        assert_eq!(log.take(), ["witness starts", "witness ends"]);
    }

    #[hostkit::background_service(after = [witness])]
    async fn fails_before_it_is_ready(ready: Ready) -> Result<(), &'static str> {
        drop(ready);
        sleep(SECOND).await;
        Err("port is taken")
    }

    #[hostkit::background_service(after = [fails_before_it_is_ready])]
    async fn never_gets_its_turn(log: Ext<Log>) {
        log.say("its turn came");
    }

    #[hostkit::background_service(after = [witness], start_timeout = "4s")]
    async fn never_ready(ready: Ready, stop: CancellationToken) {
        stop.cancelled().await;
        drop(ready);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_fails_before_it_is_ready_stops_what_has_started_in_reverse() {
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<witness>().with::<fails_before_it_is_ready>().with::<never_gets_its_turn>();
        builder.with::<stopping>();
        let error = not_started(builder.provide(log.clone())).await;
        assert_eq!(
            error.to_string(),
            "the host did not start: service `fails_before_it_is_ready` failed: port is taken"
        );
        assert_eq!(error.exit_code(), 1);
        assert_eq!(log.lines(), ["witness starts", "stopping", "witness ends"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_is_not_ready_in_time_ends_the_start() {
        let log = Log::default();
        let began = Instant::now();
        let error = not_started(Host::empty().with::<witness>().with::<never_ready>().provide(log.clone())).await;
        assert_eq!(error.to_string(), "the host did not start: service `never_ready` was not ready within 4s");
        assert_eq!((error.exit_code(), error.is_timeout()), (75, true));
        assert_eq!(began.elapsed(), 5 * SECOND);
        assert_eq!(log.lines(), ["witness starts", "witness ends"]);
    }

    #[hostkit::background_service]
    async fn fails_late(stop: CancellationToken, log: Ext<Log>) -> Result<(), &'static str> {
        stop.cancelled().await;
        log.say("fails late");
        panic!("and this");
    }

    #[tokio::test(start_paused = true)]
    async fn the_root_cause_comes_first_and_carries_the_others() {
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<witness>().with::<fails_before_it_is_ready>().with::<fails_late>().provide(log);
        let text = not_started(&mut builder).await.to_string();
        assert!(
            text.starts_with(
                "the host did not start: service `fails_before_it_is_ready` failed: port is taken\n  also: `fails_late` panicked: and this (at tests/it/failure.rs:"
            ),
            "{text}"
        );
    }
}

mod stop_during_start {
    use super::*;

    #[hostkit::background_service]
    async fn asks(lifetime: HostLifetime, log: Ext<Log>, stop: CancellationToken) {
        sleep(SECOND).await;
        log.say("asks");
        lifetime.request_stop();
        stop.cancelled().await;
    }

    #[hostkit::background_service]
    async fn slow(ready: Ready, log: Ext<Log>, stop: CancellationToken) {
        tokio::select! {
            () = sleep(10 * SECOND) => ready.notify(),
            () = stop.cancelled() => log.say("slow is told"),
        }
    }

    #[hostkit::background_service(after = [slow])]
    async fn dependent(log: Ext<Log>) {
        log.say("dependent starts");
    }

    #[hostkit::queued(after = [slow], capacity = 1)]
    async fn item(number: u32) {
        let _ = number;
    }

    #[hostkit::background_service]
    async fn producer(items: Queue<item>, log: Ext<Log>, stop: CancellationToken) {
        let _ = stop;
        while items.enqueue(1).await.is_ok() {}
        log.say("queue is closed");
    }

    #[hostkit::on_stopping]
    async fn takes_long() {
        sleep(15 * SECOND).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_during_the_start_is_clean_and_starts_nobody_else() {
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<asks>().with::<slow>().with::<dependent>().with::<takes_long>();
        built(builder.provide(log.clone())).await.run().await.unwrap();
        assert_eq!(
            log.lines(),
            ["asks"],
            "slow became ready while the stop was under way, and then nobody was started"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_never_ran_lets_nobody_wait_for_a_place() {
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<asks>().with::<slow>().with::<item>().with::<producer>().provide(log.clone());
        let began = Instant::now();
        built(&mut builder).await.run().await.unwrap();
        assert_eq!(began.elapsed(), SECOND);
        let mut lines = log.lines();
        lines.sort();
        assert_eq!(lines, ["asks", "queue is closed", "slow is told"]);
    }

    #[hostkit::singleton]
    async fn asks_while_it_is_built(lifetime: HostLifetime) -> u64 {
        sleep(SECOND).await;
        lifetime.request_stop();
        std::future::pending().await
    }

    #[hostkit::background_service]
    async fn wants_number(number: Ext<u64>) {
        drop(number);
    }

    #[hostkit::on_start]
    async fn asks_in_a_hook(lifetime: HostLifetime, log: Ext<Log>) {
        lifetime.request_stop();
        sleep(SECOND).await;
        log.say("hook goes on");
    }

    #[hostkit::on_start(after = [asks_in_a_hook])]
    async fn next_hook(log: Ext<Log>) {
        log.say("next hook");
    }

    #[hostkit::on_start]
    async fn asks_in_an_endless_hook(lifetime: HostLifetime) {
        lifetime.request_stop();
        std::future::pending::<()>().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_hook_that_was_begun_may_finish_within_the_time_of_the_stop_and_no_other_begins() {
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<asks_in_a_hook>().with::<next_hook>().with::<dependent>().provide(log.clone());
        let began = Instant::now();
        built(&mut builder).await.run().await.unwrap();
        assert_eq!(log.lines(), ["hook goes on"]);
        assert_eq!(began.elapsed(), SECOND);

        let mut builder = Host::empty();
        builder.with::<asks_in_an_endless_hook>().set("host.stop_timeout", "8s");
        let began = Instant::now();
        let error = built(&mut builder).await.run().await.unwrap_err();
        assert_eq!(began.elapsed(), 6 * SECOND, "a quarter of the time is kept for what comes after the services");
        assert_eq!(
            error.to_string(),
            "the host did not stop cleanly\n  `asks_in_an_endless_hook` was still running its hook after 6s and was dropped"
        );
        assert_eq!((error.exit_code(), error.is_start(), error.is_stuck()), (1, false, true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_while_something_is_built_or_a_hook_runs_is_clean_too() {
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<wants_number>().with::<asks_while_it_is_built>();
        built(&mut builder).await.run().await.unwrap();
        built(Host::empty().with::<asks_in_a_hook>().with::<dependent>().provide(log.clone()))
            .await
            .run()
            .await
            .unwrap();
        assert!(!log.lines().contains(&"dependent starts".to_owned()), "{:?}", log.lines());
    }

    #[hostkit::background_service]
    async fn immediate(log: Ext<Log>, ready: Ready, stop: CancellationToken) {
        log.say("starts");
        sleep(Duration::from_millis(some_milliseconds())).await;
        ready.notify();
        stop.cancelled().await;
        tokio::task::yield_now().await;
        log.say("ends");
    }

    #[hostkit::background_service(after = [immediate])]
    async fn second(log: Ext<Log>, held: &Held, stop: CancellationToken) {
        let _ = held;
        log.say("starts");
        stop.cancelled().await;
        tokio::task::yield_now().await;
        log.say("ends");
    }

    fn some_milliseconds() -> u64 {
        static SEED: AtomicUsize = AtomicUsize::new(1);
        (SEED.fetch_add(7, Ordering::Relaxed) % 4) as u64
    }

    struct Held(Ext<Log>);

    #[hostkit::singleton]
    impl Held {
        fn new(log: Ext<Log>) -> Self {
            Self(log)
        }

        fn dispose(self) {
            self.0.say("disposed");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whenever_the_stop_comes_whoever_started_has_ended_before_anything_is_disposed() {
        for round in 0..300_u64 {
            let (log, canary) = (Log::default(), Arc::new(()));
            let mut builder = Host::empty();
            builder.with::<immediate>().with::<second>().provide(log.clone()).provide(Arc::clone(&canary));
            let host = built(&mut builder).await;
            let starting = tokio::time::timeout(Duration::from_micros(round * 20), host.start()).await;
            if let Ok(started) = starting {
                started.unwrap().stop().await.unwrap();
            }
            until("nothing of the host is left", || Arc::strong_count(&canary) == 1).await;
            let lines = log.lines();
            let count = |what: &str| lines.iter().filter(|line| *line == what).count();
            assert_eq!(count("starts"), count("ends"), "{lines:?}");
            let built = count("starts") == 2;
            assert!(!built || lines.last().unwrap() == "disposed", "{lines:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whenever_somebody_asks_from_inside_the_end_is_clean() {
        for round in 0..200_u64 {
            let log = Log::default();
            let mut builder = Host::empty();
            builder.with::<immediate>().with::<second>().with::<asks_at_once>().provide(log.clone());
            builder.provide(Duration::from_micros(round * 25));
            built(&mut builder).await.run().await.unwrap();
            let lines = log.lines();
            let count = |what: &str| lines.iter().filter(|line| *line == what).count();
            assert_eq!(count("starts"), count("ends"), "{lines:?}");
            assert_eq!(lines.last().unwrap(), "disposed", "{lines:?}");
        }
    }

    #[hostkit::background_service]
    async fn asks_at_once(lifetime: HostLifetime, after: Ext<Duration>) {
        sleep(*after).await;
        lifetime.request_stop();
    }
}

mod policies {
    use super::*;

    #[hostkit::background_service]
    async fn fails(log: Ext<Log>) -> anyhow::Result<()> {
        sleep(SECOND).await;
        log.say("fails");
        Err(anyhow::anyhow!("disk is full").context("cannot write"))
    }

    #[hostkit::background_service(on_failure = "ignore")]
    async fn fails_and_nobody_minds(log: Ext<Log>) -> Result<(), String> {
        log.say("fails");
        Err("no matter".into())
    }

    #[hostkit::background_service]
    async fn lasts(log: Ext<Log>, stop: CancellationToken) {
        stop.cancelled().await;
        log.say("told");
    }

    #[hostkit::background_service(on_failure = "restart", backoff = "1s..8s", max_restarts = 3, within = "1h")]
    async fn keeps_failing(log: Ext<Log>, clock: Ext<Instant>) -> Result<(), String> {
        log.say(clock.elapsed().as_millis());
        Err(format!("attempt {}", log.lines().len()))
    }

    #[hostkit::background_service(on_failure = "restart", backoff = "10s", max_restarts = 1, within = "1m")]
    async fn fails_after_a_healthy_while(log: Ext<Log>) -> Result<(), &'static str> {
        log.say("starts");
        sleep(61 * SECOND).await;
        Err("once a minute")
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_stops_the_host_unless_somebody_says_otherwise() {
        let log = Log::default();
        let host = built(Host::empty().with::<fails>().with::<lasts>().provide(log.clone())).await;
        let error = host.run().await.unwrap_err();
        assert_eq!(error.to_string(), "service `fails` failed: cannot write: disk is full");
        assert_eq!(
            (error.exit_code(), error.is_start(), error.is_stuck(), error.is_forced()),
            (1, false, false, false)
        );
        assert_eq!(log.lines(), ["fails", "told"]);
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(source.as_deref(), Some("disk is full"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_that_is_ignored_is_a_warning() {
        let (traced, _guard) = Traced::listen(tracing::Level::WARN);
        let log = Log::default();
        let host = built(Host::empty().with::<fails_and_nobody_minds>().provide(log.clone())).await;
        host.run().await.unwrap();
        let lines = traced.containing("no matter");
        assert!(lines.len() == 1 && lines[0].contains("WARN"), "{lines:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn restarts_back_off_until_they_are_used_up() {
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<keeps_failing>().with::<lasts>().provide(log.clone()).provide(Instant::now());
        let error = built(&mut builder).await.run().await.unwrap_err();
        assert_eq!(error.to_string(), "service `keeps_failing` failed: attempt 4");
        assert_eq!(error.exit_code(), 1);
        let starts: Vec<u64> = log.lines().iter().filter_map(|line| line.parse().ok()).collect();
        let waits: Vec<_> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(waits.len(), 3);
        for (wait, most) in waits.iter().zip([1000, 2000, 4000]) {
            assert!((most / 2..=most + 2).contains(wait), "{waits:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_budget_of_restarts_heals() {
        let log = Log::default();
        let running = started(Host::empty().with::<fails_after_a_healthy_while>().provide(log.clone())).await;
        sleep(600 * SECOND).await;
        assert!(log.lines().len() >= 8, "{:?}", log.lines());
        let began = Instant::now();
        running.stop().await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_the_wait_for_a_restart() {
        let mut builder = Host::empty();
        builder.with::<keeps_failing>().provide(Log::default()).provide(Instant::now());
        let running = started(builder.set("background_service.keeps_failing.backoff", "10h")).await;
        sleep(SECOND).await;
        assert_eq!(running.status_of::<keeps_failing>().unwrap().to_string(), "restarting");
        let began = Instant::now();
        running.stop().await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[hostkit::background_service(instances = 3)]
    async fn one_of_three_fails(
        instance: hostkit::Instance,
        log: Ext<Log>,
        stop: CancellationToken,
    ) -> Result<(), String> {
        if instance.index() == 1 {
            return Err(format!("{} of {}", instance.index(), instance.count()));
        }
        stop.cancelled().await;
        log.say("told");
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn the_failure_of_one_instance_ends_the_others() {
        let log = Log::default();
        let host = built(Host::empty().with::<one_of_three_fails>().provide(log.clone())).await;
        let error = host.run().await.unwrap_err();
        assert!(error.to_string().contains("`one_of_three_fails` failed: 1 of 3"), "{error}");
        assert_eq!(log.lines(), ["told", "told"]);
    }

    #[hostkit::background_service(instances = 2)]
    async fn one_of_two_fails(
        instance: hostkit::Instance,
        stop: CancellationToken,
        log: Ext<Log>,
    ) -> Result<(), String> {
        sleep(SECOND).await;
        if instance.index() == 1 {
            return Err("the second".to_owned());
        }
        stop.cancelled().await;
        sleep(3 * SECOND).await;
        log.say("the first ends");
        Ok(())
    }

    #[hostkit::queued(concurrency = 2, on_failure = "stop-host")]
    async fn one_item_fails(fails: bool, log: Ext<Log>) -> Result<(), &'static str> {
        if fails {
            return Err("one item");
        }
        sleep(5 * SECOND).await;
        log.say("the other item ends");
        Ok(())
    }

    #[hostkit::background_service]
    async fn says_when_it_is_told(log: Ext<Log>, stop: CancellationToken) {
        let began = Instant::now();
        stop.cancelled().await;
        log.say(format!("told after {:?}", began.elapsed()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_host_hears_of_a_failure_at_once_and_not_when_the_others_have_ended() {
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<one_of_two_fails>().with::<says_when_it_is_told>().provide(log.clone());
        let error = built(&mut builder).await.run().await.unwrap_err();
        assert_eq!(error.to_string(), "service `one_of_two_fails` failed: the second");
        assert_eq!(log.take(), ["told after 1s", "the first ends"]);

        let mut builder = Host::empty();
        builder.with::<one_item_fails>().with::<says_when_it_is_told>().provide(log.clone());
        let mut running = started(&mut builder).await;
        let queue = running.queue::<one_item_fails>().unwrap();
        queue.enqueue(false).await.unwrap();
        sleep(SECOND).await;
        queue.enqueue(true).await.unwrap();
        let error = running.wait().await.unwrap_err();
        assert_eq!(error.to_string(), "service `one_item_fails` failed: one item");
        assert_eq!(log.take(), ["told after 1s", "the other item ends"]);
    }

    #[hostkit::on_started]
    async fn announces_for_ever() {
        std::future::pending::<()>().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_while_a_hook_of_the_start_hangs_is_heard_and_the_hook_is_named() {
        let mut builder = Host::empty();
        builder.with::<fails>().with::<announces_for_ever>().provide(Log::default()).set("host.stop_timeout", "4s");
        let began = Instant::now();
        let error = not_started(&mut builder).await;
        assert_eq!(
            error.to_string(),
            "the host did not start: service `fails` failed: cannot write: disk is full\n  \
             `announces_for_ever` was still running its hook after 3s and was dropped"
        );
        assert_eq!((error.exit_code(), began.elapsed()), (1, 4 * SECOND));
    }

    struct BlocksToo;

    #[hostkit::singleton(timeout = "10ms")]
    impl BlocksToo {
        fn new() -> Self {
            std::thread::sleep(Duration::from_millis(30));
            Self
        }
    }

    #[hostkit::on_start(timeout = "10ms")]
    async fn blocks_in_a_hook(blocks: &BlocksToo) {
        let _ = blocks;
        std::thread::sleep(Duration::from_millis(30));
    }

    #[tokio::test]
    async fn who_outlasts_a_timeout_by_blocking_its_thread_is_named_in_a_warning() {
        let (traced, _guard) = Traced::listen(tracing::Level::WARN);
        built(Host::empty().with::<blocks_in_a_hook>()).await.run().await.unwrap();
        for name in ["BlocksToo", "blocks_in_a_hook"] {
            let lines = traced.containing(name);
            assert!(lines.len() == 1 && lines[0].contains("because it blocked its thread"), "{:#?}", traced.lines());
            assert!(lines[0].contains("took=") && lines[0].contains("limit=10ms"), "{lines:?}");
        }
    }

    #[hostkit::background_service]
    async fn gives_up_by_itself() -> Result<(), String> {
        let token = CancellationToken::new();
        token.cancel();
        sleep(SECOND).await;
        token
            .run_until_cancelled(std::future::pending::<()>())
            .await
            .ok_or_else(|| "operation was cancelled".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_error_of_its_own_is_a_failure() {
        let error = built(Host::empty().with::<gives_up_by_itself>()).await.run().await.unwrap_err();
        assert_eq!(error.to_string(), "service `gives_up_by_itself` failed: operation was cancelled");
    }
}

mod panics {
    use super::*;

    #[hostkit::background_service]
    async fn panicking_service() {
        sleep(SECOND).await;
        panic!("out of {}", "cheese");
    }

    #[hostkit::background_service(on_failure = "restart", backoff = "1s")]
    async fn restarted_after_a_panic() {
        sleep(SECOND).await;
        panic!("again out of cheese");
    }

    #[hostkit::periodic(every = "1s")]
    async fn panicking_run() {
        panic!("no clock");
    }

    #[hostkit::queued]
    async fn panicking_item(number: u32) {
        assert!(number == 2, "item {number}");
    }

    #[hostkit::on_stopping]
    async fn panicking_hook() {
        panic!("hook fell");
    }

    #[hostkit::background_service(blocking = true)]
    fn panicking_thread() {
        panic!("thread fell");
    }

    #[hostkit::background_service(on_failure = "ignore")]
    async fn panics_with_a_number() {
        std::panic::panic_any(7_u32);
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_a_failure_with_its_message_and_its_place_and_is_logged_once() {
        let (traced, _guard) = Traced::listen(tracing::Level::WARN);
        let mut builder = Host::empty();
        builder.with::<panicking_service>().with::<panicking_item>().with::<panicking_hook>();
        let running = started(&mut builder).await;
        let queue = running.queue::<panicking_item>().unwrap();
        for number in 1..=3 {
            queue.enqueue(number).await.unwrap();
        }
        let mut running = running;
        let error = running.wait().await.unwrap_err().to_string();
        let expected = "service `panicking_service` panicked: out of cheese (at tests/it/failure.rs:";
        assert!(error.starts_with(expected), "{error}");
        for message in ["out of cheese", "item 1", "item 3", "hook fell"] {
            let lines = traced.containing(message);
            assert_eq!(lines.len(), 1, "{message}: {lines:#?}");
            assert!(lines[0].contains("ERROR") && lines[0].contains("(at tests/it/failure.rs:"), "{lines:?}");
        }
        assert!(traced.containing("item 2").is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_panicking_run_is_followed_by_the_next() {
        let (traced, _guard) = Traced::listen(tracing::Level::WARN);
        let running = started(Host::empty().with::<panicking_run>().with::<restarted_after_a_panic>()).await;
        sleep(5 * SECOND + SECOND / 2).await;
        running.stop().await.unwrap();
        assert_eq!(traced.containing("no clock").len(), 5, "{:#?}", traced.lines());
        assert!(traced.containing("again out of cheese").len() >= 2);
    }

    #[tokio::test]
    async fn a_panic_on_a_blocking_thread_has_a_place_as_well() {
        let (traced, _guard) = Traced::listen(tracing::Level::WARN);
        let error = built(Host::empty().with::<panicking_thread>()).await.run().await.unwrap_err().to_string();
        assert!(error.contains("`panicking_thread` panicked: thread fell (at tests/it/failure.rs:"), "{error}");
        assert_eq!(traced.containing("thread fell").len(), 1, "{:#?}", traced.lines());
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_may_carry_anything() {
        let (traced, _guard) = Traced::listen(tracing::Level::WARN);
        built(Host::empty().with::<panics_with_a_number>()).await.run().await.unwrap();
        assert_eq!(traced.containing("panicked: a value that is not text").len(), 1, "{:#?}", traced.lines());
    }

    struct PanicsWhenDropped;

    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("cannot let go");
        }
    }

    #[hostkit::periodic(every = "10s", timeout = "1s", on_failure = "stop-host")]
    async fn dropped_with_a_panic() {
        let _held = PanicsWhenDropped;
        std::future::pending::<()>().await;
    }

    #[hostkit::background_service]
    async fn lasts(stop: CancellationToken) {
        stop.cancelled().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_in_a_destructor_of_a_run_that_is_dropped_does_not_end_its_service_in_silence() {
        let mut running = started(Host::empty().with::<dropped_with_a_panic>().with::<lasts>()).await;
        let ended = tokio::time::timeout(60 * SECOND, running.wait()).await.expect("the host hears of it");
        let error = ended.unwrap_err().to_string();
        assert!(error.contains("dropped_with_a_panic"), "{error}");
    }
}

mod outcomes {
    use super::*;

    struct Unit {
        log: Ext<Log>,
    }

    #[hostkit::scoped]
    impl Unit {
        fn new(log: Ext<Log>) -> Self {
            Self { log }
        }

        async fn dispose(self, outcome: Outcome) -> Result<(), &'static str> {
            tokio::task::yield_now().await;
            self.log.say(format!("{outcome:?}"));
            if self.log.lines().contains(&"commit fails".to_owned()) { Err("deadlock detected") } else { Ok(()) }
        }
    }

    #[hostkit::queued(timeout = "1s")]
    async fn work(what: String, unit: &Unit) -> Result<(), &'static str> {
        match &*what {
            "succeed" => Ok(()),
            "fail" => Err("failed"),
            "panic" => panic!("panicked"),
            "hang" => std::future::pending().await,
            "wait" => {
                sleep(SECOND / 2).await;
                Ok(())
            }
            other => {
                unit.log.say(other);
                Ok(())
            }
        }
    }

    #[hostkit::background_service(scope = "whole-run")]
    async fn finite(unit: &Unit, token: CancellationToken) {
        let _ = unit;
        drop(token);
        std::future::pending::<()>().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_scope_ends_with_the_outcome_of_its_run() {
        for (what, expected) in [
            ("succeed", vec!["Succeeded"]),
            ("fail", vec!["Failed"]),
            ("panic", vec!["Failed"]),
            ("hang", vec!["Failed"]),
            ("wait", vec!["Succeeded"]),
            ("commit fails", vec!["commit fails", "Succeeded"]),
        ] {
            let log = Log::default();
            let running = started(Host::empty().with::<work>().provide(log.clone())).await;
            running.queue::<work>().unwrap().enqueue(what.to_owned()).await.unwrap();
            until("the scope has ended", || log.lines().len() == expected.len()).await;
            running.stop().await.unwrap();
            assert_eq!(log.lines(), expected, "{what}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_commit_that_fails_fails_the_run() {
        let (traced, _guard) = Traced::listen(tracing::Level::WARN);
        let log = Log::default();
        let mut builder = Host::empty();
        builder.with::<work>().provide(log.clone()).set("queued.work.on_failure", "stop-host");
        let mut running = started(&mut builder).await;
        running.queue::<work>().unwrap().enqueue("commit fails".to_owned()).await.unwrap();
        let error = running.wait().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "service `work` ending its scope failed: disposing `Unit` failed: deadlock detected"
        );
        assert_eq!(traced.containing("deadlock detected").len(), 1, "{:#?}", traced.lines());
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_is_dropped_at_its_deadline_is_cancelled_and_its_scope_ends_before_the_host() {
        let log = Log::default();
        let running = started(Host::empty().with::<finite>().provide(log.clone())).await;
        assert_eq!(running.stop().await.unwrap_err().exit_code(), 1);
        assert_eq!(log.lines(), ["Cancelled"]);

        let log = Log::default();
        let running = started(Host::empty().with::<work>().provide(log.clone()).set("queued.work.timeout", "1h")).await;
        running.queue::<work>().unwrap().enqueue("hang".to_owned()).await.unwrap();
        sleep(SECOND).await;
        let error = running.stop().await.unwrap_err().to_string();
        assert_eq!(
            error,
            "the host did not stop cleanly\n  `work` was still draining after 20s and was dropped\n  `work`: 1 item interrupted"
        );
        assert_eq!(log.lines(), ["Cancelled"]);
    }

    struct NeverCloses;

    #[hostkit::scoped]
    impl NeverCloses {
        fn new() -> Self {
            Self
        }

        async fn dispose(self) {
            sleep(Duration::from_hours(1)).await;
        }
    }

    #[hostkit::background_service(scope = "whole-run", stop_timeout = "3s")]
    async fn panics_when_told(_held: &NeverCloses, stop: CancellationToken) {
        stop.cancelled().await;
        panic!("out of ideas");
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_heard_of_when_its_scope_does_not_close_in_time() {
        let (traced, _listening) = Traced::listen(tracing::Level::ERROR);
        let running = started(Host::empty().with::<panics_when_told>()).await;
        let error = running.stop().await.unwrap_err().to_string();
        let stuck = "the host did not stop cleanly\n  `panics_when_told` was still stopping after 3s and was dropped";
        assert!(error.starts_with(stuck), "{error}");
        let lines = traced.containing("was cut while its scope was closed");
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("panicked: out of ideas (at tests/it/failure.rs:"), "{lines:?}");
        assert!(lines[0].contains("panics_when_told"), "{lines:?}");
    }

    struct First(Ext<Log>);

    #[hostkit::singleton]
    impl First {
        fn new(log: Ext<Log>) -> Self {
            Self(log)
        }

        async fn dispose(self) -> Result<(), &'static str> {
            self.0.say("first ends");
            Err("cannot flush")
        }
    }

    struct Second(Ext<Log>, Arc<First>);

    #[hostkit::singleton]
    impl Second {
        fn new(log: Ext<Log>, first: Arc<First>) -> Self {
            Self(log, first)
        }

        fn dispose(self) {
            self.0.say("second ends");
            drop(self.1);
            panic!("no time");
        }
    }

    struct Third(Ext<Log>, Arc<Second>);

    #[hostkit::singleton]
    impl Third {
        fn new(log: Ext<Log>, second: Arc<Second>) -> Self {
            Self(log, second)
        }

        async fn dispose(self, outcome: Outcome) {
            self.0.say(format!("third ends {outcome:?}"));
            drop(self.1);
        }
    }

    #[hostkit::background_service]
    async fn holds_third(third: &Third, stop: CancellationToken) {
        let _ = third;
        stop.cancelled().await;
    }

    #[tokio::test(start_paused = true)]
    async fn singletons_end_in_reverse_whatever_the_others_do() {
        let log = Log::default();
        let running = started(Host::empty().with::<holds_third>().provide(log.clone())).await;
        let error = running.stop().await.unwrap_err();
        let text = error.to_string();
        let start = "the host did not stop cleanly\n  disposing `Second` panicked: no time (at tests/it/failure.rs:";
        assert!(text.starts_with(start), "{text}");
        assert!(text.ends_with("\n  disposing `First` failed: cannot flush"), "{text}");
        assert_eq!(error.exit_code(), 1);
        assert_eq!(log.lines(), ["third ends Succeeded", "second ends", "first ends"]);
    }
}
