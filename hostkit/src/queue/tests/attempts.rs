//! Items that are tried more than once.

use std::sync::Mutex;

use super::*;
use crate::runner::rig::hand_over;

/// Fails the attempts of each item that are listed, and writes down item, attempt and the time.
fn failing_at(log: &Log<(u64, u32, u128)>, fails: &'static [(u64, u32)]) -> Vec<Supplied> {
    let log = log.clone();
    let origin = crate::time::now();
    Script::supplied(move |called| {
        let log = log.clone();
        async move {
            let attempt = called.job.map_or(0, JobContext::attempt);
            log.push((called.payload, attempt, origin.elapsed().as_millis()));
            pass(10).await;
            if fails.contains(&(called.payload, attempt)) { failing("no") } else { Ok(()) }
        }
    })
}

const STEADY: &[(&str, &str)] = &[("attempts", "3"), ("backoff", "100ms")];

async fn enqueue(rig: &Rig, items: std::ops::Range<u64>) -> Queue<known_job> {
    let queue = rig.queue::<known_job>();
    for item in items {
        queue.enqueue(item).await.expect("the queue is open");
    }
    queue
}

#[tokio::test(start_paused = true)]
async fn a_failed_item_is_tried_again_and_the_worker_goes_on_meanwhile() {
    let log = Log::default();
    let rig = Rig::new::<known_job>(STEADY, failing_at(&log, &[(0, 1), (0, 2)]));
    let _end = rig.start();
    enqueue(&rig, 0..2).await;
    pass(1_000).await;
    let tried = log.take();
    let order: Vec<_> = tried.iter().map(|(item, attempt, _)| (*item, *attempt)).collect();
    assert_eq!(order, [(0, 1), (1, 1), (0, 2), (0, 3)]);
    // It failed after 10 ms, and the backoff is at least half of 100 ms.
    assert!((60..=121).contains(&tried[2].2), "{tried:?}");
    let counts = rig.runner.counts().unwrap_or_default();
    assert_eq!(counts, QueueCounts { done: 2, retried: 2, ..QueueCounts::default() });
}

