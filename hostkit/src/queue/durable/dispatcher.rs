//! The one loop between a host's durable functions and their store: claims for all of them, brings back what became of jobs, sweeps
//! and prunes.
//!
//! # Invariants
//!
//! 1. One claim is under way at a time, for every lane with room at once, and one group of outcomes, in which there is all that
//!    was said while the last was stored. Both are asked for together, so that under load they share a commit.
//! 2. A claim that was not answered is cleared up before the next one.
//! 3. What was said of a job is said until the store has answered.
//! 4. Nothing here waits for a job.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, OptionFuture};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::beat::Heart;
use super::jobs::{Jobs, Lease, Phase};
use super::lane::LaneId;
use crate::error::WithCauses;
use crate::store::{
    Applied, Claim, ClaimRequest, Claimed, Durability, Finish, OwnerId, State, Store, StoreError, Verdict, Worker,
};
use crate::tasks::Tasks;
use crate::time::now;

/// Whoever waits looks again after this time, whatever he was not told; and how often the dead are looked for, and waiting jobs
/// counted for whoever looks at the host.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// The same in a store that nobody else can reach: whatever happens in it is told, and only its own process can die.
const LOOK_SELDOM: Duration = Duration::from_mins(5);
/// How often what was kept long enough is deleted.
const PRUNE: Duration = Duration::from_mins(1);
/// So many jobs at a time.
const PRUNED: u32 = 500;
/// How long a store that could not do what it was asked is left alone.
const PATIENCE: Duration = Duration::from_secs(1);
/// More than so many outcomes are not stored in one transaction.
const SAVED_TOGETHER: usize = 1000;
/// So often those who are about to end are waited for.
const TURNS: usize = 8;

/// Works until the host ends. If it is lost it may be started again: all that is to be known is in [`Jobs`].
pub(crate) async fn dispatch(jobs: Arc<Jobs>, tasks: Tasks) {
    let mut phase = jobs.phase.subscribe();
    // Its sender is in `jobs`, so it is never gone.
    let is_over = phase.wait_for(|phase| *phase >= Phase::Working).await.is_ok_and(|phase| *phase == Phase::Over);
    if let Some(store) = jobs.opened()
        && !is_over
    {
        Dispatcher::new(Arc::clone(&jobs), store, tasks).run().await;
    }
    jobs.phase.send_replace(Phase::Over);
}

type Saving = BoxFuture<'static, (Vec<(LaneId, Finish)>, Result<Vec<Applied>, StoreError>)>;
type Claiming = BoxFuture<'static, Result<Claimed, StoreError>>;
type Chore = BoxFuture<'static, Done>;

/// What a chore came to.
enum Done {
    Registered(Instant, Result<OwnerId, StoreError>),
    Reconciled(Result<u64, StoreError>),
    Swept(Result<(), StoreError>),
    Pruned(Result<bool, StoreError>),
    Counted,
}

struct Dispatcher {
    jobs: Arc<Jobs>,
    store: Arc<dyn Store>,
    tasks: Tasks,
    changes: watch::Receiver<u64>,
    claiming: Option<Claiming>,
    /// The lanes for which it claims, and how many.
    asked: Vec<(LaneId, u32)>,
    saving: Option<Saving>,
    /// The last outcomes were not stored, so nothing is claimed on the strength of the next.
    is_failing: bool,
    /// One at a time.
    chore: Option<Chore>,
    /// The store is told what this host has, so nothing is claimed.
    is_reconciling: bool,
    owner: Option<OwnerId>,
    heart: Option<Heart>,
    /// Nothing is asked of the store before then.
    resume: Option<Instant>,
    /// How often it looks without being told.
    again: Duration,
    look: Instant,
    sweep: Instant,
    prune: Instant,
    count: Instant,
}

impl Dispatcher {
    fn new(jobs: Arc<Jobs>, store: Arc<dyn Store>, tasks: Tasks) -> Self {
        let now = now();
        let again = if store.durability() == Durability::Process { LOOK_SELDOM } else { LOOK_AGAIN };
        Self {
            changes: store.changes(),
            jobs,
            store,
            tasks,
            claiming: None,
            asked: Vec::new(),
            saving: None,
            is_failing: false,
            chore: None,
            is_reconciling: false,
            owner: None,
            heart: None,
            resume: None,
            again,
            look: now,
            sweep: now,
            prune: now + PATIENCE,
            count: now,
        }
    }

