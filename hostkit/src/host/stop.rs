//! Stopping: one state machine with a deadline per phase.
//!
//! # Invariants
//!
//! 1. One number bounds everything: the host's `stop_timeout` from the request to the end. A part of it
//!    ([`Deadlines::of`]) is kept for `on_stopped` hooks and disposal.
//! 2. A service is told to stop when all that must end before it have ended or been given up: whoever is after it,
//!    directly or through others, whether these are still there or not.
//! 3. A service that is not done at its deadline is abandoned, which drops its futures, and is in the report; what is left
//!    of its scopes goes to the reaper. If it has not ended shortly after that it blocks its thread, and nobody waits for
//!    it any more.
//! 4. No error skips a phase; all are collected.
//! 5. The singletons are disposed last, after every task and every scope that could hold one has ended or been given up.
//! 6. Hooks and disposers run in tasks of their own, so that none that blocks its thread keeps the host beyond its deadline.
//! 7. Whoever could only be told after others had used up the time still gets a moment, which takes no more than its share
//!    of what is kept for those who come after.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::error::{Fate, Report, ServiceFailure, Stuck};
use super::order::StopOrder;
use super::running::{Running, Service, stop_order};
use super::start::run_hook;
use crate::component::{Outcome, RunFailure};
use crate::runner::{End, Ended, ServiceState, Stage, StopsWith};
use crate::tasks::{blocking_calls, joined};
use crate::time::now;

/// The most that is kept of the deadline for `on_stopped` hooks and disposal.
const RESERVE: Duration = Duration::from_secs(5);
/// How long a dropped future may take to be gone before its thread counts as blocked, and how long whoever is told late
/// has; less if the whole stop is to be short.
const GRACE: Duration = Duration::from_millis(250);

/// Watches the services of a started host until something makes it stop, and stops it.
///
/// The report has what went wrong before.
pub(super) async fn supervise(
    running: Arc<Running>,
    mut events: mpsc::UnboundedReceiver<Ended>,
    mut report: Report,
) -> Report {
    let mut left = running.services.len();
    let reason = loop {
        if running.is_finished(left) {
            break "every service is done".to_owned();
        }
        tokio::select! {
            biased;
            () = running.lifetime.stopping().cancelled() => break "asked to stop".to_owned(),
            event = events.recv() => {
                let Some(Ended { index, end }) = event else {
                    // Every task has ended; what is left to do is to stop, when somebody asks or nothing keeps the host.
                    left = 0;
                    if !running.is_finished(0) {
                        running.lifetime.stopping().cancelled().await;
                    }
                    continue;
                };
                left -= 1;
                let name = running.services[index].plan.name;
                match end {
                    End::Done | End::Abandoned | End::Heard => {}
                    End::StopHost => break format!("`{name}` asks for it"),
                    End::Failed(failure) => {
                        report.failures.push(ServiceFailure { name: name.to_owned(), failure });
                        break format!("`{name}` failed");
                    }
                }
            }
        }
    };
    tracing::info!(target: "hostkit::host", reason, "stopping");
    running.lifetime.request_stop();
    Stopping::begin(&running).run(&mut events, &mut report).await;
    report
}

impl Running {
    /// Whether nothing is left to wait for: all are background services, all of them are done.
    fn is_finished(&self, left: usize) -> bool {
        left == 0 && !self.services.iter().any(|service| service.plan.runner.keeps_host_alive())
    }
}

impl Fate {
    /// What became of something whose future is being dropped, which `ended` shows.
    pub(super) async fn within(grace: Duration, ended: impl Future) -> Self {
        match tokio::time::timeout(grace, ended).await {
            Ok(_ended) => Self::Dropped,
            Err(_elapsed) => Self::Blocks,
        }
    }
}

/// When each phase has to be over.
#[derive(Debug, Clone, Copy)]
struct Deadlines {
    /// The drain delay, `on_stopping` hooks and services.
    work: Instant,
    /// Everything.
    end: Instant,
}

