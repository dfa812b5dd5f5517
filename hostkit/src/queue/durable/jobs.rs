//! What a host's durable queues share: the way to the store, the lanes, what is on its way back to the store.
//!
//! # Invariants
//!
//! 1. The store is there from the start of the host to its very end; before and after, whoever enqueues is told.
//! 2. A claimed job is held from the moment the store's answer is read until what is said of it is on its way.
//! 3. A lane claims no more than it has room for, and what it holds takes room until its outcome is on its way to the store. The
//!    next claim comes behind that, so a slow store slows the workers down.
//! 4. Whatever ends a job's task, something is said of the job.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
#[cfg(feature = "testing")]
use {
    crate::store::{Changed, Durability, Filter, JobView, PageRequest, State},
    futures_util::FutureExt,
};

use super::lane::{Lane, LaneId};
use crate::queue::EnqueueError;
use crate::queue::error::Refused;
use crate::store::{Claim, ClaimedJob, Finish, OwnerId, Store, Verdict};

/// The durable jobs of one host.
pub(crate) struct Jobs {
    way: RwLock<Way>,
    pub(super) lease: Duration,
    shared: Mutex<Shared>,
    /// There is something for the dispatcher to do.
    pub(super) stirred: Notify,
    /// How far the host is.
    pub(super) phase: watch::Sender<Phase>,
    /// Told whenever an outcome has been stored.
    saved: Notify,
}

/// The way to the store (invariant 1).
enum Way {
    NotYet,
    Open(Arc<dyn Store>),
    Closed,
}

/// How far the host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Nothing runs jobs yet.
    Idle,
    /// Something does.
    Working,
    /// Nothing does any more: what is known is stored, and that is the end.
    Ending,
    /// The dispatcher has gone.
    Over,
}

/// Why there is no store.
pub(super) enum NoStore {
    NotStarted,
    Closed,
}

impl NoStore {
    pub(super) fn of<P>(self, payload: P) -> EnqueueError<P> {
        match self {
            Self::NotStarted => EnqueueError::refused(Refused::NotStarted, payload),
            Self::Closed => EnqueueError::closed(payload),
        }
    }
}

#[derive(Default)]
pub(super) struct Shared {
    /// Whether any function of the host is durable.
    is_used: bool,
    pub(super) lanes: Vec<Lane>,
    /// What is held, by its claim (invariant 2).
    held: HashMap<Claim, Held>,
    /// What is said of jobs and not with the store yet.
    pub(super) outbox: Vec<(LaneId, Finish)>,
    pub(super) lease: Option<Lease>,
    /// What became of a claim, or of an acknowledgement, is not known.
    pub(super) is_unsure: bool,
    /// Why the store does nothing any more.
    pub(super) broken: Option<String>,
    /// Kinds that a test keeps from being worked off.
    #[cfg(feature = "testing")]
    pub(super) withheld: std::collections::BTreeSet<Arc<str>>,
}

/// The lease of this host.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lease {
    pub(super) owner: OwnerId,
    /// Whether the store has said, or must be expected to say, that it is over.
    pub(super) is_lost: bool,
}

/// One job that this host has.
struct Held {
    /// Tells it to end.
    told: CancellationToken,
    /// Drops it at its next await.
    cut: CancellationToken,
    wants_token: bool,
    fate: Fate,
}

/// What happened to a job while it ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing.
    Runs,
    /// Somebody wants it cancelled.
    Cancelled,
    /// It may be another's by now.
    Lost,
}

/// What a job's task has of it.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    pub(super) told: CancellationToken,
    pub(super) cut: CancellationToken,
}

impl Jobs {
    pub(crate) fn new(lease: Duration) -> Self {
        Self {
            way: RwLock::new(Way::NotYet),
            lease,
            shared: Mutex::default(),
            stirred: Notify::new(),
            phase: watch::Sender::new(Phase::Idle),
            saved: Notify::new(),
        }
    }

    /// Some function of the host is durable.
    pub(crate) fn used(&self) {
        self.shared().is_used = true;
    }

    /// Whether any function of the host is durable, so that it needs a store.
    pub(crate) fn are_used(&self) -> bool {
        self.shared().is_used
    }

    pub(super) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn open(&self, store: Arc<dyn Store>) {
        *self.way.write().unwrap_or_else(PoisonError::into_inner) = Way::Open(store);
    }

    pub(super) fn store(&self) -> Result<Arc<dyn Store>, NoStore> {
        match &*self.way.read().unwrap_or_else(PoisonError::into_inner) {
            Way::NotYet => Err(NoStore::NotStarted),
            Way::Open(store) => Ok(Arc::clone(store)),
            Way::Closed => Err(NoStore::Closed),
        }
    }

