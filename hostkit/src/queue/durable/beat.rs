//! The heart: keeps the lease of a host that runs jobs, where user code cannot stall it.
//!
//! # Invariants
//!
//! 1. A lease counts from when a beat was *sent* that the store has answered.
//! 2. A sixth of the lease before it is over, everything that runs under it is dropped: by then no other process can have its jobs.
//! 3. Whatever ends it before its time, a panic of ours included, ends the lease as well: what runs is dropped, and the host
//!    registers anew, with another heart.
//! 4. It beats in a thread of its own, but where time stands still unless a test moves it: there a thread would know nothing of it.

use std::sync::Arc;

use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::jobs::Jobs;
use crate::error::WithCauses;
use crate::store::{Beat, OwnerId, Store};
use crate::tasks::{Tasks, thread};
use crate::time::{is_paused, now};

/// The beats of one owner, until it is dropped.
pub(super) struct Heart {
    stops: CancellationToken,
    task: Option<AbortHandle>,
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.stops.cancel();
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Heart {
    /// Of an owner whose registration was sent then.
    pub(super) fn start(
        jobs: &Arc<Jobs>,
        store: &Arc<dyn Store>,
        owner: OwnerId,
        sent: Instant,
        tasks: &Tasks,
    ) -> Self {
        let stops = CancellationToken::new();
        let beats = beats(Arc::clone(jobs), Arc::clone(store), owner, sent, stops.clone());
        if is_paused() {
            let task = Some(tasks.spawn_side("beats", beats));
            return Self { stops, task };
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let started = runtime.and_then(|runtime| thread("hostkit-beat", move || runtime.block_on(beats)));
        if let Err(error) = started {
            // The lease ends by itself then, and this process is told so.
            tracing::error!(target: "hostkit::store", %error, "no thread could be started that keeps the lease; jobs run until it ends");
        }
        Self { stops, task: None }
    }
}

/// Invariant 3.
struct EndsLease {
    jobs: Arc<Jobs>,
    owner: OwnerId,
    stops: CancellationToken,
}

impl Drop for EndsLease {
    fn drop(&mut self) {
        if self.stops.is_cancelled() {
            return;
        }
        let dropped = self.jobs.lose(self.owner);
        if std::thread::panicking() {
            tracing::error!(target: "hostkit::store", jobs = dropped, "what keeps the lease has panicked; what ran was dropped, and the lease is taken anew");
        }
    }
}

async fn beats(jobs: Arc<Jobs>, store: Arc<dyn Store>, owner: OwnerId, registered: Instant, stops: CancellationToken) {
    let _ends = EndsLease { jobs: Arc::clone(&jobs), owner, stops: stops.clone() };
    let (period, margin) = (jobs.lease / 3, jobs.lease / 6);
    let mut last = registered;
    let mut next = last + period;
    let mut was_heard = true;
    loop {
        tokio::select! {
            biased;
            () = stops.cancelled() => return,
            () = sleep_until(next) => {}
        }
        let sent = now();
        // Invariants 1 and 2.
        let deadline = last + jobs.lease - margin;
        let answer = tokio::select! {
            biased;
            () = stops.cancelled() => return,
            answer = timeout_at(deadline.min(sent + period), store.beat(owner)) => answer,
        };
        let error = match answer {
            Ok(Ok(Beat::Alive { cancelled })) => {
                last = sent;
                next = sent + period;
                jobs.cancel(&cancelled);
                if !was_heard {
                    tracing::info!(target: "hostkit::store", "the store answers again");
                }
                was_heard = true;
                continue;
            }
            Ok(Ok(Beat::Lost)) => {
                let dropped = jobs.lose(owner);
                tracing::warn!(target: "hostkit::store", jobs = dropped, "this process was declared dead; what it ran is another's now");
                return;
            }
            Ok(Err(error)) => WithCauses(&error).to_string(),
            Err(_elapsed) => "it did not answer in time".to_owned(),
        };
        if was_heard {
            tracing::warn!(target: "hostkit::store", error, "the lease could not be extended; trying again");
        }
        was_heard = false;
        next = now() + period / 10;
        if next >= deadline {
            sleep_until(deadline).await;
            let dropped = jobs.lose(owner);
            tracing::error!(target: "hostkit::store", jobs = dropped, error, "the lease could not be extended in time; what ran was dropped, before another has it");
            return;
        }
    }
}
