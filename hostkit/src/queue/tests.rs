//! Queued functions and the task queue, driven as a host drives them.

mod attempts;
mod full;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::{JobContext, Queue, QueueCounts, TaskQueue};
use crate::component::{Outcome, RunFailure, Scopes, Supplied};
use crate::function::{Ended, Item, role};
use crate::registry::Registration;
use crate::runner::rig::{Log, Rig, Script, failing, job, kept_job, known_job, listen, pass, settle, told_job};
use crate::runner::{End, ServiceState, StopsWith};

/// Writes down each payload when its item ends, after some time.
fn recording(log: &Log<u64>, millis: u64) -> Vec<Supplied> {
    let log = log.clone();
    Script::supplied(move |called| {
        let log = log.clone();
        async move {
            pass(millis).await;
            log.push(called.payload);
            Ok(())
        }
    })
}

fn idle() -> Vec<Supplied> {
    Script::supplied(|_| std::future::pending())
}

async fn fill(queue: &Queue<job>, items: std::ops::Range<u64>) {
    for item in items {
        queue.enqueue(item).await.expect("the queue is open");
    }
}

#[tokio::test(start_paused = true)]
async fn items_come_out_in_the_order_in_which_they_went_in() {
    let log = Log::default();
    let rig = Rig::new::<job>(&[("capacity", "7")], recording(&log, 1));
    let end = rig.start();
    fill(&rig.queue(), 0..100).await;
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(log.take(), (0..100).collect::<Vec<_>>());
    assert_eq!(rig.runner.stops(), StopsWith::Queues);
}

