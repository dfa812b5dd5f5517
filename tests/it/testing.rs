//! The test kit, used as a program's tests use it.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use futures_util::FutureExt;
use hostkit::testing::{Drained, EventKind, Fault, RunEnd, TestClock, TestHost};
use hostkit::{BoxFuture, CancellationToken, Ext, Host, JobContext, Outcome, Queue, ServiceState, TaskQueue, Tick};

use crate::support::{Log, without_lines};

/// An instant as people write it.
fn at(text: &str) -> SystemTime {
    humantime(text)
}

fn humantime(text: &str) -> SystemTime {
    TestClock::at(text).now()
}

/// What a failed assertion says.
fn said(failed: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(AssertUnwindSafe(failed)).expect_err("it was to fail");
    text_of(&*panic)
}

async fn said_by(failed: impl Future<Output = ()>) -> String {
    let panic = AssertUnwindSafe(failed).catch_unwind().await.expect_err("it was to fail");
    text_of(&*panic)
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    without_lines(&text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).expect("a text"))
}

async fn stop(host: TestHost) {
    host.stop().await.unwrap_or_else(|error| panic!("{error}"));
}

// Time.

#[hostkit::periodic(cron = "*/5 * * * *")]
async fn every_five_minutes(tick: Tick, log: Ext<Ticks>) {
    log.0.fetch_add(1, Ordering::Relaxed);
    assert_eq!(tick.missed(), 0);
}

#[derive(Default)]
struct Ticks(AtomicU64);

#[tokio::test]
async fn a_month_of_cron_passes() {
    let clock = TestClock::at("2026-03-01T00:00:00Z");
    let mut builder = Host::empty();
    let host = builder.with::<every_five_minutes>().provide(Ticks::default()).test_clock(&clock).test().await;
    let began = Instant::now();
    host.advance_to("2026-04-01T00:00:00Z").await;
    let took = began.elapsed();
    println!("a month of cron, 8928 runs: {took:?}");
    host.assert_runs::<every_five_minutes>(8928);
    host.assert_no_failures();
    let runs = host.runs::<every_five_minutes>();
    assert_eq!(runs[0].began, at("2026-03-01T00:05:00Z"));
    assert_eq!(runs[8927].began, at("2026-04-01T00:00:00Z"));
    assert!(runs.iter().all(|run| run.succeeded() && run.ended.as_ref().is_some_and(|(when, _)| *when == run.began)));
    assert_eq!(host.now(), at("2026-04-01T00:00:00Z"));
    stop(host).await;
}