    async fn run(mut self) {
        loop {
            if self.jobs.shared().broken.is_some() {
                return;
            }
            let is_ending = *self.jobs.phase.borrow() == Phase::Ending;
            self.gather().await;
            self.save();
            if is_ending {
                if self.is_done() {
                    return self.leave().await;
                }
            } else {
                self.claim();
            }
            self.begin_chore(is_ending);
            let alarm = self.alarm();
            // Nothing is lost by any arm: what is under way is kept here, and a notice that nobody heard is heard next time.
            tokio::select! {
                biased;
                Some((finishes, answer)) = OptionFuture::from(self.saving.as_mut()) => {
                    self.saving = None;
                    self.saved(finishes, answer);
                }
                Some(claimed) = OptionFuture::from(self.claiming.as_mut()) => {
                    self.claiming = None;
                    self.claimed(claimed);
                }
                Some(done) = OptionFuture::from(self.chore.as_mut()) => {
                    self.chore = None;
                    self.done(done);
                }
                () = self.jobs.stirred.notified() => {}
                Ok(()) = self.changes.changed() => self.hungry(),
                () = sleep_until(alarm) => self.rings(),
            }
        }
    }

    /// Whether all that is known is stored.
    fn is_done(&self) -> bool {
        self.claiming.is_none() && self.saving.is_none() && self.chore.is_none() && self.jobs.shared().outbox.is_empty()
    }

    async fn leave(mut self) {
        self.heart = None;
        if let Some(owner) = self.owner
            && let Err(error) = self.store.leave(owner).await
        {
            tracing::warn!(target: "hostkit::store", error = %WithCauses(&error), "the store was not left in good order; its next sweep gives back what was held");
        }
    }

    fn is_patient(&self) -> bool {
        self.resume.is_some_and(|resume| resume > now())
    }

    /// Lets those who are about to say what became of their jobs say it (invariant 1).
    async fn gather(&mut self) {
        if self.saving.is_some() {
            return;
        }
        let mut said = self.jobs.shared().outbox.len();
        // What never waits for anything ends within a few turns.
        for _ in 0..TURNS {
            if said == 0 || said >= SAVED_TOGETHER {
                return;
            }
            tokio::task::yield_now().await;
            let now = self.jobs.shared().outbox.len();
            if now == said {
                return;
            }
            said = now;
        }
    }

    /// Begins to store what was said of jobs.
    fn save(&mut self) {
        if self.saving.is_some() || self.is_patient() {
            return;
        }
        let finishes: Vec<_> = {
            let mut shared = self.jobs.shared();
            let shared = &mut *shared;
            let count = shared.outbox.len().min(SAVED_TOGETHER);
            let finishes: Vec<_> = shared.outbox.drain(..count).collect();
            if !self.is_failing {
                for (lane, _) in &finishes {
                    let lane = &mut shared.lanes[lane.0];
                    lane.saving += 1;
                    lane.is_hungry = true;
                }
            }
            finishes
        };
        if finishes.is_empty() {
            return;
        }
        let store = Arc::clone(&self.store);
        self.saving = Some(Box::pin(async move {
            let answer = store.finish(finishes.iter().map(|(_, finish)| finish.clone()).collect()).await;
            (finishes, answer)
        }));
    }

    fn saved(&mut self, finishes: Vec<(LaneId, Finish)>, answer: Result<Vec<Applied>, StoreError>) {
        let applied = match answer {
            Ok(applied) => applied,
            Err(error) if error.is_fatal() => return self.broken(&error),
            Err(error) => {
                // Saying it again is harmless: the second time it is stale (invariant 3).
                self.failed("outcomes of jobs are not stored yet", &error);
                let mut shared = self.jobs.shared();
                let shared = &mut *shared;
                shared.lanes.iter_mut().for_each(|lane| lane.saving = 0);
                shared.outbox.splice(0..0, finishes);
                self.is_failing = true;
                return;
            }
        };
        for ((_, finish), applied) in finishes.iter().zip(&applied) {
            if *applied == Applied::Stale && !matches!(finish.verdict, Verdict::Released) {
                stale(finish.claim);
            }
        }
        self.is_failing = false;
        self.jobs.saved(finishes.iter().map(|(lane, _)| *lane));
    }

