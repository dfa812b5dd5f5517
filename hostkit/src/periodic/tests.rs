//! Periodic functions, driven as a host drives them, on a paused clock.

use std::sync::Arc;

use crate::component::{Outcome, RunFailure, Supplied};
use crate::runner::rig::{Called, Log, Rig, Script, failing, kept, listen, pass, plain, polite, settle};
use crate::runner::{End, ServiceState};
use crate::time::now;

const EVERY: (&str, &str) = ("every", "100ms");

/// When runs began, in milliseconds, and how many instants each made up for.
fn recording(log: &Log<(u128, u64)>, lasting: fn(usize) -> u64) -> Vec<Supplied> {
    let (log, origin) = (log.clone(), now());
    Script::supplied(move |called| {
        let tick = called.tick.expect("it asks for it");
        log.push((origin.elapsed().as_millis(), tick.missed()));
        async move {
            pass(lasting(called.number)).await;
            Ok(())
        }
    })
}

async fn runs(options: &[(&str, &str)], lasting: fn(usize) -> u64, watched: u64) -> Vec<(u128, u64)> {
    let log = Log::default();
    let rig = Rig::new::<plain>(options, recording(&log, lasting));
    let end = rig.start();
    pass(watched).await;
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(rig.state(), ServiceState::Stopped);
    log.take()
}

#[tokio::test(start_paused = true)]
async fn runs_lie_on_a_fixed_grid_and_do_not_drift() {
    let expected: Vec<_> = (1..=50).map(|k| (k * 100, 0)).collect();
    assert_eq!(runs(&[EVERY], |_| 30, 5050).await, expected);
}

#[tokio::test(start_paused = true)]
async fn the_first_run_may_be_at_the_start() {
    assert_eq!(runs(&[EVERY, ("run_at_start", "true")], |_| 0, 250).await, [(0, 0), (100, 0), (200, 0)]);
}

#[tokio::test(start_paused = true)]
async fn one_late_run_stands_for_all_that_were_missed() {
    // The first run takes from 100 to 450 and misses 200, 300 and 400.
    let lasting = |number| if number == 1 { 350 } else { 10 };
    assert_eq!(runs(&[EVERY], lasting, 650).await, [(100, 0), (450, 3), (500, 0), (600, 0)]);
}

