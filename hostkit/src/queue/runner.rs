//! The life of a queue: accept, work, close, drain.
//!
//! # Invariants
//!
//! 1. The channel exists from the build on, so a queue accepts items before the host starts; they wait.
//! 2. Whatever ends [`QueueRunner::run`], the channel is closed by then, and whoever waits to enqueue is told.
//! 3. After `stop` nothing is accepted. What waits is worked off until `abandon` with `drain`, else left at once; every
//!    item that was accepted and not finished is counted in the leftovers.
//! 4. What is left is handed to the function that the option `leftover` names, when every task of the queue has ended.
//! 5. A failure that stops the host is heard at once and leaves what waits; items under way may finish within their time.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::counts::Tally;
use super::items::Items;
use super::leftover::Leftovers;
use super::options::{AtStop, Options};
use super::retry::Retries;
use super::tap::Tap;
use super::work::Crew;
use super::{Channel, Queue, QueueCounts};
use crate::component::{Armed, RunFailure, catch_panic, judge};
use crate::function::{Handle, InProcess, Payload, Work};
use crate::runner::{Conduct, End, Runner, ServiceState, StopsWith, crashed};

/// How long the items beside one that stops the host have to end where no host says so, unless `stop_timeout` does.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// One queued function in one host.
pub(super) struct QueueRunner<W: Work> {
    options: Options,
    sender: mpsc::Sender<Payload<W>>,
    items: Arc<Items<Payload<W>>>,
    /// One per worker.
    tallies: Arc<[Tally]>,
    /// Items that waited when it ended.
    left: Arc<Leftovers<Payload<W>>>,
    /// Items that wait to be tried again.
    retries: Arc<Retries<Payload<W>>>,
    /// Items that had to make way.
    dropped: Arc<AtomicU64>,
    /// Items under way when it ended.
    interrupted: AtomicUsize,
    /// Who looks on.
    tap: Tap<Payload<W>>,
    /// What others reach it by.
    handle: fn(Queue<W::Of>) -> Box<dyn Any + Send>,
}

impl<W: Work<Of: InProcess>> QueueRunner<W> {
    pub(super) fn new(options: Options, tap: Tap<Payload<W>>, handle: fn(Queue<W::Of>) -> Box<dyn Any + Send>) -> Self {
        let (sender, receiver) = mpsc::channel(options.capacity);
        let tallies = (0..options.concurrency).map(|_| Tally::default()).collect();
        Self {
            options,
            sender,
            items: Arc::new(Items::new(receiver)),
            tallies,
            left: Arc::new(Leftovers::new(W::LEFTOVER)),
            retries: Arc::default(),
            dropped: Arc::default(),
            interrupted: AtomicUsize::new(0),
            tap,
            handle,
        }
    }

    pub(super) fn queue(&self) -> Queue<W::Of> {
        let (items, dropped) = (Arc::downgrade(&self.items), Arc::clone(&self.dropped));
        Queue::new(Channel::new(self.sender.clone(), items, self.options.full, dropped, self.tap.clone()))
    }

    fn crew(&self, conduct: &Conduct, armed: Armed<W::Needs>) -> Crew<W> {
        Crew::new(
            self.options.clone(),
            conduct.clone(),
            armed,
            Arc::clone(&self.items),
            Arc::clone(&self.tallies),
            Arc::clone(&self.left),
            Arc::clone(&self.retries),
        )
    }

    async fn serve(self: Arc<Self>, conduct: Conduct) -> End {
        let _closes = CloseAtEnd(&self.items);
        conduct.status.set(ServiceState::Starting);
        let armed = match conduct.arm(|conduct| Armed::bind(&conduct.container, Arc::clone(&conduct.plan))).await {
            Ok(armed) => armed,
            Err(end) => {
                self.never_ran();
                return end;
            }
        };
        let work = Arc::new(self.crew(&conduct, armed));
        let copy = W::COPY.filter(|_| self.options.attempts > 1);
        let spawn = |worker| {
            let (work, name) = (Arc::clone(&work), conduct.name);
            AbortOnDropHandle::new(match copy {
                Some(copy) => conduct.tasks.spawn(name, work.work_with_attempts(worker, copy)),
                None => conduct.tasks.spawn(name, work.work(worker)),
            })
        };
        let mut workers: FuturesUnordered<_> = (0..self.options.concurrency).map(spawn).collect();
        conduct.is_now(ServiceState::Running);

        let mut crash = None;
        tokio::select! {
            () = conduct.stop.cancelled() => {}
            () = work.given_up.cancelled() => {}
            // Workers end when the channel is closed, which it is not, or by a bug of ours.
            Some(Err(error)) = workers.next() => crash = Some(crashed(error)),
        }
        let is_held = self.is_held();
        self.items.close();
        work.tell();
        let failure = work.take_failure().or(crash);
        let shown = failure.as_ref().map(ToString::to_string);
        let failed = failure.is_some();
        // The host stops, and sees to it that the others end by its deadline.
        let unheard = failure.and_then(|failure| conduct.alarm.raise(failure));
        if failed || is_held || self.options.at_stop == AtStop::Leave {
            work.leave_the_rest();
        }
        let grace = self.options.stop_timeout.unwrap_or(GRACE);
        let abandoned = tokio::select! {
            biased;
            () = all_ended(&mut workers) => false,
            // What these lose are the items under way.
            () = conduct.abandon.cancelled() => true,
            () = tokio::time::sleep(grace), if unheard.is_some() => true,
        };
        workers.iter().for_each(AbortOnDropHandle::abort);
        work.leave_the_rest();
        let interrupted = self.tallies.iter().filter(|tally| tally.interrupt()).count();
        self.interrupted.store(interrupted, Ordering::Relaxed);
        // Until they are gone they hold scopes. One that blocks its thread never is, and the host does not wait for long.
        while workers.next().await.is_some() {}
        // Only now it is certain that what was under way did not succeed after all.
        work.leave_copies();
        match (shown, unheard) {
            (Some(error), unheard) => {
                conduct.status.set(ServiceState::Failed { error });
                unheard.map_or(End::Heard, End::Failed)
            }
            (None, _) => {
                conduct.status.set(ServiceState::Stopped);
                if abandoned { End::Abandoned } else { End::Done }
            }
        }
    }
}

