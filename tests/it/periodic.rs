//! Functions on a fixed grid.

use std::time::Duration;

use hostkit::{CancellationToken, Ext, Host, HostBuilder, Tick};
use tokio::time::{Instant, sleep};

use crate::support::{Log, SECOND, Traced, refused, started};

/// When the host was ready.
#[derive(Clone, Copy)]
struct Origin(Instant);

#[hostkit::periodic(every = "10s")]
async fn measured(log: Ext<Log>, origin: Ext<Origin>, tick: Tick, lengths: Ext<Vec<u64>>) {
    let at = |instant: Instant| (instant - origin.0).as_secs();
    let run = usize::try_from(tick.run()).unwrap();
    log.say(format!("run {run} at {} for {} missed {}", at(Instant::now()), at(tick.scheduled()), tick.missed()));
    sleep(Duration::from_secs(lengths.get(run - 1).copied().unwrap_or(0))).await;
}

/// Runs for a while, the first runs taking so many seconds.
async fn ran(builder: &mut HostBuilder, lengths: &[u64], seconds: u64) -> Vec<String> {
    let log = Log::default();
    builder.provide(log.clone()).provide(lengths.to_vec()).provide(Origin(Instant::now()));
    let running = started(builder).await;
    sleep(Duration::from_secs(seconds) + SECOND / 2).await;
    running.stop().await.unwrap();
    log.lines()
}