#[tokio::test(start_paused = true)]
async fn runs_that_always_take_too_long_follow_each_other_and_never_overlap() {
    assert_eq!(runs(&[EVERY], |_| 150, 800).await, [(100, 0), (250, 1), (400, 2), (550, 1), (700, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_exactly_its_period_is_not_late() {
    assert_eq!(runs(&[EVERY], |_| 100, 350).await, [(100, 0), (200, 0), (300, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_tick_says_when_its_run_was_due() {
    let scheduled = Log::default();
    let origin = now();
    let script = {
        let scheduled = scheduled.clone();
        Script::supplied(move |called| {
            let tick = called.tick.expect("it asks for it");
            scheduled.push(((tick.scheduled() - origin).as_millis(), tick.run()));
            async {
                pass(250).await;
                Ok(())
            }
        })
    };
    let rig = Rig::new::<plain>(&[EVERY], script);
    let _end = rig.start();
    pass(700).await;
    assert_eq!(scheduled.take(), [(100, 1), (200, 2), (400, 3)]);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_dropped_at_its_timeout_and_the_next_is_on_the_grid() {
    assert_eq!(runs(&[EVERY, ("timeout", "50ms")], |_| 10_000, 350).await, [(100, 0), (200, 0), (300, 0)]);
}

#[tokio::test(start_paused = true)]
async fn an_error_or_a_panic_harms_no_other_run() {
    let calls = Log::default();
    let script = {
        let calls = calls.clone();
        Script::supplied(move |called| {
            calls.push(called.number);
            async move {
                assert_ne!(called.number, 1, "the first run panics");
                failing("and all others fail")
            }
        })
    };
    let rig = Rig::new::<plain>(&[EVERY], script);
    let end = rig.start();
    pass(450).await;
    assert_eq!(calls.take(), [1, 2, 3, 4]);
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
}

#[tokio::test(start_paused = true)]
async fn every_failed_run_is_logged_once() {
    let (log, _guard) = listen();
    let rig = Rig::new::<plain>(&[EVERY], Script::supplied(|_| async { failing("no such table") }));
    let end = rig.start();
    pass(250).await;
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    let lines = log.take();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].starts_with("WARN message=run failed; the next is on the grid"), "{}", lines[0]);
    assert!(lines[0].contains("error=no such table"), "{}", lines[0]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_may_stop_the_host() {
    let rig = Rig::new::<plain>(&[EVERY, ("on_failure", "stop-host")], Script::supplied(|_| async { failing("no") }));
    assert!(matches!(rig.end().await, End::Failed(RunFailure::Returned(_))));
    assert_eq!(rig.elapsed(), 100);
    assert_eq!(rig.state(), ServiceState::Failed { error: "no".to_owned() });
}

#[tokio::test(start_paused = true)]
async fn a_run_that_does_not_take_the_token_may_finish() {
    let log = Log::default();
    let rig = Rig::new::<plain>(&[EVERY], recording(&log, |_| 400));
    let end = rig.start();
    pass(200).await;
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(rig.elapsed(), 500);
    assert_eq!(log.take(), [(100, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_the_token_is_told() {
    let rig = Rig::new::<polite>(
        &[EVERY],
        Script::supplied(|called| async move {
            called.told().await;
            failing("told to stop")
        }),
    );
    let end = rig.start();
    pass(200).await;
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)), "an error while stopping is no failure");
    assert_eq!(rig.elapsed(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_dropped_at_the_deadline_of_the_stop() {
    let rig = Rig::new::<polite>(&[EVERY], Script::supplied(|_| std::future::pending()));
    let end = rig.start();
    pass(200).await;
    rig.stop();
    pass(1000).await;
    rig.abandon();
    assert!(matches!(end.await, Ok(End::Abandoned)));
}

#[tokio::test(start_paused = true)]
async fn a_stop_between_runs_ends_the_wait_at_once() {
    let rig = Rig::new::<plain>(&[("every", "1h")], Script::supplied(|_| async { Ok(()) }));
    let end = rig.start();
    settle().await;
    assert_eq!(rig.state(), ServiceState::Ready);
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(rig.elapsed(), 0);
}

#[tokio::test(start_paused = true)]
async fn every_run_has_a_scope_of_its_own_that_learns_how_it_ended() {
    let outcomes = Log::<Outcome>::default();
    let mut supplied = Script::supplied(|called: Called| async move {
        match called.number {
            1 => Ok(()),
            2 => failing("second"),
            3 => panic!("third"),
            _ => std::future::pending().await,
        }
    });
    supplied.push(Supplied::foreign(outcomes.clone()));
    let rig = Rig::new::<kept>(&[EVERY, ("timeout", "50ms")], supplied);
    let end = rig.start();
    pass(560).await;
    rig.stop();
    rig.abandon();
    end.await.expect("a runner does not panic");
    let seen = outcomes.take();
    assert_eq!(seen[..4], [Outcome::Succeeded, Outcome::Failed, Outcome::Failed, Outcome::Failed]);
}

#[tokio::test(start_paused = true)]
async fn a_run_dropped_by_the_stop_is_cancelled() {
    let outcomes = Log::<Outcome>::default();
    let mut supplied = Script::supplied(|_| std::future::pending());
    supplied.push(Supplied::foreign(outcomes.clone()));
    let rig = Rig::new::<kept>(&[EVERY], supplied);
    let end = rig.start();
    pass(150).await;
    rig.stop();
    rig.abandon();
    assert!(matches!(end.await, Ok(End::Abandoned)));
    assert_eq!(outcomes.take(), [Outcome::Cancelled]);
}

#[tokio::test(start_paused = true)]
async fn a_trigger_runs_it_once_and_waits_for_the_run_under_way() {
    let log = Log::default();
    let rig = Rig::new::<plain>(&[("every", "1h")], recording(&log, |_| 50));
    let trigger = || Arc::clone(&rig.runner).trigger(rig.conduct.clone()).expect("it can be triggered");
    let (first, second) = tokio::join!(trigger(), trigger());
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(log.take(), [(0, 0), (50, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_triggered_run_hands_its_failure_to_whoever_triggered_it() {
    let rig = Rig::new::<plain>(&[EVERY], Script::supplied(|_| async { failing("no") }));
    let triggered = Arc::clone(&rig.runner).trigger(rig.conduct.clone()).expect("it can be triggered").await;
    assert_eq!(triggered.map_err(|failure| failure.to_string()), Err("no".to_owned()));
}

#[cfg(not(feature = "cron"))]
#[tokio::test(start_paused = true)]
async fn without_the_feature_a_cron_expression_says_which_one_it_needs() {
    let options = [("cron", "0 3 * * *"), ("tz", "Europe/Zurich")];
    let problems = Rig::build::<plain>(&options, Script::supplied(|_| async { Ok(()) })).err().unwrap_or_default();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].message, "`cron` of periodic `plain` needs hostkit's feature `cron`: `0 3 * * *`");
    assert!(problems[0].help.as_ref().is_some_and(|help| help.contains("features = [\"cron\"]")));
}

#[cfg(feature = "cron")]
#[tokio::test(start_paused = true)]
async fn faulty_expressions_and_zones_are_problems() {
    for (options, message, help) in [
        (
            &[("cron", "0 24 * * *")][..],
            "`cron` of periodic `plain` is not a cron expression: `0 24 * * *`",
            "`24` is no hour: number out of bounds (it takes 0 to 23)",
        ),
        (&[("cron", "0 0 31 2 *")], "`cron` of periodic `plain` is not a cron expression: `0 0 31 2 *`", "never comes"),
        (
            &[("cron", "@daily"), ("tz", "Europe/Zürich")],
            "`tz` of periodic `plain` is not a time zone: `Europe/Zürich`",
            "did you mean \"Europe/Zurich\"?",
        ),
    ] {
        let problems = Rig::build::<plain>(options, Script::supplied(|_| async { Ok(()) })).err().unwrap_or_default();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].message, message);
        assert!(problems[0].help.as_ref().is_some_and(|said| said.contains(help)), "{problems:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_without_a_schedule_is_a_problem() {
    let problems = Rig::build::<plain>(&[], Script::supplied(|_| async { Ok(()) })).err().unwrap_or_default();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].message, "periodic `plain` has no schedule");
}

#[tokio::test(start_paused = true)]
async fn the_defaults_may_be_said() {
    let options = [EVERY, ("missed", "once"), ("overlap", "forbid"), ("on_failure", "continue")];
    let rig = Rig::new::<plain>(&options, Script::supplied(|_| async { Ok(()) }));
    assert_eq!(rig.runner.summary(), "every 100ms");
}

#[tokio::test(start_paused = true)]
async fn a_summary_says_what_is_not_the_default() {
    let options = [
        EVERY,
        ("run_at_start", "true"),
        ("jitter", "10ms"),
        ("missed", "skip"),
        ("overlap", "cancel-previous"),
        ("timeout", "5s"),
        ("on_failure", "stop-host"),
    ];
    let rig = Rig::new::<plain>(&options, Script::supplied(|_| async { Ok(()) }));
    assert_eq!(
        rig.runner.summary(),
        "every 100ms and at start, up to 10ms later, missed runs are skipped, a run cancels the former, at most 5s, \
         a failure stops the host"
    );
}

const ONCE: (&str, &str) = ("missed", "once");
const SKIP: (&str, &str) = ("missed", "skip");
const ALL: (&str, &str) = ("missed", "all");

/// The first run takes from 100 to 450, so that 200, 300 and 400 pass meanwhile.
fn long_first(number: usize) -> u64 {
    if number == 1 { 350 } else { 10 }
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_is_made_up_for_once_or_all_or_not_at_all() {
    let forbid = ("overlap", "forbid");
    let once = [(100, 0), (450, 3), (500, 0), (600, 0)];
    assert_eq!(runs(&[EVERY, ONCE, forbid], long_first, 650).await, once);
    assert_eq!(runs(&[EVERY, SKIP, forbid], long_first, 650).await, [(100, 0), (500, 3), (600, 0)]);
    // The last of the three begins at 470 and ends at 480, before 500.
    let all = [(100, 0), (450, 1), (460, 1), (470, 1), (500, 0), (600, 0)];
    assert_eq!(runs(&[EVERY, ALL, forbid], long_first, 650).await, all);
}

#[tokio::test(start_paused = true)]
async fn runs_that_may_overlap_begin_on_time_whatever_is_missed() {
    let allow = ("overlap", "allow");
    for missed in [ONCE, SKIP, ALL] {
        let expected = [(100, 0), (200, 0), (300, 0), (400, 0), (500, 0)];
        assert_eq!(runs(&[EVERY, missed, allow], long_first, 550).await, expected, "{missed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_run_drops_the_former_if_that_takes_no_token() {
    let newest = ("overlap", "cancel-previous");
    for missed in [ONCE, SKIP, ALL] {
        let expected = [(100, 0), (200, 0), (300, 0), (400, 0)];
        assert_eq!(runs(&[EVERY, missed, newest], |number| if number < 3 { 10_000 } else { 0 }, 450).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_is_cancelled_and_no_failure() {
    let (log, _guard) = listen();
    let outcomes = Log::<Outcome>::default();
    let mut supplied = Script::supplied(|_| std::future::pending());
    supplied.push(Supplied::foreign(outcomes.clone()));
    let rig = Rig::new::<kept>(&[EVERY, ("overlap", "cancel-previous"), ("on_failure", "stop-host")], supplied);
    let end = rig.start();
    pass(350).await;
    assert_eq!(outcomes.take(), [Outcome::Cancelled, Outcome::Cancelled]);
    rig.stop();
    rig.abandon();
    assert!(matches!(end.await, Ok(End::Abandoned)));
    assert_eq!(log.take(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_that_takes_the_token_is_told_and_has_until_the_next_instant() {
    let log = Log::default();
    let origin = now();
    let script = {
        let log = log.clone();
        Script::supplied(move |called| {
            let (log, missed) = (log.clone(), called.tick.map(|tick| tick.missed()));
            log.push((origin.elapsed().as_millis(), called.number, missed));
            async move {
                called.told().await;
                match called.number {
                    // Ends when it is told, with an error that is none.
                    1 => pass(30).await,
                    // Does not end by itself.
                    2 => std::future::pending().await,
                    _ => {}
                }
                failing("told to end")
            }
        })
    };
    let rig = Rig::new::<polite>(&[EVERY, ("overlap", "cancel-previous"), ("on_failure", "stop-host")], script);
    let end = rig.start();
    pass(550).await;
    // The second is told at 300 and dropped at 400; the third stands for both instants.
    assert_eq!(log.take(), [(100, 1, Some(0)), (230, 2, Some(0)), (400, 3, Some(1)), (500, 4, Some(0))]);
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_all_runs_that_overlap() {
    let log = Log::default();
    let rig = Rig::new::<plain>(&[EVERY, ("overlap", "allow")], recording(&log, |_| 1000));
    let end = rig.start();
    pass(350).await;
    assert_eq!(rig.state(), ServiceState::Running);
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!((rig.elapsed(), log.take().len()), (1300, 3));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_stops_the_host_takes_the_runs_beside_it_along() {
    let outcomes = Log::<Outcome>::default();
    let mut supplied = Script::supplied(|called: Called| async move {
        match called.number {
            3 => failing("third"),
            _ => std::future::pending().await,
        }
    });
    supplied.push(Supplied::foreign(outcomes.clone()));
    let rig = Rig::new::<kept>(&[EVERY, ("overlap", "allow"), ("on_failure", "stop-host")], supplied);
    assert!(matches!(rig.end().await, End::Failed(RunFailure::Returned(_))));
    let mut seen = outcomes.take();
    seen.sort_by_key(|outcome| format!("{outcome:?}"));
    assert_eq!(seen, [Outcome::Cancelled, Outcome::Cancelled, Outcome::Failed]);
}

#[tokio::test(start_paused = true)]
async fn jitter_delays_each_run_by_less_than_it_says_and_moves_no_other() {
    let begun = runs(&[EVERY, ("jitter", "40ms")], |_| 0, 20_050).await;
    assert_eq!(begun.len(), 200);
    let mut delays = std::collections::BTreeSet::new();
    for (number, (at, missed)) in (1..).zip(begun) {
        // Timers count in milliseconds.
        let delay = at - number * 100;
        assert!(delay <= 41, "{at}");
        assert_eq!(missed, 0);
        delays.insert(delay);
    }
    assert!(delays.len() > 10, "{delays:?}");
    // One that is longer than the period ends with it.
    for (at, missed) in runs(&[EVERY, ("jitter", "1h")], |_| 0, 5050).await {
        assert_eq!(missed, 0, "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_triggered_run_that_fails_is_logged_as_an_error() {
    let (log, _guard) = listen();
    let rig = Rig::new::<plain>(&[EVERY], Script::supplied(|_| async { failing("no") }));
    let triggered = Arc::clone(&rig.runner).trigger(rig.conduct.clone()).expect("it can be triggered").await;
    assert!(triggered.is_err());
    let lines = log.take();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("ERROR message=triggered run failed"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_timers_rest_side_by_side() {
    let rigs: Vec<_> =
        (0..100).map(|_| Rig::new::<plain>(&[("every", "1h")], Script::supplied(|_| async { Ok(()) }))).collect();
    // One of each stands for a hundred of them: the task is what is counted.
    let ends: Vec<_> = rigs.iter().flat_map(|rig| (0..100).map(|_| rig.start())).collect();
    pass(10 * 3600 * 1000).await;
    rigs.iter().for_each(Rig::stop);
    for end in ends {
        assert!(matches!(end.await, Ok(End::Done)));
    }
}