impl<W: Work<Of: InProcess>> QueueRunner<W> {
    /// Whether a test keeps what waits from being worked on, which the stop then leaves.
    #[cfg(feature = "testing")]
    fn is_held(&self) -> bool {
        self.items.is_held()
    }

    #[cfg(not(feature = "testing"))]
    #[allow(clippy::unused_self, reason = "nobody holds it without the feature")]
    fn is_held(&self) -> bool {
        false
    }
}

/// Invariant 2.
struct CloseAtEnd<'a, P>(&'a Items<P>);

impl<P> Drop for CloseAtEnd<'_, P> {
    fn drop(&mut self) {
        self.0.close();
    }
}

async fn all_ended(workers: &mut FuturesUnordered<AbortOnDropHandle<()>>) {
    while let Some(ended) = workers.next().await {
        if let Err(error) = ended {
            tracing::error!(target: "hostkit::queue", error = %crashed(error), "a worker ended before its time");
        }
    }
}

impl<W: Work<Of: InProcess>> Runner for QueueRunner<W> {
    fn stops(&self) -> StopsWith {
        StopsWith::Queues
    }

    fn stop_timeout(&self) -> Option<Duration> {
        self.options.stop_timeout
    }

    fn summary(&self) -> String {
        self.options.to_string()
    }

    fn leftovers(&self) -> Option<String> {
        let (left, interrupted) = (self.left.count(), self.interrupted.load(Ordering::Relaxed));
        let items = |count| if count == 1 { "1 item".to_owned() } else { format!("{count} items") };
        Some(match (left, interrupted) {
            (0, 0) => return None,
            (left, 0) => format!("{} left waiting", items(left)),
            (0, interrupted) => format!("{} interrupted", items(interrupted)),
            (left, interrupted) => format!("{} left waiting and {} interrupted", items(left), items(interrupted)),
        })
    }

    fn hand_over(&self) -> Option<BoxFuture<'static, Result<(), RunFailure>>> {
        let (taker, left) = self.left.take()?;
        Some(Box::pin(async move { judge(catch_panic(async move { taker(left).await }).await) }))
    }

    fn handle(&self) -> Option<Box<dyn Any + Send>> {
        Some((self.handle)(self.queue()))
    }

    fn counts(&self) -> Option<QueueCounts> {
        let waiting = (self.sender.max_capacity() - self.sender.capacity() + self.retries.len()) as u64;
        let dropped = self.dropped.load(Ordering::Relaxed);
        let mut counts = QueueCounts { waiting, dropped, ..QueueCounts::default() };
        self.tallies.iter().for_each(|tally| tally.add_to(&mut counts));
        Some(counts)
    }

    /// What waits is never worked on, so nobody shall wait for a place behind it.
    fn never_ran(&self) {
        self.items.close();
        while let Some(payload) = self.items.take() {
            self.left.leave(payload, <W::Of as Handle>::ENTRY.name);
        }
    }

    fn run(self: Arc<Self>, conduct: Conduct) -> BoxFuture<'static, End> {
        Box::pin(self.serve(conduct))
    }

    #[cfg(feature = "testing")]
    fn run_item(
        self: Arc<Self>,
        conduct: Conduct,
        payload: Box<dyn Any + Send>,
    ) -> Option<BoxFuture<'static, Result<(), RunFailure>>> {
        let payload = *payload.downcast().ok()?;
        Some(Box::pin(async move {
            conduct.container.ensure_all(&conduct.plan.singletons).await.map_err(RunFailure::Inject)?;
            let armed = Armed::bind(&conduct.container, Arc::clone(&conduct.plan)).map_err(RunFailure::Inject)?;
            self.crew(&conduct, armed).run_one(payload).await
        }))
    }
}
