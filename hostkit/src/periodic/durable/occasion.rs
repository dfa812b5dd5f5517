//! A stored instant, read back and run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::course::{is_late, passed_since};
use crate::component::{Context, Limits, Plan, RunFailure, RunValues};
use crate::periodic::Tick;
use crate::periodic::grid::Taken;
use crate::periodic::options::{Missed, Schedule};
use crate::queue::{Handler, Unreadable};
use crate::runner::{Callee, Conduct};
use crate::store::Timestamp;
use crate::time::Clock;

/// What is stored of an instant.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Due {
    /// When it was due, in microseconds since 1970.
    pub(super) at: i64,
    /// As [`Tick::missed`].
    #[serde(default)]
    pub(super) missed: u64,
}

impl Due {
    pub(super) fn to_json(self) -> Vec<u8> {
        format!("{{\"at\":{},\"missed\":{}}}", self.at, self.missed).into_bytes()
    }
}

/// A periodic function that is called for stored instants.
pub(super) struct Occasion {
    callee: Box<dyn Callee>,
    clock: Clock,
    schedule: Schedule,
    missed: Missed,
    wants_tick: bool,
    runs: AtomicU64,
}

impl Occasion {
    pub(super) fn new(callee: Box<dyn Callee>, conduct: &Conduct, schedule: Schedule, missed: Missed) -> Self {
        let wants_tick = callee.plan().wants::<Tick>();
        Self { callee, clock: conduct.clock.clone(), schedule, missed, wants_tick, runs: AtomicU64::new(0) }
    }

    fn tick(&self, due: Due) -> Tick {
        let reading = self.clock.read();
        let time = SystemTime::from(Timestamp::from_micros(due.at));
        // Those for which it stands, because it had to wait (invariant 4 of the schedule).
        let waited = match self.missed {
            Missed::All => 0,
            Missed::Once | Missed::Skip => passed_since(&self.schedule, time, reading.wall),
        };
        let missed = match due.missed {
            0 if waited == 0 => 0,
            0 => waited + 1,
            missed => missed + waited,
        };
        let scheduled = reading.wall.duration_since(time).ok().and_then(|ago| reading.instant.checked_sub(ago));
        let scheduled = scheduled.unwrap_or(reading.instant);
        let taken = Taken { scheduled, time, missed, began: reading.instant };
        Tick::new(taken, self.runs.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl Handler for Occasion {
    fn plan(&self) -> &Plan {
        self.callee.plan()
    }

    fn call<'c>(
        &'c self,
        payload: &[u8],
        context: Context,
        limits: Limits<'c>,
    ) -> Result<BoxFuture<'c, Result<(), RunFailure>>, Unreadable> {
        let due: Due = serde_json::from_slice(payload)
            .map_err(|error| Unreadable(format!("this is no instant of a schedule: {error}")))?;
        let values = self.wants_tick.then(|| Arc::new((self.tick(due),)) as Arc<dyn RunValues>);
        let context = Context { values, ..context };
        Ok(self.callee.call(context, &|| None, limits))
    }

    fn refuses(&self, payload: &[u8], attempt: u32) -> Option<String> {
        let due: Due = serde_json::from_slice(payload).ok()?;
        let time = SystemTime::from(Timestamp::from_micros(due.at));
        let is_skipped = self.missed == Missed::Skip && attempt == 1 && is_late(time, self.clock.read().wall);
        is_skipped.then(|| "its instant had passed when there was a worker for it, and `missed` is \"skip\"".to_owned())
    }
}
