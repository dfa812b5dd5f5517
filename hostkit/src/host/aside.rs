//! What the side thread has to say, said by a thread that lives for as long as that takes: a subscriber, or whoever should
//! read its output, may block.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::tasks::thread;
use crate::time::show_rounded;

/// While nobody reads, this many lines are kept; the rest is dropped.
const MOST: usize = 64;

/// A line for the log.
#[derive(Debug)]
pub(super) enum Aside {
    Stalls { service: &'static str, held: Duration },
    GaveWay { service: &'static str, held: Duration },
    Revived(&'static str),
    Unhealthy(String),
    Healthy,
}

impl Aside {
    fn say(self) {
        match self {
            Self::Stalls { service, held } => tracing::warn!(
                target: "hostkit::service", service,
                "holds its thread for {} without an await; work that takes long belongs on the blocking pool",
                show_rounded(held)
            ),
            Self::GaveWay { service, held } => tracing::info!(
                target: "hostkit::service", service, "gave way after it had held its thread for {}", show_rounded(held)
            ),
            Self::Revived(name) => {
                tracing::error!(target: "hostkit::host", "the {name} had ended and was started again");
            }
            Self::Unhealthy(problems) => tracing::warn!(target: "hostkit::host", "unhealthy: {problems}"),
            Self::Healthy => tracing::info!(target: "hostkit::host", "healthy again"),
        }
    }
}

/// What waits to be said, and whether a thread is about it.
static WAITING: Mutex<(Vec<Aside>, bool)> = Mutex::new((Vec::new(), false));

fn waiting() -> MutexGuard<'static, (Vec<Aside>, bool)> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says these lines, now or never; does not wait for that.
pub(super) fn say(lines: Vec<Aside>) {
    if lines.is_empty() {
        return;
    }
    let mut waiting = waiting();
    let room = MOST.saturating_sub(waiting.0.len());
    waiting.0.extend(lines.into_iter().take(room));
    if !waiting.1 {
        waiting.1 = thread("hostkit-log", say_all).is_ok();
    }
}

/// Ends the duty of a thread, also when a subscriber panics.
struct OnDuty;

impl Drop for OnDuty {
    fn drop(&mut self) {
        waiting().1 = false;
    }
}

fn say_all() {
    loop {
        let lines = {
            let mut waiting = waiting();
            if waiting.0.is_empty() {
                // Whoever comes from now on starts the next thread.
                waiting.1 = false;
                return;
            }
            std::mem::take(&mut waiting.0)
        };
        let duty = OnDuty;
        lines.into_iter().for_each(Aside::say);
        std::mem::forget(duty);
    }
}