    /// Begins to claim, if there may be something for somebody with room (invariant 1).
    fn claim(&mut self) {
        let Some(owner) = self.owner else { return };
        if self.claiming.is_some() || self.is_reconciling || self.jobs.shared().is_unsure || self.is_patient() {
            return;
        }
        let mut kinds = Vec::new();
        self.asked.clear();
        {
            let mut shared = self.jobs.shared();
            if shared.lease.is_none_or(|lease| lease.is_lost) {
                return;
            }
            #[cfg(feature = "testing")]
            let withheld = shared.withheld.clone();
            for (index, lane) in shared.lanes.iter_mut().enumerate() {
                #[cfg(feature = "testing")]
                if withheld.contains(lane.kind()) {
                    continue;
                }
                if let Some(wanted) = lane.claims() {
                    lane.is_hungry = false;
                    self.asked.push((LaneId(index), wanted.free));
                    kinds.push(wanted);
                }
            }
        }
        if kinds.is_empty() {
            return;
        }
        let store = Arc::clone(&self.store);
        self.claiming = Some(Box::pin(async move { store.claim(ClaimRequest { owner, kinds }).await }));
    }

    fn claimed(&mut self, answer: Result<Claimed, StoreError>) {
        match answer {
            Ok(Claimed::Jobs { jobs, next }) => {
                let mut got = vec![0_u32; self.asked.len()];
                for job in jobs {
                    let lane = {
                        let shared = self.jobs.shared();
                        self.asked.iter().position(|(lane, _)| *shared.lanes[lane.0].kind() == job.kind)
                    };
                    let Some(place) = lane else {
                        tracing::error!(target: "hostkit::store", kind = &*job.kind, "the store gave a job that nobody asked for");
                        continue;
                    };
                    got[place] += 1;
                    let lane = self.asked[place].0;
                    if let Err(claim) = self.jobs.hold_job(lane, job) {
                        // The function ends: what it has not begun waits again.
                        self.jobs.finish(lane, claim, Verdict::Released);
                    }
                }
                let mut shared = self.jobs.shared();
                for ((lane, asked), got) in self.asked.iter().zip(got) {
                    shared.lanes[lane.0].is_hungry |= got == *asked;
                }
                drop(shared);
                self.look = now() + next.map_or(self.again, |next| next.min(self.again));
            }
            Ok(Claimed::Lost) => self.lost(),
            Err(error) if error.is_fatal() => self.broken(&error),
            Err(error) => {
                self.jobs.shared().is_unsure |= error.is_unknown();
                self.failed("no jobs could be claimed", &error);
                self.hungry();
            }
        }
    }

    /// Begins what is due beside, one thing at a time.
    fn begin_chore(&mut self, is_ending: bool) {
        if self.chore.is_some() || is_ending || self.is_patient() {
            return;
        }
        let (store, now) = (Arc::clone(&self.store), now());
        if self.jobs.shared().lease.is_some_and(|lease| lease.is_lost) && self.claiming.is_none() {
            self.owner = None;
            self.heart = None;
        }
        let Some(owner) = self.owner else {
            let worker = Worker { name: worker_name(), lease: self.jobs.lease };
            self.chore = Some(Box::pin(async move { Done::Registered(now, store.register(worker).await) }));
            return;
        };
        if self.jobs.shared().is_unsure && self.claiming.is_none() {
            // What is held and what is on its way back are what this host knows of (invariant 2).
            let mut known = self.jobs.held();
            known.extend(self.jobs.shared().outbox.iter().map(|(_, finish)| finish.claim));
            if self.saving.is_none() {
                // Whatever becomes unsure from here on asks for another.
                self.jobs.shared().is_unsure = false;
                self.is_reconciling = true;
                self.chore = Some(Box::pin(async move { Done::Reconciled(store.reconcile(owner, known).await) }));
            }
            return;
        }
        if self.sweep <= now {
            self.sweep = now + self.again;
            self.chore = Some(Box::pin(async move { Done::Swept(store.sweep().await.map(report)) }));
        } else if self.prune <= now {
            self.prune = now + PRUNE;
            let kept: Vec<_> = self.jobs.shared().lanes.iter().map(|lane| lane.retention.clone()).collect();
            self.chore = Some(Box::pin(async move {
                let mut has_more = false;
                for retention in kept {
                    match store.prune(retention, PRUNED).await {
                        Ok(pruned) => has_more |= pruned.has_more,
                        Err(error) => return Done::Pruned(Err(error)),
                    }
                }
                Done::Pruned(Ok(has_more))
            }));
        } else if self.count <= now {
            // The test kit asks a store in memory itself.
            self.count = now + if cfg!(feature = "testing") { self.again } else { LOOK_AGAIN };
            let jobs = Arc::clone(&self.jobs);
            self.chore = Some(Box::pin(async move {
                if let Ok(counts) = store.counts().await {
                    let mut shared = jobs.shared();
                    for lane in &mut shared.lanes {
                        let waiting = counts.iter().find(|counts| counts.kind == *lane.kind());
                        lane.waiting = waiting.map_or(0, |counts| counts.of(State::Waiting));
                    }
                }
                Done::Counted
            }));
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Registered(sent, Ok(owner)) => {
                self.owner = Some(owner);
                self.jobs.shared().lease = Some(Lease { owner, is_lost: false });
                self.heart = Some(Heart::start(&self.jobs, &self.store, owner, sent, &self.tasks));
                self.jobs.shared().is_unsure = false;
                self.hungry();
            }
            Done::Reconciled(Ok(returned)) => {
                self.is_reconciling = false;
                if returned > 0 {
                    tracing::info!(target: "hostkit::store", jobs = returned, "gave back jobs of a claim that was not answered");
                }
                self.hungry();
            }
            Done::Pruned(Ok(true)) => self.prune = now() + PATIENCE / 4,
            Done::Swept(Ok(())) | Done::Pruned(Ok(false)) | Done::Counted => {}
            Done::Reconciled(Err(error)) => {
                self.is_reconciling = false;
                self.jobs.shared().is_unsure = true;
                self.chore_failed(&error);
            }
            Done::Registered(_, Err(error)) | Done::Swept(Err(error)) | Done::Pruned(Err(error)) => {
                self.chore_failed(&error);
            }
        }
    }

