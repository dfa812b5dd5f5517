//! What happens at the same moment, fifty times on either runtime: whoever wins, the end is one of those that are right.

use std::time::Duration;

use hostkit::{CancellationToken, Ext, Host, HostLifetime, Ready, RunError, ServiceState};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

use crate::support::{Log, SECOND, built, started, until};

const ROUNDS: u64 = 50;
/// A slow machine is no failure, a host that hangs is.
const PATIENCE: Duration = Duration::from_secs(20);

fn runtimes() -> [Runtime; 2] {
    let (mut one, mut several) = (Builder::new_current_thread(), Builder::new_multi_thread());
    [one.enable_all().build().unwrap(), several.enable_all().worker_threads(2).build().unwrap()]
}

/// Plays every round on either runtime.
fn repeated<F: Future<Output = ()>>(round: impl Fn(u64) -> F) {
    for runtime in runtimes() {
        for number in 0..ROUNDS {
            runtime.block_on(async { timeout(PATIENCE, round(number)).await.expect("the host ends") });
        }
    }
}

/// From nothing to about a millisecond, in steps that are no multiple of a timer's.
fn moment(round: u64) -> Duration {
    Duration::from_micros(round * 23)
}

/// Waits without a timer, which is never on time for so little.
async fn spin(moment: Duration) {
    let began = std::time::Instant::now();
    while began.elapsed() < moment {
        tokio::task::yield_now().await;
    }
}

mod start {
    use super::*;

    struct Held(Ext<Log>);

    #[hostkit::singleton]
    impl Held {
        async fn new(log: Ext<Log>) -> Self {
            tokio::task::yield_now().await;
            log.say("held is built");
            Self(log)
        }

        fn dispose(self) {
            self.0.say("held is disposed");
        }
    }

    #[hostkit::on_start]
    async fn migrate(log: Ext<Log>) {
        log.say("hook begins");
        tokio::task::yield_now().await;
        log.say("hook ends");
    }

    #[hostkit::background_service]
    async fn first(log: Ext<Log>, held: &Held, ready: Ready, stop: CancellationToken) {
        let _ = held;
        log.say("first begins");
        spin(Duration::from_micros(200)).await;
        ready.notify();
        stop.cancelled().await;
        log.say("first ends");
    }

    #[hostkit::background_service(after = [first], instances = 2)]
    async fn second(log: Ext<Log>, held: &Held, stop: CancellationToken) {
        let _ = held;
        log.say("second begins");
        stop.cancelled().await;
        log.say("second ends");
    }

    #[hostkit::on_start]
    async fn asks(lifetime: HostLifetime, after: Ext<Duration>) {
        let (lifetime, after) = (lifetime.clone(), *after);
        tokio::spawn(async move {
            spin(after).await;
            lifetime.request_stop();
        });
    }

    #[test]
    fn a_stop_at_any_moment_of_the_start_is_clean_and_ends_what_began() {
        repeated(async |round| {
            let log = Log::default();
            let mut builder = Host::empty();
            builder.with::<migrate>().with::<asks>().with::<first>().with::<second>();
            builder.provide(log.clone()).provide(moment(round));
            built(&mut builder).await.run().await.unwrap();
            let lines = log.lines();
            let count = |line: &str| lines.iter().filter(|said| *said == line).count();
            for what in ["first", "second", "hook"] {
                assert_eq!(count(&format!("{what} begins")), count(&format!("{what} ends")), "{what}: {lines:?}");
            }
            assert_eq!(count("held is built"), count("held is disposed"), "{lines:?}");
            assert!(count("held is built") == 0 || lines.last().unwrap() == "held is disposed", "{lines:?}");
        });
    }
}

mod backoff {
    use super::*;

    #[hostkit::background_service(on_failure = "restart", backoff = "1h")]
    async fn fails_soon(after: Ext<Duration>) -> Result<(), &'static str> {
        spin(*after).await;
        Err("not yet")
    }

    #[test]
    fn a_stop_at_the_moment_of_a_failure_does_not_wait_for_the_restart() {
        repeated(async |round| {
            let mut builder = Host::empty();
            let running = started(builder.with::<fails_soon>().provide(moment(round))).await;
            if round % 2 == 0 {
                let waits = || matches!(running.status_of::<fails_soon>(), Some(ServiceState::Restarting { .. }));
                until("the service waits for its restart", waits).await;
            } else {
                spin(moment(round)).await;
            }
            // It failed before it was told, and a restart was granted; or it was dropped.
            running.stop().await.unwrap();
        });
    }
}

