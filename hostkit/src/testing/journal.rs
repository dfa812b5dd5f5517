//! What a host under test writes down, and the faults that wait for its functions.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::patience::Patience;
use super::{Event, EventKind, Fault, Run, RunEnd};
use crate::ServiceState;
use crate::component::RunFailure;
use crate::runner::{Attended, Begun, Observer};
use crate::time::Clock;

/// The observer of one host.
pub(super) struct Journal {
    clock: Clock,
    pages: Mutex<Pages>,
    /// Told when a run has ended.
    run_ended: Notify,
    pub(super) patience: Patience,
}

#[derive(Default)]
struct Pages {
    events: Vec<Event>,
    runs: u64,
    faults: HashMap<&'static str, VecDeque<Fault>>,
}

impl Journal {
    pub(super) fn new(clock: Clock, patience: Patience) -> Arc<Self> {
        Arc::new(Self { clock, pages: Mutex::default(), run_ended: Notify::new(), patience })
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self, function: &'static str, kind: EventKind) {
        let at = self.clock.read().wall;
        self.pages().events.push(Event { at, function, kind });
    }

    pub(super) fn plan(&self, function: &'static str, fault: Fault) {
        self.pages().faults.entry(function).or_default().push_back(fault);
    }

    /// Everything so far, or of one function.
    pub(super) fn events(&self, of: Option<&str>) -> Vec<Event> {
        let pages = self.pages();
        pages.events.iter().filter(|event| of.is_none_or(|of| event.function == of)).cloned().collect()
    }

    /// The runs of a function, in the order in which they began.
    pub(super) fn runs(&self, of: &str) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for event in self.pages().events.iter().filter(|event| event.function == of) {
            match &event.kind {
                EventKind::RunBegan { run } => runs.push(Run { number: *run, began: event.at, ended: None }),
                EventKind::RunEnded { run, end } => {
                    if let Ok(index) = runs.binary_search_by_key(run, |run| run.number) {
                        runs[index].ended = Some((event.at, end.clone()));
                    }
                }
                _ => {}
            }
        }
        runs
    }

    /// Fires when a run ends after it was enabled.
    pub(super) fn run_ended(&self) -> Notified<'_> {
        self.run_ended.notified()
    }
}

impl Observer for Journal {
    fn state(&self, function: &'static str, state: &ServiceState) {
        self.write(function, EventKind::State(state.clone()));
    }

    fn begin(&self, function: &'static str) -> Begun {
        let at = self.clock.read().wall;
        let mut pages = self.pages();
        pages.runs += 1;
        let run = pages.runs;
        pages.events.push(Event { at, function, kind: EventKind::RunBegan { run } });
        let instead = pages.faults.get_mut(function).and_then(|faults| {
            loop {
                match faults.front_mut()?.strike() {
                    Some(body) => break Some(body),
                    None => faults.pop_front(),
                };
            }
        });
        Begun { run, instead }
    }

    fn end(&self, function: &'static str, run: u64, result: Result<(), &RunFailure>) {
        let end = match result {
            Ok(()) => RunEnd::Succeeded,
            Err(RunFailure::Dropped) => RunEnd::Dropped,
            Err(failure) => RunEnd::Failed(failure.to_string()),
        };
        self.write(function, EventKind::RunEnded { run, end });
        self.run_ended.notify_waiters();
    }

    fn retried(&self, function: &'static str, wait: Duration) {
        self.write(function, EventKind::Retrying { wait });
    }

    fn missed(&self, function: &'static str, count: u64) {
        self.write(function, EventKind::Missed { count });
    }

    fn enqueued(&self, function: &'static str) {
        self.write(function, EventKind::Enqueued);
    }

    fn attend<'r>(&self, run: Attended<'r>) -> Attended<'r> {
        let patience = self.patience.clone();
        Box::pin(async move { patience.await_for(run).await })
    }
}