/// How long something that is cut off may take to be gone.
fn grace(stop_timeout: Duration) -> Duration {
    // Nobody's thread is blocked just because he was not scheduled at once.
    (stop_timeout / 20).clamp(GRACE / 10, GRACE)
}

impl Deadlines {
    fn of(began: Instant, stop_timeout: Duration) -> Self {
        let reserve = RESERVE.min(stop_timeout / 4);
        Self { work: began + stop_timeout - reserve, end: began + stop_timeout }
    }
}

/// What of the time that is kept for the end of a stop nobody who comes late may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// Three quarters of it, for the `on_stopped` hooks and for disposal.
    ForHooks,
    /// One quarter of it, for disposal.
    ForDisposal,
}

/// A stop under way.
pub(super) struct Stopping<'a> {
    running: &'a Arc<Running>,
    began: Instant,
    deadlines: Deadlines,
    /// Whether it is a failure of the start that makes it stop.
    failed: bool,
}

impl<'a> Stopping<'a> {
    /// Its clock started when the stop was asked for, or starts here.
    pub(super) fn begin(running: &'a Arc<Running>) -> Self {
        let began = running.lifetime.stop_began();
        Self { running, began, deadlines: Deadlines::of(began, running.options.stop_timeout), failed: false }
    }

    /// The same after a start that failed.
    pub(super) fn after_failure(running: &'a Arc<Running>) -> Self {
        Self { failed: true, ..Self::begin(running) }
    }

    /// When what runs has to be over, so that the rest of the stop has its time.
    pub(super) fn work_deadline(&self) -> Instant {
        self.deadlines.work
    }

    /// Goes through the phases; returns by the deadline.
    pub(super) async fn run(&self, events: &mut mpsc::UnboundedReceiver<Ended>, report: &mut Report) {
        self.hold_back();
        if self.running.services_began.load(Ordering::Relaxed) {
            self.drain_delay().await;
            self.hooks(Stage::Stopping, self.deadlines.work, report).await;
        }
        self.end(events, report).await;
    }

    /// The phases from the end of the services on.
    #[cfg(feature = "cli")]
    pub(super) async fn finish(&self, events: &mut mpsc::UnboundedReceiver<Ended>, report: &mut Report) {
        self.hold_back();
        self.end(events, report).await;
    }

    /// Keeps services whose turn has not come from being started by the stop of others.
    fn hold_back(&self) {
        for service in &self.running.services {
            if !service.spawned.load(Ordering::Relaxed) && !service.status.is_over() {
                service.plan.runner.never_ran();
                service.status.set(ServiceState::Stopped);
                service.status.end();
            }
        }
    }

    async fn end(&self, events: &mut mpsc::UnboundedReceiver<Ended>, report: &mut Report) {
        self.services(report).await;
        self.collect(events, report);
        self.hand_over(report).await;
        // A host that never came to its services has nothing for them to end, and may lack what they need.
        if self.running.services_began.load(Ordering::Relaxed) {
            self.hooks(Stage::Stopped, self.deadlines.end - self.reserved_for_disposal(), report).await;
        }
        self.dispose(report).await;
        #[cfg(feature = "durable")]
        self.close_store(report).await;
        self.name_left_behind(report);
        self.running.watched.has_stopped();
        let took = crate::time::show_rounded(now() - self.began);
        for stuck in &report.stuck {
            tracing::error!(target: "hostkit::host", "{stuck}");
        }
        for left in &report.leftovers {
            tracing::warn!(target: "hostkit::host", "{left}");
        }
        tracing::info!(target: "hostkit::host", %took, stuck = report.stuck.len(), "stopped");
    }

    /// Says whose blocking functions still run. Nothing ends those; who was dropped at its deadline has been named.
    fn name_left_behind(&self, report: &Report) {
        let marks = blocking_calls();
        let services = self.running.services.iter().filter(|service| marks.contains(&service.mark));
        for name in services.map(|service| service.plan.name) {
            if report.stuck.iter().all(|stuck| stuck.name != name) {
                tracing::warn!(
                    target: "hostkit::host", service = name,
                    "its blocking function still runs and is left behind; one that takes the `CancellationToken` can end"
                );
            }
        }
    }

