//! How long an item waits until its work begins, at a thousand items a second.

#![allow(dead_code, reason = "no bench uses all of it")]
#![allow(clippy::disallowed_methods, reason = "a bench looks at the real clock")]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

/// How many items one turn sends, one every millisecond: half a second.
pub(crate) const ITEMS: usize = 500;

static WAITED: [AtomicU64; ITEMS] = [const { AtomicU64::new(0) }; ITEMS];
static BEGUN: AtomicUsize = AtomicUsize::new(0);
static ALL: Notify = Notify::const_new();

/// Nanoseconds since the first call: what an item carries, because not everything can carry an `Instant`.
pub(crate) fn now() -> u64 {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    u64::try_from(EPOCH.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The work of every item: it begins.
pub(crate) fn begun(sent: u64) {
    let waited = now().saturating_sub(sent);
    let index = BEGUN.fetch_add(1, Ordering::Relaxed);
    WAITED[index % ITEMS].store(waited, Ordering::Relaxed);
    if index + 1 == ITEMS {
        ALL.notify_one();
    }
}

/// Sends a turn's items and waits until all have begun: the median and the 99th percentile of what they waited.
pub(crate) async fn turn(mut send: impl AsyncFnMut(u64)) -> [Duration; 2] {
    BEGUN.store(0, Ordering::Relaxed);
    let mut ticks = interval(Duration::from_millis(1));
    // One item a tick, whatever happened before: what is sent late is no burst.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..ITEMS {
        ticks.tick().await;
        send(now()).await;
    }
    ALL.notified().await;
    let mut waited: Vec<u64> = WAITED.iter().map(|waited| waited.load(Ordering::Relaxed)).collect();
    waited.sort_unstable();
    [waited[ITEMS / 2], waited[ITEMS * 99 / 100]].map(Duration::from_nanos)
}
