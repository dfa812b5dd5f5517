//! Background services and hooks, driven as a host drives them.

use std::time::Duration;

use super::Ready;
use crate::component::{Outcome, RunFailure, Supplied};
use crate::runner::rig::{
    Called, Log, Rig, Script, announced, failing, listen, migrate, numbered, pass, settle, told, untold, whole,
};
use crate::runner::{End, ServiceState};

const RESTART: (&str, &str) = ("on_failure", "restart");

fn message(end: &End) -> String {
    match end {
        End::Failed(failure) => failure.to_string(),
        other => format!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_returns_is_done_and_lets_the_host_end() {
    let rig = Rig::new::<untold>(&[], Script::supplied(|_| async { Ok(()) }));
    assert!(matches!(rig.end().await, End::Done));
    assert_eq!(rig.state(), ServiceState::Completed);
    assert!(!rig.runner.keeps_host_alive());
}

#[tokio::test(start_paused = true)]
async fn what_follows_completion_is_the_services_choice() {
    for (option, stops, keeps) in [("done", false, false), ("keep-running", false, true), ("stop-host", true, false)] {
        let rig = Rig::new::<untold>(&[("on_complete", option)], Script::supplied(|_| async { Ok(()) }));
        let end = rig.end().await;
        assert_eq!(matches!(end, End::StopHost), stops, "{option}: {end:?}");
        assert_eq!(rig.runner.keeps_host_alive(), keeps, "{option}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_may_be_started_again_when_it_completes() {
    let script =
        Script::supplied(
            |called| async move { if called.number < 20 { Ok(()) } else { std::future::pending().await } },
        );
    let rig = Rig::new::<untold>(&[("on_complete", "restart"), ("max_restarts", "1")], script);
    let end = rig.start();
    pass(60_000).await;
    assert_eq!(rig.state(), ServiceState::Running);
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
}

#[tokio::test(start_paused = true)]
async fn a_service_is_ready_when_it_is_first_polled() {
    let rig = Rig::new::<untold>(&[], Script::supplied(|_| std::future::pending()));
    assert_eq!(rig.state(), ServiceState::Waiting);
    let _end = rig.start();
    settle().await;
    assert!(rig.state().has_been_ready());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_asks_for_ready_is_ready_when_it_says_so() {
    let rig = Rig::new::<announced>(
        &[],
        Script::supplied(|called| async move {
            pass(100).await;
            called.ready.iter().for_each(Ready::notify);
            std::future::pending().await
        }),
    );
    let _end = rig.start();
    pass(99).await;
    assert_eq!(rig.state(), ServiceState::Starting);
    pass(2).await;
    assert_eq!(rig.state(), ServiceState::Running);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_take_the_token_is_dropped_at_stop() {
    let rig = Rig::new::<untold>(&[], Script::supplied(|_| std::future::pending()));
    let end = rig.start();
    settle().await;
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(rig.state(), ServiceState::Stopped);
    assert_eq!(rig.elapsed(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_takes_the_token_ends_in_its_own_time() {
    let script = Script::supplied(|called| async move {
        called.told().await;
        pass(300).await;
        Ok(())
    });
    let rig = Rig::new::<told>(&[], script);
    let end = rig.start();
    settle().await;
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(rig.elapsed(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_ignores_its_token_is_dropped_at_the_deadline() {
    let rig = Rig::new::<told>(&[], Script::supplied(|_| std::future::pending()));
    let end = rig.start();
    settle().await;
    rig.stop();
    settle().await;
    assert!(!end.is_finished());
    rig.abandon();
    assert!(matches!(end.await, Ok(End::Abandoned)));
}

#[tokio::test(start_paused = true)]
async fn an_error_while_stopping_is_no_failure_and_a_panic_is_one() {
    for panics in [false, true] {
        let script = Script::supplied(move |called| async move {
            called.told().await;
            assert!(!panics, "while stopping");
            failing("cancelled")
        });
        let rig = Rig::new::<told>(&[RESTART], script);
        let end = rig.start();
        settle().await;
        rig.stop();
        let end = end.await.expect("a runner does not panic");
        assert_eq!(matches!(end, End::Failed(RunFailure::Panicked(_))), panics, "{end:?}");
        assert_eq!(matches!(end, End::Done), !panics, "{end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_stops_the_host_unless_the_service_says_otherwise() {
    let rig = Rig::new::<untold>(&[], Script::supplied(|_| async { failing("no such table") }));
    assert_eq!(message(&rig.end().await), "no such table");
    assert_eq!(rig.state(), ServiceState::Failed { error: "no such table".to_owned() });
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_with_its_message_and_place() {
    let rig = Rig::new::<untold>(&[], Script::supplied(|_| async { panic!("index {} is out", 9) }));
    let message = message(&rig.end().await);
    assert!(message.starts_with("panicked: index 9 is out"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn an_ignored_failure_is_shown_and_stops_nothing() {
    let rig = Rig::new::<untold>(&[("on_failure", "ignore")], Script::supplied(|_| async { failing("gone") }));
    assert!(matches!(rig.end().await, End::Done));
    assert_eq!(rig.state(), ServiceState::Failed { error: "gone".to_owned() });
}

#[tokio::test(start_paused = true)]
async fn a_failed_service_is_restarted_with_growing_delays() {
    let times = Log::default();
    let script = {
        let times = times.clone();
        Script::supplied(move |_| {
            times.push(crate::time::now());
            async { failing("again") }
        })
    };
    let rig = Rig::new::<untold>(&[RESTART, ("max_restarts", "4")], script);
    assert_eq!(message(&rig.end().await), "again");
    let times = times.take();
    assert_eq!(times.len(), 5, "one call and four restarts");
    for (n, pair) in times.windows(2).enumerate() {
        let (delay, all) = ((pair[1] - pair[0]).as_millis(), 1000 << n);
        assert!(delay >= all / 2 && delay <= all + 1, "restart {n} after {delay} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn every_failure_is_logged_once_with_what_happens_next() {
    let (log, _guard) = listen();
    let script = Script::supplied(|called| async move {
        assert_ne!(called.number, 2, "no such table");
        failing("no connection")
    });
    let rig = Rig::new::<untold>(&[RESTART, ("max_restarts", "2"), ("backoff", "2s")], script);
    rig.end().await;
    let lines = log.take();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines[0].starts_with("WARN message=failed; restarted in "), "{}", lines[0]);
    assert!(lines[0].contains(" service=\"untold\" ") && lines[0].contains(" error=no connection "), "{}", lines[0]);
    assert!(lines[1].contains(" error=panicked: assertion `left != right` failed: no such table"), "{}", lines[1]);
    assert!(lines[2].starts_with("ERROR message=failed, and 2 restarts within 10m are used up; the host stops"));
}

#[tokio::test(start_paused = true)]
async fn the_instant_of_the_next_try_is_shown() {
    let rig = Rig::new::<untold>(&[RESTART, ("backoff", "10s")], Script::supplied(|_| async { failing("again") }));
    let _end = rig.start();
    settle().await;
    let ServiceState::Restarting { at } = rig.state() else { panic!("{:?}", rig.state()) };
    let delay = at - rig.origin;
    assert!(delay >= Duration::from_secs(5) && delay <= Duration::from_secs(10), "{delay:?}");
}

#[tokio::test(start_paused = true)]
async fn the_budget_heals_after_a_healthy_stretch() {
    // Two failures at once, then a healthy stretch, five times over: each time the whole budget is there again.
    let script = Script::supplied(|called| async move {
        if called.number % 2 == 0 {
            pass(60_000).await;
        }
        failing("again")
    });
    let options = [RESTART, ("max_restarts", "2"), ("within", "1m"), ("backoff", "1s")];
    let rig = Rig::new::<untold>(&options, script);
    let end = rig.start();
    pass(5 * 60_000).await;
    assert!(!end.is_finished());
}

#[tokio::test(start_paused = true)]
async fn failures_that_lie_far_apart_do_not_add_up() {
    let script = Script::supplied(|_| async {
        pass(40_000).await;
        failing("again")
    });
    let rig = Rig::new::<untold>(&[RESTART, ("max_restarts", "2"), ("within", "1m"), ("backoff", "1s")], script);
    let end = rig.start();
    pass(60 * 60_000).await;
    assert!(!end.is_finished(), "never more than two restarts in any minute");
}

#[tokio::test(start_paused = true)]
async fn a_stop_during_backoff_ends_it_at_once() {
    let rig = Rig::new::<untold>(&[RESTART, ("backoff", "1h")], Script::supplied(|_| async { failing("again") }));
    let end = rig.start();
    pass(1000).await;
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(rig.elapsed(), 1000);
    assert_eq!(rig.state(), ServiceState::Stopped);
}

#[tokio::test(start_paused = true)]
async fn each_start_has_a_token_of_its_own() {
    let script = Script::supplied(|called| async move {
        let stop = called.stop.expect("it takes the token");
        assert!(!stop.is_cancelled());
        stop.cancel();
        if called.number < 3 { failing("again") } else { Ok(()) }
    });
    let rig = Rig::new::<told>(&[RESTART], script);
    assert!(matches!(rig.end().await, End::Done));
    assert!(!rig.conduct.stop.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn the_disposer_of_a_finite_worker_learns_how_it_ended() {
    async fn body(called: Called) -> crate::function::Ended {
        match called.number {
            1 => failing("again"),
            2 => panic!("again"),
            3 => Ok(()),
            _ => std::future::pending().await,
        }
    }
    let outcomes = Log::<Outcome>::default();
    let mut supplied = Script::supplied(body);
    supplied.push(Supplied::foreign(outcomes.clone()));
    let options = [RESTART, ("on_complete", "restart"), ("scope", "whole-run")];
    let rig = Rig::new::<whole>(&options, supplied);
    assert!(!rig.runner.is_host_long());
    let end = rig.start();
    pass(60_000).await;
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(
        outcomes.take(),
        [Outcome::Failed, Outcome::Failed, Outcome::Succeeded, Outcome::Cancelled],
        "each start has a scope of its own"
    );
}

#[tokio::test(start_paused = true)]
async fn instances_know_their_number_and_end_together() {
    let seen = Log::default();
    let script = {
        let seen = seen.clone();
        Script::supplied(move |called| {
            let instance = called.instance.expect("it asks for it");
            seen.push((instance.index(), instance.count()));
            async move {
                called.told().await;
                pass(100 * instance.index() as u64).await;
                Ok(())
            }
        })
    };
    let rig = Rig::new::<numbered>(&[("instances", "3")], script);
    let end = rig.start();
    settle().await;
    assert_eq!(rig.state(), ServiceState::Running);
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(rig.elapsed(), 200);
    let mut seen = seen.take();
    seen.sort_unstable();
    assert_eq!(seen, [(0, 3), (1, 3), (2, 3)]);
}

#[tokio::test(start_paused = true)]
async fn one_instance_that_fails_for_good_ends_the_others() {
    for (polite, elapsed) in [(true, 1000), (false, 1000 + 2000)] {
        let script = Script::supplied(move |called| async move {
            pass(1000).await;
            match called.instance.map(crate::Instance::index) {
                Some(1) => failing("instance 1"),
                _ if polite => {
                    called.told().await;
                    Ok(())
                }
                _ => std::future::pending().await,
            }
        });
        let rig = Rig::new::<numbered>(&[("instances", "4"), ("stop_timeout", "2s")], script);
        assert_eq!(message(&rig.end().await), "instance 1");
        assert_eq!(rig.elapsed(), elapsed);
        assert!(matches!(rig.state(), ServiceState::Failed { .. }));
    }
}

#[tokio::test(start_paused = true)]
async fn faulty_options_are_all_listed() {
    let options = [("on_failure", "retry"), ("instances", "0"), ("backoff", "soon"), ("max_restart", "3")];
    let Err(problems) = Rig::build::<untold>(&options, Script::supplied(|_| async { Ok(()) })) else {
        panic!("these options are faulty")
    };
    assert_eq!(problems.len(), options.len(), "{problems:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_hook_runs_to_completion_even_if_the_host_stops() {
    let script = Script::supplied(|_| async {
        pass(500).await;
        Ok(())
    });
    let rig = Rig::new::<migrate>(&[], script);
    let end = rig.start();
    settle().await;
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(rig.elapsed(), 500);
}

#[tokio::test(start_paused = true)]
async fn a_hook_fails_with_its_error_its_panic_or_its_timeout() {
    for (number, expected) in [(1, "no such table"), (2, "panicked: no such table"), (3, "did not finish within 1s")] {
        let script = Script::supplied(move |_| async move {
            match number {
                1 => failing("no such table"),
                2 => panic!("no such table"),
                _ => std::future::pending().await,
            }
        });
        let message = message(&Rig::new::<migrate>(&[("timeout", "1s")], script).end().await);
        assert!(message.starts_with(expected), "{message}");
    }
}