    pub(super) fn grace(&self) -> Duration {
        grace(self.running.options.stop_timeout)
    }

    /// When a service that was told to stop has to have ended.
    pub(super) fn deadline_of(&self, service: &Service, told: Instant) -> Instant {
        let own = service.plan.runner.stop_timeout().map_or(self.deadlines.work, |limit| told + limit);
        // Whoever could only be told after somebody else had used up the time still gets a moment to say that it is done.
        self.latest(own.min(self.deadlines.work), told, Kept::ForHooks)
    }

    /// A deadline, or a moment after it was told if that is later: the least that whoever comes late is given (invariant 7).
    pub(super) fn latest(&self, deadline: Instant, told: Instant, kept: Kept) -> Instant {
        let reserve = self.deadlines.end - self.deadlines.work;
        let last = match kept {
            Kept::ForHooks => self.deadlines.end - reserve * 3 / 4,
            Kept::ForDisposal => self.deadlines.end - reserve / 4,
        };
        deadline.max((told + self.grace()).min(last))
    }

    pub(super) fn began(&self) -> Instant {
        self.began
    }

    fn reserved_for_disposal(&self) -> Duration {
        (self.deadlines.end - self.deadlines.work) / 2
    }

    async fn drain_delay(&self) {
        let delay = self.running.options.drain_delay;
        if !delay.is_zero() {
            tracing::info!(target: "hostkit::host", delay = %crate::time::show_duration(delay), "no longer ready; waiting before services are stopped");
            sleep_until((self.began + delay).min(self.deadlines.work)).await;
        }
    }

    /// Runs every hook of a stage, whatever the others do (invariants 4 and 7).
    async fn hooks(&self, stage: Stage, deadline: Instant, report: &mut Report) {
        for hook in self.running.hooks_of(stage) {
            let began = now();
            let (running, hook) = (Arc::clone(self.running), Arc::clone(hook));
            let name = hook.service.name;
            let run = async move { run_hook(&running, &hook, CancellationToken::new()).await };
            let kept = if stage == Stage::Stopped { Kept::ForDisposal } else { Kept::ForHooks };
            match self.apart(name, self.latest(deadline, began, kept), run).await {
                Ok(Ok(())) => {}
                Ok(Err(failure)) => report.failures.push(failure),
                Err(fate) => report.stuck.push(Stuck {
                    name: name.to_owned(),
                    phase: "running its hook",
                    hung: now() - began,
                    fate,
                }),
            }
        }
    }

    /// Runs a part of the stop in a task of its own, until its deadline (invariant 6).
    async fn apart<T: Send + 'static>(
        &self,
        name: &'static str,
        deadline: Instant,
        part: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Fate> {
        let mut task = AbortOnDropHandle::new(self.running.tasks.spawn(name, part));
        if deadline <= now() {
            // It gets its chance to end at once.
            tokio::task::yield_now().await;
        }
        if let Ok(done) = timeout_at(deadline, &mut task).await {
            return Ok(joined(done).await);
        }
        task.abort();
        Err(Fate::within(self.grace(), task).await)
    }

    /// Stops every service as soon as those that must end before it have (invariants 2 and 3).
    async fn services(&self, report: &mut Report) {
        let services = &self.running.services;
        let mut parting = Parting::of(self);
        parting.tell_first();
        while parting.left > 0 {
            let Some(next) = parting.deadlines.first_key_value().map(|(deadline, _)| *deadline) else { break };
            // What the other arm loses is the wait only: who has ended is still there to be taken.
            tokio::select! {
                biased;
                ended = self.running.over.take() => ended.into_iter().for_each(|index| parting.ended(index)),
                () = sleep_until(next) => parting.cut(),
            }
        }
        parting.stuck.sort_by_key(|(index, _)| *index);
        report.stuck.extend(parting.stuck.into_iter().map(|(_, stuck)| stuck));
        report.leftovers.extend(services.iter().filter_map(|service| {
            let left = service.plan.runner.leftovers()?;
            Some(format!("`{}`: {left}", service.plan.name))
        }));
    }