mod failure {
    use super::*;

    #[hostkit::background_service]
    async fn fails_when(now: Ext<CancellationToken>) -> Result<(), &'static str> {
        now.cancelled().await;
        Err("at the same moment")
    }

    #[hostkit::background_service]
    async fn panics_when(now: Ext<CancellationToken>, stop: CancellationToken) {
        now.cancelled().await;
        drop(stop);
        panic!("at the same moment");
    }

    #[hostkit::background_service]
    async fn lasts(log: Ext<Log>, stop: CancellationToken) {
        stop.cancelled().await;
        sleep(Duration::from_millis(1)).await;
        log.say("lasts ends");
    }

    #[test]
    fn a_failure_and_a_stop_at_the_same_moment_end_one_way_or_the_other() {
        repeated(async |round| {
            let (log, trigger) = (Log::default(), CancellationToken::new());
            let mut builder = Host::empty();
            builder.with::<fails_when>().with::<lasts>().provide(log.clone()).provide(trigger.clone());
            let mut running = started(&mut builder).await;
            let lifetime = running.lifetime().clone();
            let (before, after) = (moment(round % 7), moment(round / 7));
            let failing = tokio::spawn(async move {
                spin(before).await;
                trigger.cancel();
            });
            spin(after).await;
            lifetime.request_stop();
            let ended = running.wait().await;
            failing.await.unwrap();
            assert_eq!(log.lines(), ["lasts ends"]);
            // Dropped before it could fail, or the failure came first.
            if let Err(error) = ended {
                assert_eq!(error.to_string(), "service `fails_when` failed: at the same moment");
                assert_eq!((error.exit_code(), error.is_stuck()), (1, false));
            }
        });
    }

    #[test]
    fn a_panic_is_a_failure_also_at_the_moment_of_a_stop() {
        repeated(async |round| {
            let (log, trigger) = (Log::default(), CancellationToken::new());
            let mut builder = Host::empty();
            builder.with::<panics_when>().with::<lasts>().provide(log.clone()).provide(trigger.clone());
            let mut running = started(&mut builder).await;
            let lifetime = running.lifetime().clone();
            let failing = tokio::spawn(async move {
                spin(moment(round % 7)).await;
                trigger.cancel();
            });
            spin(moment(round / 7)).await;
            lifetime.request_stop();
            let error: RunError = running.wait().await.unwrap_err();
            failing.await.unwrap();
            let expected = "service `panics_when` panicked: at the same moment (at tests/it/races.rs:";
            assert!(error.to_string().starts_with(expected), "{error}");
            assert_eq!((error.exit_code(), log.lines()), (1, vec!["lasts ends".to_owned()]));
        });
    }
}

mod abandoned {
    use super::*;

    #[hostkit::background_service]
    async fn fails(ready: Ready) -> Result<(), &'static str> {
        drop(ready);
        Err("port is taken")
    }

    #[hostkit::background_service]
    async fn takes_its_time(canary: Ext<std::sync::Arc<()>>, stop: CancellationToken) {
        stop.cancelled().await;
        sleep(Duration::from_millis(2)).await;
        drop(canary);
    }

    #[test]
    fn a_start_that_is_dropped_while_it_is_rolled_back_leaves_nothing_running() {
        repeated(async |round| {
            let canary = std::sync::Arc::new(());
            let mut builder = Host::empty();
            builder.with::<fails>().with::<takes_its_time>().provide(std::sync::Arc::clone(&canary));
            let host = built(&mut builder).await;
            drop(builder);
            let starting = timeout(moment(round), host.start()).await;
            assert!(!matches!(starting, Ok(Ok(_))));
            timeout(10 * SECOND, until("nothing is left", || std::sync::Arc::strong_count(&canary) == 1))
                .await
                .unwrap();
        });
    }
}
