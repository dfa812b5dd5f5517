//! What happens when no place is free.

use super::*;

/// A queue with two places, both taken, whose worker has not started.
fn full(option: &str) -> (Rig, Queue<job>, Log<u64>) {
    let log = Log::default();
    let rig = Rig::new::<job>(&[("capacity", "2"), ("full", option)], recording(&log, 0));
    let queue = rig.queue::<job>();
    assert!(queue.try_enqueue(1).is_ok() && queue.try_enqueue(2).is_ok());
    (rig, queue, log)
}

async fn worked_off(rig: Rig, log: &Log<u64>) -> (Vec<u64>, u64) {
    let end = rig.start();
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    (log.take(), rig.runner.counts().map_or(0, |counts| counts.dropped))
}

#[tokio::test(start_paused = true)]
async fn reject_gives_the_payload_back() {
    let (rig, queue, log) = full("reject");
    let refused = queue.enqueue(3).await.expect_err("it is full");
    assert!(refused.is_full());
    assert_eq!(refused.into_payload(), 3);
    assert_eq!(worked_off(rig, &log).await, (vec![1, 2], 0));
}

#[tokio::test(start_paused = true)]
async fn drop_oldest_makes_way_for_the_new_one() {
    let (rig, queue, log) = full("drop-oldest");
    for item in 3..=5 {
        let receipt = queue.enqueue(item).await.expect("the queue is open");
        assert!(!receipt.is_dropped());
    }
    assert_eq!(worked_off(rig, &log).await, (vec![4, 5], 3));
}

#[tokio::test(start_paused = true)]
async fn drop_newest_says_in_the_receipt_that_it_was_dropped() {
    let (rig, queue, log) = full("drop-newest");
    assert!(queue.enqueue(3).await.expect("the queue is open").is_dropped());
    assert_eq!(worked_off(rig, &log).await, (vec![1, 2], 1));
}

#[tokio::test(start_paused = true)]
async fn trying_never_drops_anything() {
    for option in ["wait", "reject", "drop-oldest", "drop-newest"] {
        let (rig, queue, log) = full(option);
        assert!(queue.try_enqueue(3).is_err_and(|refused| refused.is_full()), "{option}");
        assert_eq!(worked_off(rig, &log).await, (vec![1, 2], 0), "{option}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_queue_says_so_whatever_full_means() {
    for option in ["wait", "reject", "drop-oldest", "drop-newest"] {
        let (rig, queue, log) = full(option);
        worked_off(rig, &log).await;
        let refused = queue.enqueue(3).await.expect_err("it is closed");
        assert!(refused.is_closed(), "{option}");
        assert_eq!(refused.into_payload(), 3);
    }
}
