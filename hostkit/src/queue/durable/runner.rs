//! The life of a durable queue in a host: open a lane, work on what comes, close it.
//!
//! # Invariants
//!
//! 1. After `stop` nothing is claimed. What was claimed and not begun goes back; what runs may finish until `abandon`, or gives
//!    way when it is told.
//! 2. It ends when all that became of its jobs is stored, or at `abandon`: what is not stored then is not done.
//! 3. A failure of the store that nothing mends is a failure of the function, so that no process lives on without a worker.

use std::any::Any;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::handler::{Bind, bind};
use super::jobs::{Incoming, Jobs};
use super::lane::{Lane, LaneId};
use super::options::Options;
use super::work::{Crew, Tally};
use crate::component::RunFailure;
use crate::function::{Durable, Work};
use crate::queue::runner::GRACE;
use crate::queue::{Queue, QueueCounts};
use crate::runner::{Conduct, End, Runner, ServiceState, StopsWith, crashed};
use crate::store::Verdict;

/// One durable function in one host.
pub(crate) struct DurableRunner {
    name: &'static str,
    options: Options,
    jobs: Arc<Jobs>,
    bind: Bind,
    tally: Arc<Tally>,
    /// Its lane while it runs.
    lane: Mutex<Option<LaneId>>,
    /// What others reach it by, if anybody enqueues for it.
    handle: Option<Box<dyn Fn() -> Box<dyn Any + Send> + Send + Sync>>,
    #[cfg(feature = "cli")]
    enqueue: Option<EnqueueJson>,
}

/// Stores a payload that is given as JSON.
#[cfg(feature = "cli")]
type EnqueueJson =
    Box<dyn Fn(String, crate::Enqueue) -> BoxFuture<'static, Result<crate::store::JobId, String>> + Send + Sync>;

impl DurableRunner {
    pub(super) fn new<W: Work<Of: Durable>>(
        name: &'static str,
        options: Options,
        jobs: Arc<Jobs>,
        queue: Queue<W::Of>,
    ) -> Self {
        #[cfg(feature = "cli")]
        let enqueue: EnqueueJson = {
            let storage = queue.line().clone();
            Box::new(move |json, options| {
                let storage = storage.clone();
                Box::pin(async move { storage.enqueue_json(&json, &options).await })
            })
        };
        Self {
            handle: Some(Box::new(move || Box::new(queue.clone()))),
            #[cfg(feature = "cli")]
            enqueue: Some(enqueue),
            ..Self::of(name, options, jobs, Box::new(bind::<W>))
        }
    }

    /// One whose jobs somebody else stores.
    pub(crate) fn of(name: &'static str, options: Options, jobs: Arc<Jobs>, bind: Bind) -> Self {
        Self {
            name,
            options,
            jobs,
            bind,
            tally: Arc::default(),
            lane: Mutex::default(),
            handle: None,
            #[cfg(feature = "cli")]
            enqueue: None,
        }
    }

    /// What becomes of stored instants, in a few words.
    pub(crate) fn occurrences(&self) -> String {
        self.options.of_occurrences_in_words()
    }

    async fn serve(self: Arc<Self>, conduct: Conduct) -> End {
        conduct.status.set(ServiceState::Starting);
        let handler = match conduct.arm(|conduct| (self.bind)(conduct)).await {
            Ok(handler) => handler,
            Err(end) => return end,
        };
        let kind = self.name;
        let (lane, incoming) = {
            let plan = handler.plan();
            Lane::new(self.options.wanted(kind), self.options.retention(kind), plan.wants_token, conduct.stop.clone())
        };
        let failed = lane.failed.clone();
        let lane = self.jobs.open_lane(lane);
        *self.lane.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(lane);
        let closes = CloseAtEnd { jobs: &self.jobs, lane, incoming };
        let crew = Arc::new(Crew {
            options: self.options.clone(),
            jobs: Arc::clone(&self.jobs),
            lane,
            handler,
            tally: Arc::clone(&self.tally),
            runs: 0.into(),
            failure: Mutex::default(),
            given_up: CancellationToken::new(),
            conduct,
        });
        crew.conduct.is_now(ServiceState::Running);
        self.work(&crew, closes, &failed).await
    }