    /// What the services said when they ended.
    fn collect(&self, events: &mut mpsc::UnboundedReceiver<Ended>, report: &mut Report) {
        while let Ok(Ended { index, end }) = events.try_recv() {
            if let End::Failed(failure) = end {
                let name = self.running.services[index].plan.name.to_owned();
                // A body that was dropped is in the list of those who were stuck.
                if !matches!(failure, RunFailure::Dropped) {
                    report.failures.push(ServiceFailure { name, failure });
                }
            }
        }
    }

    /// Hands what queues left to the functions that take it, side by side; invariants 4 and 6 hold for them as well.
    async fn hand_over(&self, report: &mut Report) {
        let began = now();
        let deadline = self.latest(self.deadlines.end - self.reserved_for_disposal(), began, Kept::ForDisposal);
        let handed = self.running.services.iter().filter_map(|service| {
            let (name, taking) = (service.plan.name, service.plan.runner.hand_over()?);
            Some(async move { (name, self.apart(name, deadline, taking).await) })
        });
        for (name, result) in join_all(handed).await {
            match result {
                Ok(Ok(())) => {
                    let of_queue = format!("`{name}`: ");
                    let lines = report.leftovers.iter_mut().filter(|line| line.starts_with(&of_queue));
                    lines.for_each(|line| line.push_str(", and handed over"));
                }
                Ok(Err(failure)) => {
                    tracing::error!(target: "hostkit::host", service = name, error = %failure, "what takes the leftovers of the queue failed; they are lost");
                    let failure = format!("what takes its leftovers failed, and they are lost: {failure}");
                    report
                        .failures
                        .push(ServiceFailure { name: name.to_owned(), failure: RunFailure::Returned(failure.into()) });
                }
                Err(fate) => report.stuck.push(Stuck {
                    name: name.to_owned(),
                    phase: "handing over what was left",
                    hung: now() - began,
                    fate,
                }),
            }
        }
    }

    /// Brings to the store what is known of durable jobs, and closes it. Last, because whoever is disposed may still enqueue.
    #[cfg(feature = "durable")]
    async fn close_store(&self, report: &mut Report) {
        let began = now();
        let deadline = self.latest(self.deadlines.end, began, Kept::ForDisposal);
        if timeout_at(deadline, self.running.jobs.end()).await.is_err() {
            let hung = now() - began;
            let name = "the store".to_owned();
            report.stuck.push(Stuck { name, phase: "being closed", hung, fate: Fate::LeftBehind });
        }
    }

    /// Ends what is left of scopes, then the singletons (invariant 5).
    async fn dispose(&self, report: &mut Report) {
        let container = &self.running.container;
        container.stop.cancel();
        let failed = self.failed || !report.failures.is_empty();
        let outcome = if failed { Outcome::Failed } else { Outcome::Succeeded };
        let began = now();
        // Each disposer is given what is left, so that the one that hangs is named by its own fault.
        let last = self.deadlines.end - (self.reserved_for_disposal() / 4).min(self.grace());
        // Scopes may hold singletons. Those that take too long are given up, so that the singletons still have their turn.
        let scopes = now() + last.saturating_duration_since(now()) / 2;
        if timeout_at(scopes, container.reaped()).await.is_err() {
            let hung = now() - began;
            report.stuck.push(Stuck {
                name: "a scope".to_owned(),
                phase: "being closed",
                hung,
                fate: Fate::LeftBehind,
            });
        }
        let disposed = Arc::clone(container);
        let disposal = async move { disposed.dispose(outcome, last).await };
        match self.apart("disposal", self.deadlines.end, disposal).await {
            Ok(faults) => report.closing.extend(faults),
            Err(fate) => report.stuck.push(Stuck {
                name: container.being_disposed().unwrap_or("a component").to_owned(),
                phase: "being disposed",
                hung: now() - began,
                fate,
            }),
        }
        for fault in &report.closing {
            tracing::error!(target: "hostkit::host", "{fault}");
        }
    }
}