#[tokio::test(start_paused = true)]
async fn concurrency_says_how_many_items_are_worked_on_at_once() {
    let log = Log::default();
    let rig = Rig::new::<job>(&[("concurrency", "4")], recording(&log, 100));
    let end = rig.start();
    fill(&rig.queue(), 0..12).await;
    pass(50).await;
    assert_eq!(rig.runner.counts().map(|counts| counts.running), Some(4));
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(rig.elapsed(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_makes_whoever_enqueues_wait() {
    let log = Log::default();
    let rig = Rig::new::<job>(&[("capacity", "2")], recording(&log, 100));
    let _end = rig.start();
    let queue = rig.queue::<job>();
    fill(&queue, 0..3).await;
    settle().await;
    assert_eq!(rig.elapsed(), 0, "one in work, two waiting");
    queue.enqueue(3).await.expect("the queue is open");
    assert_eq!(rig.elapsed(), 100);
}

#[tokio::test]
async fn a_full_queue_says_so_and_gives_the_payload_back() {
    let rig = Rig::new::<job>(&[("capacity", "2")], idle());
    let queue = rig.queue::<job>();
    assert!(queue.try_enqueue(1).is_ok() && queue.try_enqueue(2).is_ok());
    let refused = queue.try_enqueue(3).expect_err("it holds two");
    assert!(refused.is_full() && !refused.is_closed());
    assert_eq!(refused.to_string(), "the queue is full");
    assert_eq!(format!("{refused:?}"), "EnqueueError(Full)");
    assert_eq!(refused.into_payload(), 3);
    assert_eq!((queue.len(), queue.capacity(), queue.is_empty()), (2, 2, false));
    assert_eq!(format!("{queue:?}"), "Queue { function: \"job\", len: 2, capacity: 2 }");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_enqueue_leaves_nothing_behind() {
    let log = Log::default();
    let rig = Rig::new::<job>(&[("capacity", "1")], recording(&log, 100));
    let queue = rig.queue::<job>();
    queue.enqueue(1).await.expect("the queue is open");
    {
        let mut waiting = std::pin::pin!(queue.enqueue(2));
        assert!(waiting.as_mut().now_or_never().is_none(), "the queue is full");
    }
    let end = rig.start();
    settle().await;
    queue.enqueue(3).await.expect("the queue is open");
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(log.take(), [1, 3]);
}

#[tokio::test(start_paused = true)]
async fn one_cancelled_enqueue_does_not_swallow_the_place_of_another() {
    let log = Log::default();
    let rig = Rig::new::<job>(&[("capacity", "1")], recording(&log, 100));
    let queue = rig.queue::<job>();
    queue.enqueue(1).await.expect("the queue is open");
    let mut second = Box::pin(queue.enqueue(2));
    let mut third = Box::pin(queue.enqueue(3));
    assert!(second.as_mut().now_or_never().is_none() && third.as_mut().now_or_never().is_none());
    let end = rig.start();
    settle().await;
    drop(second);
    third.await.expect("the place of the second is the third's");
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(log.take(), [1, 3]);
}

#[tokio::test(start_paused = true)]
async fn items_may_wait_for_the_host_to_start() {
    let log = Log::default();
    let rig = Rig::new::<job>(&[], recording(&log, 0));
    fill(&rig.queue(), 0..5).await;
    let end = rig.start();
    settle().await;
    assert_eq!(log.take(), [0, 1, 2, 3, 4]);
    assert_eq!(rig.state(), ServiceState::Running);
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(rig.state(), ServiceState::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_queue_is_closed_also_for_those_who_wait() {
    let log = Log::default();
    let rig = Rig::new::<job>(&[("capacity", "1")], recording(&log, 100));
    let end = rig.start();
    let queue = rig.queue::<job>();
    fill(&queue, 0..1).await;
    settle().await;
    fill(&queue, 1..2).await;
    let mut waiting = std::pin::pin!(queue.enqueue(2));
    assert!(waiting.as_mut().now_or_never().is_none());
    rig.stop();
    let refused = waiting.await.expect_err("the queue is closed");
    assert!(refused.is_closed());
    assert_eq!(refused.into_payload(), 2);
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(log.take(), [0, 1], "what had been accepted is drained");
    assert!(queue.is_closed());
    assert!(queue.try_enqueue(3).is_err_and(|refused| refused.is_closed()));
    assert_eq!(rig.runner.leftovers(), None);
}

#[tokio::test]
async fn the_queue_of_a_host_that_is_gone_is_closed() {
    let rig = Rig::new::<job>(&[], idle());
    let queue = rig.queue::<job>();
    drop(rig);
    assert!(queue.enqueue(1).await.is_err_and(|refused| refused.is_closed()));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_drained_at_the_deadline_is_counted() {
    let log = Log::default();
    let rig = Rig::new::<job>(&[("concurrency", "2")], recording(&log, 100));
    let end = rig.start();
    fill(&rig.queue(), 0..10).await;
    settle().await;
    rig.stop();
    pass(250).await;
    rig.abandon();
    assert!(matches!(end.await, Ok(End::Abandoned)));
    assert_eq!(log.take(), [0, 1, 2, 3]);
    assert_eq!(rig.runner.leftovers().as_deref(), Some("4 items left waiting and 2 items interrupted"));
}

#[tokio::test(start_paused = true)]
async fn without_drain_what_waits_is_left_at_once() {
    let log = Log::default();
    let rig = Rig::new::<job>(&[("drain", "false")], recording(&log, 100));
    let end = rig.start();
    fill(&rig.queue(), 0..4).await;
    settle().await;
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(rig.elapsed(), 100);
    assert_eq!(log.take(), [0], "the item under way may finish");
    assert_eq!(rig.runner.leftovers().as_deref(), Some("3 items left waiting"));
}

#[tokio::test(start_paused = true)]
async fn an_item_under_way_is_told_and_one_begun_later_is_not() {
    let told = Log::default();
    let script = {
        let told = told.clone();
        Script::supplied(move |called| {
            let told = told.clone();
            async move {
                let stop = called.stop.expect("it takes the token");
                let waited = stop.run_until_cancelled(pass(1000)).await;
                told.push((called.payload, waited.is_none()));
                Ok(())
            }
        })
    };
    let rig = Rig::new::<told_job>(&[], script);
    let end = rig.start();
    let queue = rig.queue::<told_job>();
    for item in 0..2 {
        queue.enqueue(item).await.expect("the queue is open");
    }
    settle().await;
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(told.take(), [(0, true), (1, false)]);
    assert_eq!(rig.elapsed(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_failing_item_harms_no_other() {
    let done = Log::default();
    let script = {
        let done = done.clone();
        Script::supplied(move |called| {
            let done = done.clone();
            async move {
                match called.payload {
                    0 => return failing("no such order"),
                    1 => panic!("out of range"),
                    2 => std::future::pending().await,
                    other => done.push(other),
                }
                Ok(())
            }
        })
    };
    let rig = Rig::new::<job>(&[("timeout", "1s")], script);
    let end = rig.start();
    fill(&rig.queue(), 0..5).await;
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(done.take(), [3, 4]);
    assert_eq!(rig.runner.counts(), Some(QueueCounts { done: 2, failed: 3, ..QueueCounts::default() }));
    assert_eq!(rig.elapsed(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_failing_item_is_logged_once_and_without_its_payload() {
    let (log, _guard) = listen();
    let script = Script::supplied(|called| async move {
        assert_ne!(called.payload, 4711, "out of range");
        failing("no such order")
    });
    let rig = Rig::new::<job>(&[], script);
    let end = rig.start();
    let queue = rig.queue::<job>();
    queue.enqueue(4712).await.expect("the queue is open");
    queue.enqueue(4711).await.expect("the queue is open");
    settle().await;
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    let lines = log.take();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    let next = "message=item failed; the queue goes on with the next";
    assert_eq!(lines[0], format!("WARN {next} service=\"job\" error=no such order"));
    assert!(lines[1].starts_with(&format!("ERROR {next}")), "a panic is a bug: {}", lines[1]);
    assert!(!lines[0].contains("4712"));
}

#[tokio::test(start_paused = true)]
async fn an_item_that_panics_while_it_is_dropped_harms_no_other() {
    struct Grenade;
    impl Drop for Grenade {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let script = Script::supplied(|called| async move {
        if called.payload == 0 {
            let _held = Grenade;
            std::future::pending::<()>().await;
        }
        Ok(())
    });
    let rig = Rig::new::<job>(&[("timeout", "1s")], script);
    let end = rig.start();
    fill(&rig.queue(), 0..3).await;
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(rig.runner.counts(), Some(QueueCounts { done: 2, failed: 1, ..QueueCounts::default() }));
}

#[tokio::test(start_paused = true)]
async fn a_failure_may_stop_the_host_and_leaves_what_waits() {
    let script = Script::supplied(|called| async move {
        match called.payload {
            0 => pass(500).await,
            1 => {
                pass(100).await;
                return failing("no disk");
            }
            other => panic!("item {other} was begun"),
        }
        Ok(())
    });
    let rig = Rig::new::<job>(&[("on_failure", "stop-host"), ("concurrency", "2")], script);
    let end = rig.start();
    let queue = rig.queue::<job>();
    fill(&queue, 0..5).await;
    assert!(matches!(end.await, Ok(End::Failed(RunFailure::Returned(_)))));
    assert_eq!(rig.elapsed(), 500, "the other item under way may finish");
    assert_eq!(rig.runner.leftovers().as_deref(), Some("3 items left waiting"));
    assert!(queue.is_closed());
}

#[tokio::test(start_paused = true)]
async fn an_item_beside_a_failed_one_is_dropped_after_its_time() {
    let script = Script::supplied(|called| async move {
        if called.payload == 0 { std::future::pending().await } else { failing("no disk") }
    });
    let options = [("on_failure", "stop-host"), ("concurrency", "2"), ("stop_timeout", "3s")];
    let rig = Rig::new::<job>(&options, script);
    fill(&rig.queue(), 0..2).await;
    assert!(matches!(rig.end().await, End::Failed(_)));
    assert_eq!(rig.elapsed(), 3000);
    assert_eq!(rig.runner.leftovers().as_deref(), Some("1 item interrupted"));
}

#[tokio::test(start_paused = true)]
async fn every_item_has_a_scope_of_its_own_that_learns_how_it_ended() {
    let outcomes = Log::<Outcome>::default();
    let mut supplied = Script::supplied(|called| async move {
        match called.payload {
            0 => Ok(()),
            1 => failing("no"),
            2 => panic!("no"),
            _ => std::future::pending().await,
        }
    });
    supplied.push(Supplied::foreign(outcomes.clone()));
    let rig = Rig::new::<kept_job>(&[], supplied);
    let end = rig.start();
    let queue = rig.queue::<kept_job>();
    for item in 0..4 {
        queue.enqueue(item).await.expect("the queue is open");
    }
    settle().await;
    rig.stop();
    rig.abandon();
    assert!(matches!(end.await, Ok(End::Abandoned)));
    settle().await;
    rig.conduct.container.reaped().await;
    let expected = [Outcome::Succeeded, Outcome::Failed, Outcome::Failed, Outcome::Cancelled];
    assert_eq!(outcomes.take(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_job_knows_its_queue_and_its_number() {
    let log = Log::default();
    let script = {
        let log = log.clone();
        Script::supplied(move |called| {
            log.push(called.job.expect("it asks for it"));
            async { Ok(()) }
        })
    };
    let rig = Rig::new::<known_job>(&[], script);
    let end = rig.start();
    let queue = rig.queue::<known_job>();
    for item in 0..2 {
        queue.enqueue(item).await.expect("the queue is open");
    }
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    let seen = log.take();
    assert_eq!(seen, [JobContext::new("known_job", 1), JobContext::new("known_job", 2)]);
    assert_eq!((seen[0].queue(), seen[0].run(), seen[0].attempt()), ("known_job", 1, 1));
}

#[tokio::test]
async fn a_queue_that_is_never_empty_lets_other_tasks_run() {
    let rounds = Arc::new(AtomicUsize::new(0));
    let queue: Arc<std::sync::OnceLock<Queue<job>>> = Arc::default();
    let script = {
        let (rounds, queue) = (Arc::clone(&rounds), Arc::clone(&queue));
        Script::supplied(move |_| {
            rounds.fetch_add(1, Ordering::Relaxed);
            // Each item enqueues the next, so that the worker never has to wait.
            queue.get().map(|queue| queue.try_enqueue(0));
            async { Ok(()) }
        })
    };
    let rig = Rig::new::<job>(&[], script);
    let handle = rig.queue::<job>();
    handle.try_enqueue(0).expect("the queue is empty");
    queue.set(handle).expect("it is set once");
    let end = rig.start();
    settle().await;
    let rounds = rounds.load(Ordering::Relaxed);
    assert!(rounds > 100, "it is busy: {rounds}");
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
}

#[tokio::test]
async fn a_handle_is_used_from_other_threads() {
    fn everywhere<T: Clone + Send + Sync + 'static>(_: &T) {}
    let log = Log::default();
    let rig = Rig::new::<job>(&[], recording(&log, 0));
    let queue = rig.queue::<job>();
    everywhere(&queue);
    // Outside of any runtime.
    let thread = std::thread::spawn(move || (queue.try_enqueue(1), queue.enqueue(2).now_or_never()));
    let (first, second) = thread.join().expect("the thread does not panic");
    assert!(first.is_ok() && second.is_some_and(|enqueued| enqueued.is_ok()));
    let end = rig.start();
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(log.take(), [1, 2]);
}

#[tokio::test]
async fn whether_it_is_durable_is_not_for_configuration_to_say() {
    let problems = Rig::build::<job>(&[("durable", "true")], idle()).err().unwrap_or_default();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].message.contains("cannot be configured"), "{problems:?}");
    assert!(problems[0].help.is_some());
}

#[tokio::test]
async fn the_summary_says_what_differs_from_the_defaults() {
    let summary = |options: &[_]| Rig::new::<job>(options, idle()).runner.summary();
    let same = [("full", "wait"), ("attempts", "1"), ("drain", "true"), ("timeout", "none")];
    assert_eq!(summary(&same), "capacity 100, concurrency 1");
    assert_eq!(
        summary(&[("full", "drop-oldest"), ("timeout", "5s"), ("attempts", "3"), ("backoff", "1s..8s")]),
        "capacity 100, concurrency 1, drop-oldest when full, at most 5s each, 3 attempts 1s..8s apart"
    );
}

/// The task queue as a function of its own.
struct Tasks;

impl Item for Tasks {
    type Role = role::Called;
    const REGISTRATION: Registration = Registration::Service(TaskQueue::ENTRY);
}

fn task_queue(options: &[(&str, &str)]) -> (Rig, TaskQueue) {
    let rig = Rig::new::<Tasks>(options, Vec::new());
    let queue = rig.runner.handle().and_then(|handle| handle.downcast().ok());
    (rig, *queue.expect("the task queue has a handle"))
}

#[tokio::test(start_paused = true)]
async fn closures_run_one_after_the_other() {
    let (rig, queue) = task_queue(&[]);
    assert_eq!(queue.capacity(), 100);
    let end = rig.start();
    let log = Log::default();
    for number in 0..3 {
        let log = log.clone();
        let task = move |_scopes: Scopes, stop: CancellationToken| async move {
            assert!(!stop.is_cancelled());
            pass(100).await;
            log.push(number);
        };
        queue.enqueue(task).await.expect("the queue is open");
    }
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert_eq!(log.take(), [0, 1, 2]);
    assert_eq!(rig.elapsed(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_closure_may_fail_and_is_told_to_stop() {
    let (rig, queue) = task_queue(&[("capacity", "1")]);
    let end = rig.start();
    queue.enqueue(|_, _| async { Err::<(), _>("no") }).await.expect("the queue is open");
    queue
        .enqueue(|_, stop| async move {
            stop.cancelled().await;
            Ended::Ok(())
        })
        .await
        .expect("the queue is open");
    settle().await;
    queue.try_enqueue(|_, _| async {}).expect("a place is free");
    assert!(queue.try_enqueue(|_, _| async {}).is_err_and(|refused| refused.is_full()));
    rig.stop();
    assert!(matches!(end.await, Ok(End::Done)));
    assert!(queue.enqueue(|_, _| async {}).await.is_err_and(|refused| refused.is_closed()));
    assert_eq!(rig.runner.counts(), Some(QueueCounts { done: 2, failed: 1, ..QueueCounts::default() }));
}