    async fn work(&self, crew: &Arc<Crew>, mut closes: CloseAtEnd<'_>, failed: &CancellationToken) -> End {
        let conduct = &crew.conduct;
        let mut attempts = FuturesUnordered::new();
        let mut broken = false;
        loop {
            // What the first arms lose is nothing: who has ended is still in the set, who has come still in the channel.
            tokio::select! {
                biased;
                () = conduct.stop.cancelled() => break,
                () = crew.given_up.cancelled() => break,
                () = failed.cancelled() => {
                    broken = true;
                    break;
                }
                Some(ended) = attempts.next() => ended_attempt(ended),
                Some((job, tokens)) = closes.incoming.recv() => {
                    let working = Arc::clone(crew);
                    let task = conduct.tasks.spawn(conduct.name, async move { working.attempt(job, tokens).await });
                    attempts.push(AbortOnDropHandle::new(task));
                }
            }
        }
        // Invariant 1.
        let lane = closes.lane;
        drop(closes);
        let failure = crew.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let failure = failure.or_else(|| broken.then(|| self.broken()));
        let shown = failure.as_ref().map(ToString::to_string);
        // The host stops, and sees to it that the others end by its deadline.
        let unheard = failure.and_then(|failure| conduct.alarm.raise(failure));
        let grace = self.options.stop_timeout.unwrap_or(GRACE);
        let abandoned = tokio::select! {
            biased;
            () = all_ended(&mut attempts) => false,
            // What these lose are the attempts under way.
            () = conduct.abandon.cancelled() => true,
            () = tokio::time::sleep(grace), if unheard.is_some() => true,
        };
        attempts.iter().for_each(AbortOnDropHandle::abort);
        // Until they are gone they hold scopes. One that blocks its thread never is, and the host does not wait for long.
        while let Some(ended) = attempts.next().await {
            ended_attempt(ended);
        }
        tokio::select! {
            biased;
            () = self.jobs.all_saved(lane) => {}
            () = conduct.abandon.cancelled() => {}
            () = tokio::time::sleep(grace), if unheard.is_some() => {}
        }
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

    /// Invariant 3.
    fn broken(&self) -> RunFailure {
        let reason = self.jobs.broken().unwrap_or_default();
        RunFailure::Returned(format!("its store has failed: {reason}").into())
    }
}

/// Closes the lane, and gives back what was not begun.
struct CloseAtEnd<'a> {
    jobs: &'a Jobs,
    lane: LaneId,
    incoming: Incoming,
}

impl Drop for CloseAtEnd<'_> {
    fn drop(&mut self) {
        self.jobs.close_lane(self.lane);
        self.incoming.close();
        while let Ok((job, _)) = self.incoming.try_recv() {
            self.jobs.finish(self.lane, job.claim, Verdict::Released);
        }
    }
}

async fn all_ended(attempts: &mut FuturesUnordered<AbortOnDropHandle<()>>) {
    while let Some(ended) = attempts.next().await {
        ended_attempt(ended);
    }
}

/// An attempt's task ends well, is dropped, or has a fault of ours.
fn ended_attempt(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(target: "hostkit::queue", error = %crashed(error), "an attempt ended before its time");
    }
}

impl Runner for DurableRunner {
    fn stops(&self) -> StopsWith {
        StopsWith::Queues
    }

    fn stop_timeout(&self) -> Option<Duration> {
        self.options.stop_timeout
    }

    fn summary(&self) -> String {
        self.options.to_string()
    }

    fn handle(&self) -> Option<Box<dyn Any + Send>> {
        self.handle.as_ref().map(|handle| handle())
    }

    fn counts(&self) -> Option<QueueCounts> {
        let lane = *self.lane.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let waiting = lane.map_or(0, |lane| self.jobs.shared().lanes[lane.0].waiting);
        // A test wants to know it exactly.
        #[cfg(feature = "testing")]
        let waiting = self.jobs.waiting_in_memory(self.name).unwrap_or(waiting);
        Some(QueueCounts {
            waiting,
            running: self.tally.running.load(Ordering::Relaxed),
            done: self.tally.done.load(Ordering::Relaxed),
            failed: self.tally.failed.load(Ordering::Relaxed),
            retried: self.tally.retried.load(Ordering::Relaxed),
            dropped: 0,
        })
    }

    fn is_stored(&self) -> bool {
        true
    }

    #[cfg(feature = "cli")]
    fn enqueue_json(
        &self,
        json: String,
        options: crate::Enqueue,
    ) -> Option<BoxFuture<'static, Result<crate::store::JobId, String>>> {
        self.enqueue.as_ref().map(|enqueue| enqueue(json, options))
    }

    #[cfg(feature = "cli")]
    fn trigger_with(
        self: Arc<Self>,
        conduct: Conduct,
        json: String,
    ) -> Option<BoxFuture<'static, Result<(), RunFailure>>> {
        Some(Box::pin(async move {
            conduct.container.ensure_all(&conduct.plan.singletons).await.map_err(RunFailure::Inject)?;
            let handler = (self.bind)(&conduct).map_err(RunFailure::Inject)?;
            super::work::once(&*handler, &conduct, &self.options, json.as_bytes()).await
        }))
    }

    fn run(self: Arc<Self>, conduct: Conduct) -> BoxFuture<'static, End> {
        Box::pin(self.serve(conduct))
    }

    /// The payload is written and read on its way, as that of a stored job is.
    #[cfg(feature = "testing")]
    fn run_item(
        self: Arc<Self>,
        conduct: Conduct,
        payload: Box<dyn Any + Send>,
    ) -> Option<BoxFuture<'static, Result<(), RunFailure>>> {
        Some(Box::pin(async move {
            conduct.container.ensure_all(&conduct.plan.singletons).await.map_err(RunFailure::Inject)?;
            let handler = (self.bind)(&conduct).map_err(RunFailure::Inject)?;
            let written = handler.written(payload).unwrap_or_else(|| Err("it takes no such payload".to_owned()));
            let payload = written.map_err(|error| RunFailure::Returned(error.into()))?;
            super::work::once(&*handler, &conduct, &self.options, &payload).await
        }))
    }
}