    fn chore_failed(&mut self, error: &StoreError) {
        if error.is_fatal() {
            self.broken(error);
        } else {
            self.failed("the store could not be looked after", error);
        }
    }

    /// When to look again without being told.
    fn alarm(&self) -> Instant {
        let mut alarm = self.look.min(self.sweep).min(self.prune).min(self.count);
        if let Some(resume) = self.resume {
            alarm = alarm.max(resume).min(now() + self.again);
        }
        alarm.max(now() + Duration::from_millis(1))
    }

    fn rings(&mut self) {
        if let Err(error) = self.store.health() {
            return self.broken(&error);
        }
        if self.resume.is_some_and(|resume| resume <= now()) {
            self.resume = None;
        }
        if self.look <= now() {
            self.look = now() + self.again;
            self.hungry();
        }
    }

    /// There may be more to claim.
    fn hungry(&self) {
        self.jobs.shared().lanes.iter_mut().for_each(|lane| lane.is_hungry = true);
    }

    /// The store did not do what it was asked, and may later.
    fn failed(&mut self, what: &str, error: &StoreError) {
        self.resume = Some(now() + PATIENCE);
        let again = crate::time::show_duration(PATIENCE);
        tracing::warn!(target: "hostkit::store", error = %WithCauses(error), %again, "{what}");
    }

    /// The store has failed for good.
    fn broken(&mut self, error: &StoreError) {
        // What was the matter at first says more than what that led to.
        let first = self.store.health().err();
        let error = WithCauses(first.as_ref().unwrap_or(error)).to_string();
        tracing::error!(target: "hostkit::store", error, "no durable job runs any more");
        self.jobs.breaks(error);
    }

    /// Others have what this host had.
    fn lost(&mut self) {
        let Some(owner) = self.owner.take() else { return };
        self.heart = None;
        let jobs = self.jobs.lose(owner);
        tracing::warn!(target: "hostkit::store", jobs, "this process was declared dead; what it ran is another's now");
    }
}

/// Says that an attempt came too late.
pub(super) fn stale(claim: Claim) {
    tracing::warn!(
        target: "hostkit::queue", job = %claim.id, fence = claim.epoch,
        "what an attempt says counts no more: the job was given to another meanwhile, or this was said twice"
    );
}

/// Says what a sweep found, if it found something.
fn report(swept: crate::store::Swept) {
    let crate::store::Swept { owners, interrupted, quarantined, cancelled } = swept;
    if owners == 0 {
        return;
    }
    if quarantined > 0 {
        tracing::error!(target: "hostkit::store", owners, interrupted, quarantined, cancelled, "a process that ran jobs has died; `quarantined` jobs were running in too many crashes, look at them with `jobs list --state quarantined`");
    } else {
        tracing::warn!(target: "hostkit::store", owners, interrupted, cancelled, "a process that ran jobs has died; what it ran waits again");
    }
}

/// What people know this process by.
fn worker_name() -> String {
    let program = std::env::args_os().next().map(std::path::PathBuf::from);
    let program =
        program.as_deref().and_then(std::path::Path::file_name).map(|name| name.to_string_lossy().into_owned());
    format!("{} {}", program.unwrap_or_else(|| "a program".to_owned()), std::process::id())
}