#[tokio::test(start_paused = true)]
async fn after_the_last_attempt_an_item_has_failed() {
    let log = Log::default();
    let (lines, _guard) = listen();
    let rig = Rig::new::<known_job>(STEADY, failing_at(&log, &[(0, 1), (0, 2), (0, 3)]));
    let _end = rig.start();
    enqueue(&rig, 0..1).await;
    pass(1_000).await;
    assert_eq!(log.take().len(), 3);
    let counts = rig.runner.counts().unwrap_or_default();
    assert_eq!(counts, QueueCounts { failed: 1, retried: 2, ..QueueCounts::default() });
    let lines = lines.take();
    assert_eq!(lines.len(), 3, "each failure is logged once: {lines:?}");
    assert!(lines[0].contains("item failed; it is tried again") && lines[0].contains("attempt=1"), "{lines:?}");
    assert!(lines[2].contains("item failed; the queue goes on with the next"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn the_delay_doubles_up_to_its_cap() {
    let log = Log::default();
    let fails = &[(0, 1), (0, 2), (0, 3), (0, 4)];
    let rig = Rig::new::<known_job>(&[("attempts", "5"), ("backoff", "1s..2s")], failing_at(&log, fails));
    let _end = rig.start();
    enqueue(&rig, 0..1).await;
    pass(20_000).await;
    let at: Vec<_> = log.take().into_iter().map(|(_, _, at)| at).collect();
    let waits: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0] - 10).collect();
    assert_eq!(waits.len(), 4);
    assert!((500..=1_001).contains(&waits[0]), "{waits:?}");
    assert!(waits[1..].iter().all(|wait| (1_000..=2_001).contains(wait)), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_tried_again_like_an_error() {
    crate::component::install_panic_hook();
    let script = Script::supplied(|called| async move {
        assert!(called.number > 1, "the first attempt panics");
        Ok(())
    });
    let rig = Rig::new::<known_job>(STEADY, script);
    let _end = rig.start();
    enqueue(&rig, 0..1).await;
    pass(1_000).await;
    let counts = rig.runner.counts().unwrap_or_default();
    assert_eq!(counts, QueueCounts { done: 1, retried: 1, ..QueueCounts::default() });
}

#[tokio::test(start_paused = true)]
async fn items_that_wait_to_be_tried_again_push_back() {
    let options = [("attempts", "2"), ("backoff", "10s"), ("capacity", "2")];
    let rig = Rig::new::<known_job>(&options, Script::supplied(|_| async { failing("no") }));
    let _end = rig.start();
    let queue = rig.queue::<known_job>();
    for item in 0..4 {
        queue.enqueue(item).await.expect("the queue is open");
    }
    settle().await;
    assert!(queue.try_enqueue(4).is_err_and(|refused| refused.is_full()), "two failed and two wait");
    assert_eq!(rig.runner.counts().map(|counts| (counts.waiting, counts.retried)), Some((4, 2)));
    pass(11_000).await;
    queue.try_enqueue(4).expect("the first two have been tried again");
}

#[tokio::test(start_paused = true)]
async fn another_worker_sees_to_what_is_due_while_the_first_is_busy() {
    let log = Log::default();
    let writing = log.clone();
    let script = Script::supplied(move |called| {
        let log = writing.clone();
        async move {
            let attempt = called.job.map_or(0, JobContext::attempt);
            log.push((called.payload, attempt));
            match (called.payload, attempt) {
                (0, 1) => failing("no"),
                (0, _) => Ok(()),
                _ => std::future::pending().await,
            }
        }
    });
    let rig = Rig::new::<known_job>(&[("attempts", "2"), ("backoff", "1s"), ("concurrency", "2")], script);
    let _end = rig.start();
    let queue = enqueue(&rig, 0..1).await;
    settle().await;
    // Whoever waits for the second attempt takes this one.
    queue.enqueue(1).await.expect("the queue is open");
    pass(1_500).await;
    assert_eq!(log.take(), [(0, 1), (1, 1), (0, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_wait_and_tries_once_more() {
    let log = Log::default();
    let rig =
        Rig::new::<known_job>(&[("attempts", "5"), ("backoff", "1h")], failing_at(&log, &[(0, 1), (1, 1), (1, 2)]));
    let end = rig.start();
    enqueue(&rig, 0..2).await;
    pass(100).await;
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert!(rig.elapsed() < 1_000, "nobody waits an hour");
    let mut tried: Vec<_> = log.take().into_iter().map(|(item, attempt, _)| (item, attempt)).collect();
    tried.sort_unstable();
    assert_eq!(tried, [(0, 1), (0, 2), (1, 1), (1, 2)]);
    assert_eq!(rig.runner.leftovers().as_deref(), Some("1 item left waiting"));
    assert_eq!(hand_over(&rig).await, [1]);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_and_what_was_interrupted_is_handed_over() {
    let rig = Rig::new::<known_job>(&[("attempts", "2")], idle());
    let end = rig.start();
    enqueue(&rig, 0..4).await;
    settle().await;
    rig.stop();
    rig.abandon();
    assert!(matches!(end.await, Ok(End::Abandoned)));
    assert_eq!(rig.runner.leftovers().as_deref(), Some("3 items left waiting and 1 item interrupted"));
    let mut left = hand_over(&rig).await;
    left.sort_unstable();
    assert_eq!(left, [0, 1, 2, 3]);
    assert!(rig.runner.hand_over().is_none(), "once");
}

#[tokio::test(start_paused = true)]
async fn without_attempts_what_waited_is_handed_over() {
    let rig = Rig::new::<job>(&[("drain", "false")], idle());
    let queue = rig.queue::<job>();
    fill(&queue, 0..3).await;
    rig.runner.never_ran();
    assert!(queue.is_closed());
    assert_eq!(rig.runner.leftovers().as_deref(), Some("3 items left waiting"));
    assert_eq!(hand_over(&rig).await, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn each_of_many_items_is_done_once_whatever_fails() {
    let done = Arc::new(Mutex::new(Vec::new()));
    let writing = Arc::clone(&done);
    let script = Script::supplied(move |called| {
        let done = Arc::clone(&writing);
        async move {
            pass(fastrand::u64(0..20)).await;
            if called.job.map_or(0, JobContext::attempt) < 4 && fastrand::bool() {
                return failing("no");
            }
            done.lock().expect("nobody panics").push(called.payload);
            Ok(())
        }
    });
    let options = [("attempts", "4"), ("backoff", "1ms..50ms"), ("concurrency", "8"), ("capacity", "10")];
    let rig = Rig::new::<known_job>(&options, script);
    let end = rig.start();
    enqueue(&rig, 0..500).await;
    pass(10_000).await;
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    let mut done = std::mem::take(&mut *done.lock().expect("nobody panics"));
    done.sort_unstable();
    assert_eq!(done, (0..500).collect::<Vec<_>>());
}

#[tokio::test]
async fn attempts_are_for_payloads_that_can_be_copied() {
    let refused = Rig::build::<Tasks>(&[("attempts", "3")], Vec::new()).err().unwrap_or_default();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].message.contains("needs a payload that can be copied"), "{refused:?}");
}