    /// The store, as long as it is open.
    pub(crate) fn opened(&self) -> Option<Arc<dyn Store>> {
        self.store().ok()
    }

    /// What is the matter with the store, if it has failed for good.
    pub(crate) fn broken(&self) -> Option<String> {
        let broken = self.shared().broken.clone();
        // Where nobody works, nobody has noticed.
        broken.or_else(|| self.opened()?.health().err().map(|error| crate::error::WithCauses(&error).to_string()))
    }

    /// Ends it all: what is known of jobs is stored, the owner leaves, the store is closed. Bounded by whoever awaits it.
    pub(crate) async fn end(&self) {
        let mut phase = self.phase.subscribe();
        let is_working = *phase.borrow() == Phase::Working;
        self.phase.send_replace(if is_working { Phase::Ending } else { Phase::Over });
        self.stirred.notify_one();
        // Its sender is here, so it is never gone.
        drop(phase.wait_for(|phase| *phase == Phase::Over).await);
        let way = std::mem::replace(&mut *self.way.write().unwrap_or_else(PoisonError::into_inner), Way::Closed);
        if let Way::Open(store) = way
            && let Err(error) = store.close().await
        {
            tracing::warn!(target: "hostkit::store", error = %crate::error::WithCauses(&error), "the store did not close well");
        }
    }

    /// Opens a lane: from now on its jobs are claimed, and given to `jobs`.
    pub(super) fn open_lane(&self, lane: Lane) -> LaneId {
        let mut shared = self.shared();
        shared.lanes.push(lane);
        let id = LaneId(shared.lanes.len() - 1);
        drop(shared);
        self.phase.send_if_modified(|phase| {
            let first = *phase == Phase::Idle;
            if first {
                *phase = Phase::Working;
            }
            first
        });
        self.stirred.notify_one();
        id
    }

    /// Claims nothing more for a lane.
    pub(super) fn close_lane(&self, lane: LaneId) {
        self.shared().lanes[lane.0].is_open = false;
    }

    /// Waits until all that was said of a lane's jobs is stored.
    pub(super) async fn all_saved(&self, lane: LaneId) {
        loop {
            let mut saved = std::pin::pin!(self.saved.notified());
            // Listens before it looks, so that no change falls between.
            saved.as_mut().enable();
            {
                let shared = self.shared();
                if shared.lanes[lane.0].unsaved == 0 || shared.broken.is_some() {
                    return;
                }
            }
            saved.await;
        }
    }

    /// A job has come for a lane; gives its claim back if the lane is closed.
    pub(super) fn hold_job(&self, lane: LaneId, job: ClaimedJob) -> Result<(), Claim> {
        let mut shared = self.shared();
        let to = &mut shared.lanes[lane.0];
        to.busy += 1;
        let claim = job.claim;
        if !to.is_open {
            return Err(claim);
        }
        let (told, cut) = (to.stop.child_token(), CancellationToken::new());
        let tokens = Tokens { told: told.clone(), cut: cut.clone() };
        let (wants_token, sender) = (to.wants_token, to.jobs.clone());
        shared.held.insert(claim, Held { told, cut, wants_token, fate: Fate::Runs });
        drop(shared);
        sender.send((job, tokens)).map_err(|_refused| {
            self.shared().held.remove(&claim);
            claim
        })
    }

    /// What happened to a job while it ran.
    pub(super) fn fate(&self, claim: Claim) -> Fate {
        self.shared().held.get(&claim).map_or(Fate::Lost, |held| held.fate)
    }

    /// Says what becomes of a job.
    pub(super) fn finish(&self, lane: LaneId, claim: Claim, verdict: Verdict) {
        let mut shared = self.shared();
        shared.held.remove(&claim);
        let of = &mut shared.lanes[lane.0];
        of.unsaved += 1;
        shared.outbox.push((lane, Finish { claim, verdict }));
        drop(shared);
        self.stirred.notify_one();
    }

    /// What becomes of a job is with the store already.
    pub(super) fn finished(&self, lane: LaneId, claim: Claim) {
        let mut shared = self.shared();
        shared.held.remove(&claim);
        shared.lanes[lane.0].freed(1);
        drop(shared);
        self.stirred.notify_one();
    }

    /// What became of something is not known, so the store is told what this host still has.
    #[cfg(feature = "sqlite")]
    pub(super) fn is_unsure(&self) {
        self.shared().is_unsure = true;
        self.stirred.notify_one();
    }

