//! The states of a service's instances, and the one state that they show together.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::runner::{ServiceState, StatusCell};

/// Where one instance stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    Starting,
    Running,
    Restarting(Instant),
    Completed,
    Stopped,
    Failed(String),
}

impl Phase {
    fn is_end(&self) -> bool {
        matches!(self, Self::Completed | Self::Stopped | Self::Failed(_))
    }
}

pub(super) struct Instances {
    status: Arc<StatusCell>,
    /// Once it fires, only the end of all instances is shown: the host has said that the service is stopping.
    stop: CancellationToken,
    phases: Mutex<Phases>,
}

struct Phases {
    /// Most services have one instance only.
    first: Phase,
    others: Box<[Phase]>,
    shown: ServiceState,
}

impl Instances {
    pub(super) fn new(count: usize, status: &Arc<StatusCell>, stop: &CancellationToken) -> Arc<Self> {
        let others = vec![Phase::Starting; count.saturating_sub(1)].into();
        let phases = Phases { first: Phase::Starting, others, shown: ServiceState::Starting };
        status.set(ServiceState::Starting);
        Arc::new(Self { status: Arc::clone(status), stop: stop.clone(), phases: Mutex::new(phases) })
    }

    pub(super) fn set(&self, index: usize, phase: Phase) {
        let mut phases = self.phases.lock().unwrap_or_else(PoisonError::into_inner);
        match index {
            0 => phases.first = phase,
            index => phases.others[index - 1] = phase,
        }
        self.show(&mut phases);
    }

    /// Counts those that were dropped in their tracks as stopped.
    pub(super) fn all_ended(&self) {
        let mut phases = self.phases.lock().unwrap_or_else(PoisonError::into_inner);
        let Phases { first, others, .. } = &mut *phases;
        let all = std::iter::once(first).chain(others);
        all.filter(|phase| !phase.is_end()).for_each(|phase| *phase = Phase::Stopped);
        self.show(&mut phases);
    }

    fn show(&self, phases: &mut Phases) {
        let (state, ended) = together(&std::iter::once(&phases.first).chain(&phases.others));
        if state != phases.shown && (ended || !self.stop.is_cancelled()) {
            phases.shown = state.clone();
            self.status.set(state);
        }
    }
}

/// The state of all, and whether all have ended. Of living instances, the one furthest from running decides.
fn together<'p>(phases: &(impl Iterator<Item = &'p Phase> + Clone)) -> (ServiceState, bool) {
    let ended = phases.clone().all(Phase::is_end);
    let has = |phase: &Phase| phases.clone().any(|other| other == phase);
    let retry =
        phases.clone().filter_map(|phase| if let Phase::Restarting(at) = phase { Some(*at) } else { None }).min();
    let error = phases.clone().find_map(|phase| if let Phase::Failed(error) = phase { Some(error) } else { None });
    let state = match (retry, error) {
        (None, Some(error)) if ended => ServiceState::Failed { error: error.clone() },
        _ if ended && has(&Phase::Stopped) => ServiceState::Stopped,
        _ if ended => ServiceState::Completed,
        (Some(at), _) => ServiceState::Restarting { at },
        _ if has(&Phase::Starting) => ServiceState::Starting,
        _ => ServiceState::Running,
    };
    (state, ended)
}