#[tokio::test(start_paused = true)]
async fn runs_lie_on_a_grid_that_does_not_drift() {
    let lines = ran(Host::empty().with::<measured>(), &[3, 7, 9, 1], 50).await;
    assert_eq!(
        lines,
        [
            "run 1 at 10 for 10 missed 0",
            "run 2 at 20 for 20 missed 0",
            "run 3 at 30 for 30 missed 0",
            "run 4 at 40 for 40 missed 0",
            "run 5 at 50 for 50 missed 0",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_thousand_hours_later_the_grid_is_where_it_was() {
    let log = Log::default();
    let mut builder = Host::empty();
    builder.with::<measured>().provide(log.clone()).provide(vec![1_u64; 10_000]).provide(Origin(Instant::now()));
    let running = started(builder.set("periodic.measured.every", "1h")).await;
    sleep(Duration::from_secs(3_600_001)).await;
    running.stop().await.unwrap();
    assert_eq!(log.lines().last().unwrap(), "run 1000 at 3600000 for 3600000 missed 0");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_outlasts_its_period_is_followed_by_one_late_run_and_then_the_grid_again() {
    let lines = ran(Host::empty().with::<measured>(), &[35, 0, 12], 70).await;
    assert_eq!(
        lines,
        [
            "run 1 at 10 for 10 missed 0",
            "run 2 at 45 for 20 missed 3",
            "run 3 at 50 for 50 missed 0",
            "run 4 at 62 for 60 missed 1",
            "run 5 at 70 for 70 missed 0",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_at_start_is_the_first_point_of_the_grid() {
    let lines = ran(Host::empty().with::<measured>().set("periodic.measured.run_at_start", true), &[], 20).await;
    assert_eq!(lines, ["run 1 at 0 for 0 missed 0", "run 2 at 10 for 10 missed 0", "run 3 at 20 for 20 missed 0"]);
}

#[hostkit::periodic(every = "10s", timeout = "4s")]
async fn limited(log: Ext<Log>) -> Result<(), &'static str> {
    log.say("begins");
    if log.lines().len() == 1 {
        std::future::pending::<()>().await;
    }
    Err("always")
}

#[tokio::test(start_paused = true)]
async fn a_run_that_fails_or_takes_too_long_is_followed_by_the_next() {
    let (traced, _guard) = Traced::listen(tracing::Level::WARN);
    let log = Log::default();
    let running = started(Host::empty().with::<limited>().provide(log.clone())).await;
    sleep(31 * SECOND).await;
    running.stop().await.unwrap();
    assert_eq!(log.lines().len(), 3);
    assert_eq!(traced.containing("did not finish within 4s").len(), 1, "{:#?}", traced.lines());
    assert_eq!(traced.containing("always").len(), 2, "{:#?}", traced.lines());
}

#[tokio::test(start_paused = true)]
async fn a_failure_may_stop_the_host() {
    let log = Log::default();
    let mut builder = Host::empty();
    builder.with::<limited>().provide(log.clone()).set("periodic.limited.on_failure", "stop-host");
    let mut running = started(&mut builder).await;
    let error = running.wait().await.unwrap_err();
    assert_eq!(error.to_string(), "service `limited` did not finish within 4s");
    assert_eq!(log.lines(), ["begins"]);
}

#[hostkit::periodic(every = "10s")]
async fn lengthy(log: Ext<Log>) {
    log.say("begins");
    sleep(3 * SECOND).await;
    log.say("ends");
}

#[hostkit::periodic(every = "10s")]
async fn obedient(log: Ext<Log>, stop: CancellationToken) {
    log.say("begins");
    stop.cancelled().await;
    log.say("told");
}

#[tokio::test(start_paused = true)]
async fn a_run_under_way_may_finish_or_is_told_and_none_is_begun_after_the_stop() {
    let log = Log::default();
    let running = started(Host::empty().with::<lengthy>().provide(log.clone())).await;
    sleep(11 * SECOND).await;
    let began = Instant::now();
    running.stop().await.unwrap();
    assert_eq!((log.take(), began.elapsed()), (vec!["begins".to_owned(), "ends".to_owned()], 2 * SECOND));

    let running = started(Host::empty().with::<obedient>().provide(log.clone())).await;
    sleep(35 * SECOND).await;
    let began = Instant::now();
    running.stop().await.unwrap();
    assert_eq!((log.take(), began.elapsed()), (vec!["begins".to_owned(), "told".to_owned()], Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_does_not_end_is_dropped_at_the_deadline_and_named() {
    let log = Log::default();
    let mut builder = Host::empty();
    builder.with::<lengthy>().provide(log.clone()).set("periodic.lengthy.stop_timeout", "1s");
    let running = started(&mut builder).await;
    sleep(10 * SECOND + SECOND / 2).await;
    let error = running.stop().await.unwrap_err().to_string();
    assert_eq!(error, "the host did not stop cleanly\n  `lengthy` was still stopping after 1s and was dropped");
    assert_eq!(log.lines(), ["begins"]);
}

#[tokio::test(start_paused = true)]
async fn a_triggered_run_is_a_run_beside_the_schedule_and_never_overlaps() {
    let log = Log::default();
    let running = started(Host::empty().with::<lengthy>().provide(log.clone())).await;
    sleep(11 * SECOND).await;
    let began = Instant::now();
    running.trigger::<lengthy>().await.unwrap();
    assert_eq!(began.elapsed(), 5 * SECOND, "two seconds of waiting for the run under way");
    sleep(5 * SECOND).await;
    assert_eq!(log.take(), ["begins", "ends", "begins", "ends", "begins"]);
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_triggered_run_says_how_it_ended() {
    let log = Log::default();
    let running = started(Host::empty().with::<limited>().with::<lengthy>().provide(log).except(["lengthy"])).await;
    let error = running.trigger::<limited>().await.unwrap_err();
    assert_eq!((error.to_string().as_str(), error.is_failure()), ("`limited` failed: did not finish within 4s", true));
    let error = running.trigger::<lengthy>().await.unwrap_err();
    assert_eq!((error.to_string().as_str(), error.is_failure()), ("this host does not run `lengthy`", false));
    running.stop().await.unwrap();
}

#[hostkit::on_stopped]
async fn flush(log: Ext<Log>) {
    log.say("flushed");
}

#[hostkit::background_service]
async fn lasts(stop: CancellationToken) {
    stop.cancelled().await;
}

#[tokio::test(start_paused = true)]
async fn a_hook_can_be_triggered_and_a_background_service_cannot() {
    let log = Log::default();
    let running = started(Host::empty().with::<lasts>().with::<flush>().provide(log.clone())).await;
    running.trigger::<flush>().await.unwrap();
    assert_eq!(log.take(), ["flushed"]);
    let error = running.trigger::<lasts>().await.unwrap_err();
    assert_eq!(error.to_string(), "`lasts` cannot be triggered: a background service runs as long as its host");
    running.stop().await.unwrap();
    assert_eq!(log.take(), ["flushed"]);
}

struct Guarded(Ext<Log>);

#[hostkit::singleton]
impl Guarded {
    fn new(log: Ext<Log>) -> Self {
        Self(log)
    }

    fn dispose(self) {
        self.0.say("disposed");
    }
}

#[hostkit::periodic(every = "1h")]
async fn guards(guarded: &Guarded) {
    guarded.0.say("begins");
    sleep(3 * SECOND).await;
    guarded.0.say("ends");
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_a_triggered_run_as_well() {
    let log = Log::default();
    let running = std::sync::Arc::new(started(Host::empty().with::<guards>().provide(log.clone())).await);
    let lifetime = running.lifetime().clone();
    let mut triggered = Box::pin(running.trigger::<guards>());
    assert!(tokio::time::timeout(SECOND, &mut triggered).await.is_err());
    lifetime.request_stop();
    triggered.await.unwrap();
    let running = std::sync::Arc::into_inner(running).unwrap();
    running.stop().await.unwrap();
    assert_eq!(log.lines(), ["begins", "ends", "disposed"]);
}

#[hostkit::periodic(every = "1ms")]
async fn greedy(log: Ext<Log>) {
    std::thread::sleep(Duration::from_millis(2));
    if log.lines().len() < 1000 {
        log.say("run");
    }
}

#[tokio::test]
async fn runs_that_are_always_late_starve_nobody() {
    let log = Log::default();
    let running = started(Host::empty().with::<greedy>().provide(log.clone())).await;
    sleep(Duration::from_millis(50)).await;
    let began = Instant::now();
    running.stop().await.unwrap();
    assert!(began.elapsed() < 5 * SECOND);
    assert!(log.lines().len() >= 3, "{:?}", log.lines());
}

#[tokio::test(start_paused = true)]
async fn a_configured_period_overrides_the_attribute() {
    let lines = ran(Host::empty().with::<measured>().set("periodic.measured.every", "25s"), &[], 50).await;
    assert_eq!(lines, ["run 1 at 25 for 25 missed 0", "run 2 at 50 for 50 missed 0"]);
}

#[tokio::test(start_paused = true)]
async fn a_period_that_is_none_is_refused() {
    for (value, expected) in [
        ("soon", "`every` of periodic `greedy` is not a duration: `soon`"),
        ("0s", "`every` of periodic `greedy` is zero: `0s`"),
        ("5", "`every` of periodic `greedy` is not a duration: `5`"),
        ("-5s", "`every` of periodic `greedy` is not a duration: `-5s`"),
    ] {
        let mut builder = Host::empty();
        let error = refused(builder.with::<greedy>().provide(Log::default()).set("periodic.greedy.every", value)).await;
        assert_eq!(error.problems().collect::<Vec<_>>(), [expected]);
        assert!(error.to_string().contains("set by `.set()`"), "{error}");
    }
    for (value, expected) in [
        ("0 24 * * *", "`cron` of periodic `greedy` is not a cron expression: `0 24 * * *`"),
        ("0 0 30 2 *", "`cron` of periodic `greedy` is not a cron expression: `0 0 30 2 *`"),
    ] {
        let mut builder = Host::empty();
        let error = refused(builder.with::<greedy>().provide(Log::default()).set("periodic.greedy.cron", value)).await;
        assert_eq!(error.problems().collect::<Vec<_>>(), [expected], "a configured schedule replaces the attribute's");
    }
}

#[hostkit::periodic(cron = "30 2 * * *", tz = "Europe/Zurich")]
async fn nightly(log: Ext<Log>, tick: Tick) {
    let unix = tick.scheduled_time().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    log.say(unix);
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_that_is_advanced_moves_cron_as_well() {
    let log = Log::default();
    let running = started(Host::empty().with::<nightly>().provide(log.clone())).await;
    sleep(Duration::from_hours(24 * 366)).await;
    running.stop().await.unwrap();
    let times: Vec<u64> = log.lines().iter().map(|line| line.parse().unwrap()).collect();
    assert!((365..=367).contains(&times.len()), "{}", times.len());
    let lengths: std::collections::BTreeSet<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // Days of 24 hours, and the two that are shorter and longer, each with the one beside it.
    assert!(lengths.iter().all(|length| (23 * 3600..=25 * 3600).contains(length)), "{lengths:?}");
    assert!(lengths.len() >= 3, "{lengths:?}");
}

#[tokio::test(start_paused = true)]
async fn a_configured_schedule_replaces_the_attributes_whichever_it_was() {
    let log = Log::default();
    let mut builder = Host::empty();
    let running = started(builder.with::<nightly>().provide(log.clone()).set("periodic.nightly.every", "1h")).await;
    sleep(Duration::from_secs(3 * 3600 + 1)).await;
    running.stop().await.unwrap();
    assert_eq!(log.take().len(), 3);

    let lines = ran(Host::empty().with::<measured>().set("periodic.measured.cron", "* * * * * *"), &[], 5).await;
    assert!((5..=6).contains(&lines.len()), "{lines:?}");
}

#[hostkit::periodic(cron = "@yearly", run_at_start = true)]
async fn eager(log: Ext<Log>) {
    log.say("run");
}

#[tokio::test(start_paused = true)]
async fn a_cron_schedule_may_begin_with_a_run_as_well() {
    let log = Log::default();
    let running = started(Host::empty().with::<eager>().provide(log.clone())).await;
    sleep(SECOND).await;
    assert_eq!(log.take(), ["run"]);
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_hours_of_rest_cost_nothing() {
    let log = Log::default();
    let mut builder = Host::empty();
    builder.with::<lengthy>().provide(log.clone()).set("periodic.lengthy.every", "36525days");
    let running = started(&mut builder).await;
    sleep(Duration::from_hours(10_000)).await;
    running.stop().await.unwrap();
    assert_eq!(log.lines(), Vec::<String>::new());
}