    /// What was said of jobs is stored.
    pub(super) fn saved(&self, lanes: impl Iterator<Item = LaneId>) {
        let mut shared = self.shared();
        for lane in lanes {
            let lane = &mut shared.lanes[lane.0];
            lane.unsaved -= 1;
            lane.saving = 0;
            lane.freed(1);
        }
        drop(shared);
        self.saved.notify_waiters();
    }

    /// All that is held now.
    pub(super) fn held(&self) -> Vec<Claim> {
        self.shared().held.keys().copied().collect()
    }

    /// Somebody wants these cancelled. Those that have asked to be told are told, the others are dropped.
    pub(super) fn cancel(&self, claims: &[Claim]) {
        let mut shared = self.shared();
        for claim in claims {
            if let Some(held) = shared.held.get_mut(claim)
                && held.fate == Fate::Runs
            {
                held.fate = Fate::Cancelled;
                held.told.cancel();
                if !held.wants_token {
                    held.cut.cancel();
                }
            }
        }
    }

    /// The lease is over or soon will be: drops all that runs, before another can have it.
    pub(super) fn lose(&self, owner: OwnerId) -> usize {
        let mut shared = self.shared();
        match &mut shared.lease {
            Some(lease) if lease.owner == owner && !lease.is_lost => lease.is_lost = true,
            _ => return 0,
        }
        for held in shared.held.values_mut() {
            held.fate = Fate::Lost;
            held.told.cancel();
            held.cut.cancel();
        }
        let lost = shared.held.len();
        drop(shared);
        self.stirred.notify_one();
        lost
    }

    /// The store has failed for good: tells every lane, whose function fails with it.
    pub(super) fn breaks(&self, error: String) {
        let mut shared = self.shared();
        shared.lanes.iter().for_each(|lane| lane.failed.cancel());
        shared.broken = Some(error);
        drop(shared);
        self.saved.notify_waiters();
    }
}

/// For the test kit.
#[cfg(feature = "testing")]
impl Jobs {
    pub(super) fn hold(&self, kind: &Arc<str>) {
        self.shared().withheld.insert(Arc::clone(kind));
    }

    pub(super) fn release(&self, kind: &Arc<str>) {
        let mut shared = self.shared();
        shared.withheld.remove(kind);
        shared.lanes.iter_mut().for_each(|lane| lane.is_hungry = true);
        drop(shared);
        self.stirred.notify_one();
    }

    pub(super) fn is_held(&self, kind: &Arc<str>) -> bool {
        self.shared().withheld.contains(kind)
    }

    /// How many jobs of a kind wait at this moment, if the store is in memory.
    pub(super) fn waiting_in_memory(&self, kind: &str) -> Option<u64> {
        let store = self.opened().filter(|store| store.durability() == Durability::Process)?;
        let counts = store.counts().now_or_never()?.ok()?;
        Some(counts.iter().find(|counts| *counts.kind == *kind).map_or(0, |counts| counts.of(State::Waiting)))
    }

    /// The payloads that wait, in the order in which they were enqueued, and cancels their jobs. Those that have failed before stay.
    ///
    /// # Panics
    /// When the store does not answer at once; that in memory does.
    pub(super) fn take_waiting(&self, kind: &Arc<str>) -> Vec<Vec<u8>> {
        const AT_ONCE: &str = "a test takes from the store in memory, `memory://`, which answers at once";
        let filter = Filter { kind: Some(Arc::clone(kind)), state: Some(State::Waiting) };
        let waiting = self.list(filter).now_or_never().expect(AT_ONCE);
        let Some(store) = self.opened() else { return Vec::new() };
        let fresh = waiting.into_iter().filter(|job| job.failures == 0);
        let take = |job: JobView| {
            let changed = store.cancel(job.id, "a test has taken it").now_or_never().expect(AT_ONCE);
            matches!(changed, Ok(Changed::Changed)).then_some(job.payload)
        };
        fresh.filter_map(take).collect()
    }

    /// All jobs that pass the filter, in the order in which they were enqueued; none while the store is not open.
    pub(crate) async fn list(&self, filter: Filter) -> Vec<JobView> {
        let Some(store) = self.opened() else { return Vec::new() };
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = PageRequest { limit: 1000, after };
            let Ok(page) = store.list(filter.clone(), page).await else { break };
            all.extend(page.jobs);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        all.reverse();
        all
    }
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jobs").field("lease", &self.lease).finish_non_exhaustive()
    }
}

/// What a lane's jobs come through.
pub(super) type Incoming = mpsc::UnboundedReceiver<(ClaimedJob, Tokens)>;