/// Where a service stands in a stop.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// Others have to end before it.
    Waits,
    /// The same, and it has ended already.
    Early,
    /// It was told to stop then.
    Told(Instant),
    /// Its futures are dropped, after it had not ended for that long.
    Cut(Duration),
    /// It has ended, or nobody waits for it any more.
    Gone,
}

/// The services while they are stopped.
struct Parting<'a> {
    stopping: &'a Stopping<'a>,
    services: &'a [Service],
    order: StopOrder,
    parts: Vec<Part>,
    /// How many are not gone.
    left: usize,
    /// Whom to look at when. Most have one deadline, and so they share its timer.
    deadlines: BTreeMap<Instant, Vec<usize>>,
    stuck: Vec<(usize, Stuck)>,
}

impl<'a> Parting<'a> {
    fn of(stopping: &'a Stopping<'a>) -> Self {
        let services = &stopping.running.services;
        Self {
            stopping,
            services,
            order: stop_order(services.iter().map(|service| &service.plan)),
            parts: vec![Part::Waits; services.len()],
            left: services.len(),
            deadlines: BTreeMap::new(),
            stuck: Vec::new(),
        }
    }

    /// Tells those that nobody has to end before.
    fn tell_first(&mut self) {
        let first: Vec<_> = (0..self.services.len()).filter(|index| self.order.is_free(*index)).collect();
        let told = now();
        // Whoever shares a token with others is told by the first of them, so all are said to be stopping before.
        for index in &first {
            self.services[*index].status.stopping();
        }
        for index in first {
            self.tell(index, told);
        }
        for index in 0..self.services.len() {
            if self.services[index].status.is_over() {
                self.ended(index);
            }
        }
    }

    fn tell(&mut self, index: usize, told: Instant) {
        let service = &self.services[index];
        service.status.stopping();
        service.stop.cancel();
        self.parts[index] = Part::Told(told);
        self.deadlines.entry(self.stopping.deadline_of(service, told)).or_default().push(index);
    }

    /// It has ended. If others have to before it, whoever it holds up waits for them as well.
    fn ended(&mut self, index: usize) {
        match self.parts[index] {
            Part::Waits => self.parts[index] = Part::Early,
            Part::Cut(hung) => {
                self.is_stuck(index, hung, Fate::Dropped);
                self.gone(index);
            }
            Part::Told(_) => self.gone(index),
            Part::Early | Part::Gone => {}
        }
    }

    /// Nobody waits for it any more: tells those who are free now.
    fn gone(&mut self, index: usize) {
        let mut gone = vec![index];
        while let Some(index) = gone.pop() {
            self.parts[index] = Part::Gone;
            self.left -= 1;
            let mut freed = Vec::new();
            self.order.ended(index, |next| freed.push(next));
            for next in freed {
                match self.parts[next] {
                    Part::Early => gone.push(next),
                    _ => self.tell(next, now()),
                }
            }
        }
    }

    /// The first deadline has passed: drops the futures of those who have not ended, and gives up those who were cut and
    /// are still there, for they block their thread.
    fn cut(&mut self) {
        let late = self.deadlines.pop_first().map(|(_, late)| late).unwrap_or_default();
        for index in late {
            match self.parts[index] {
                Part::Told(told) => {
                    self.services[index].abandon.cancel();
                    self.parts[index] = Part::Cut(now() - told);
                    self.deadlines.entry(now() + self.stopping.grace()).or_default().push(index);
                }
                Part::Cut(hung) => {
                    self.is_stuck(index, hung, Fate::Blocks);
                    self.gone(index);
                }
                Part::Waits | Part::Early | Part::Gone => {}
            }
        }
    }

    fn is_stuck(&mut self, index: usize, hung: Duration, fate: Fate) {
        let service = &self.services[index];
        let phase = match service.plan.runner.stops() {
            StopsWith::Queues => "draining",
            StopsWith::Workers => "stopping",
        };
        self.stuck.push((index, Stuck { name: service.plan.name.to_owned(), phase, hung, fate }));
    }
}
