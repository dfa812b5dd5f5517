//! One durable function as the dispatcher sees it: what may be claimed for it, and where that goes.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::jobs::{Incoming, Tokens};
use crate::store::{ClaimedJob, Retention, Wanted};

/// The place of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LaneId(pub(super) usize);

/// What may be claimed for one function.
pub(super) struct Lane {
    /// What is asked of the store when nothing of it runs; `free` is how many may run at once.
    wanted: Wanted,
    pub(super) retention: Retention,
    /// Jobs that are claimed and whose outcome is not stored.
    pub(super) busy: u32,
    /// Those of them that have ended.
    pub(super) unsaved: u32,
    /// Those of these whose outcome is on its way to the store, ahead of whatever is claimed next.
    pub(super) saving: u32,
    /// Jobs that waited when they were last counted.
    pub(super) waiting: u64,
    /// Whether there may be more to claim than it has.
    pub(super) is_hungry: bool,
    pub(super) is_open: bool,
    pub(super) wants_token: bool,
    /// Where its jobs go.
    pub(super) jobs: mpsc::UnboundedSender<(ClaimedJob, Tokens)>,
    /// Fires when it should end.
    pub(super) stop: CancellationToken,
    /// Fires when the store has failed for good.
    pub(super) failed: CancellationToken,
}

impl Lane {
    pub(super) fn new(
        wanted: Wanted,
        retention: Retention,
        wants_token: bool,
        stop: CancellationToken,
    ) -> (Self, Incoming) {
        let (jobs, incoming) = mpsc::unbounded_channel();
        let lane = Self {
            wanted,
            retention,
            busy: 0,
            unsaved: 0,
            saving: 0,
            waiting: 0,
            is_hungry: true,
            is_open: true,
            wants_token,
            jobs,
            stop,
            failed: CancellationToken::new(),
        };
        (lane, incoming)
    }

    pub(super) fn kind(&self) -> &std::sync::Arc<str> {
        &self.wanted.kind
    }

    /// Jobs are no longer its own, so another claim may bring more.
    pub(super) fn freed(&mut self, jobs: u32) {
        self.busy -= jobs;
        self.is_hungry = true;
    }

    /// What to claim for it now.
    pub(super) fn claims(&self) -> Option<Wanted> {
        let free = self.wanted.free.saturating_sub(self.busy.saturating_sub(self.saving));
        (self.is_open && self.is_hungry && free > 0).then(|| Wanted { free, ..self.wanted.clone() })
    }
}
