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

impl From<Phase> for ServiceState {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Starting => Self::Starting,
            Phase::Running => Self::Running,
            Phase::Restarting(at) => Self::Restarting { at },
            Phase::Completed => Self::Completed,
            Phase::Stopped => Self::Stopped,
            Phase::Failed(error) => Self::Failed { error },
        }
    }
}

impl Phase {
    fn is_end(&self) -> bool {
        matches!(self, Self::Completed | Self::Stopped | Self::Failed(_))
    }
}

/// Cloning it clones a reference.
#[derive(Clone)]
pub(super) struct Instances {
    status: Arc<StatusCell>,
    /// Once it fires, only the end of all instances is shown: the host has said that the service is stopping.
    stop: CancellationToken,
    /// Where several stand. Most services have one instance only, which stands where the service does.
    several: Option<Arc<Mutex<Several>>>,
}

struct Several {
    phases: Box<[Phase]>,
    shown: ServiceState,
}

impl Instances {
    pub(super) fn new(count: usize, status: &Arc<StatusCell>, stop: &CancellationToken) -> Self {
        status.set(ServiceState::Starting);
        let several = || {
            let phases = vec![Phase::Starting; count].into();
            Arc::new(Mutex::new(Several { phases, shown: ServiceState::Starting }))
        };
        Self { status: Arc::clone(status), stop: stop.clone(), several: (count > 1).then(several) }
    }

    pub(super) fn set(&self, index: usize, phase: Phase) {
        match &self.several {
            None => self.show(phase.into()),
            Some(several) => {
                let mut several = several.lock().unwrap_or_else(PoisonError::into_inner);
                several.phases[index] = phase;
                self.show_together(&mut several);
            }
        }
    }

    /// Counts those that were dropped in their tracks as stopped.
    pub(super) fn all_ended(&self) {
        let Some(several) = &self.several else { return };
        let mut several = several.lock().unwrap_or_else(PoisonError::into_inner);
        several.phases.iter_mut().filter(|phase| !phase.is_end()).for_each(|phase| *phase = Phase::Stopped);
        self.show_together(&mut several);
    }

    fn show_together(&self, several: &mut Several) {
        let state = together(&several.phases);
        if state != several.shown {
            several.shown = state.clone();
            self.show(state);
        }
    }

    fn show(&self, state: ServiceState) {
        if state.is_end() {
            self.status.set(state);
        } else if !self.stop.is_cancelled() {
            self.status.go_on(state);
        }
    }
}

/// The state of all. Of living instances, the one furthest from running decides.
fn together(phases: &[Phase]) -> ServiceState {
    let ended = phases.iter().all(Phase::is_end);
    let has = |phase: &Phase| phases.contains(phase);
    let retry =
        phases.iter().filter_map(|phase| if let Phase::Restarting(at) = phase { Some(*at) } else { None }).min();
    let error = phases.iter().find_map(|phase| if let Phase::Failed(error) = phase { Some(error) } else { None });
    match (retry, error) {
        (None, Some(error)) if ended => ServiceState::Failed { error: error.clone() },
        _ if ended && has(&Phase::Stopped) => ServiceState::Stopped,
        _ if ended => ServiceState::Completed,
        (Some(at), _) => ServiceState::Restarting { at },
        _ if has(&Phase::Starting) => ServiceState::Starting,
        _ => ServiceState::Running,
    }
}
