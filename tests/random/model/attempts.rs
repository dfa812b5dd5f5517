//! The calls of a service, put together from the record: what was built for each, how its body ended, what was disposed.

use std::collections::{BTreeMap, BTreeSet};

use hostkit::Outcome;
use tokio::task::Id as Task;

use crate::plan::How;
use crate::plan::{Kind, Millis, Service};
use crate::script::{Event, Part, What};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Finish {
    Good,
    Error,
    Panic,
    /// Its future was dropped.
    Dropped,
    /// Its timeout dropped its future.
    TimedOut,
    /// It goes on, as far as anybody knows.
    None,
}

impl Finish {
    pub(super) fn of(how: How) -> Self {
        match how {
            How::Good => Self::Good,
            How::Error => Self::Error,
            How::Panic => Self::Panic,
        }
    }
}

/// One call, from the first constructor of its scope to the last disposer.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) instance: usize,
    /// Where in the record, and when, it began.
    pub(super) begin: (usize, Millis),
    /// How its body ended; or its constructors, if they did not come that far.
    pub(super) finish: Finish,
    /// Where and when that was.
    finished: Option<(usize, Millis)>,
    /// Where and when everything of it was over.
    pub(super) over: Option<(usize, Millis)>,
    /// Whether it was never called.
    pub(super) uncalled: bool,
    /// What was built for it.
    pub(super) parts: Vec<Part>,
    /// A disposer failed, panicked or outlasted its time.
    closing_failed: bool,
    /// Its closing did not end in its own task.
    closing_cut: bool,
}

impl Attempt {
    fn new(instance: usize, begin: (usize, Millis)) -> Self {
        Self {
            instance,
            begin,
            finish: Finish::None,
            finished: None,
            over: None,
            uncalled: false,
            parts: Vec::new(),
            closing_failed: false,
            closing_cut: false,
        }
    }

    fn finish(&mut self, finish: Finish, at: (usize, Millis)) {
        self.finish = finish;
        self.finished = Some(at);
        self.over = Some(at);
    }

    /// A call succeeds when its body and every disposer does.
    pub(super) fn has_failed(&self) -> bool {
        match self.finish {
            // A call whose scope was still being closed at the deadline was dropped, whatever its body did.
            _ if self.closing_cut => false,
            Finish::Good => self.closing_failed,
            Finish::Error | Finish::Panic | Finish::TimedOut => true,
            Finish::Dropped | Finish::None => false,
        }
    }

    /// Whether it came to its own end.
    pub(super) fn is_whole(&self) -> bool {
        !matches!(self.finish, Finish::Dropped | Finish::None) && !self.closing_cut
    }

    /// Whether it was cut off after this place in the record.
    pub(super) fn cut_after(&self, place: usize) -> bool {
        let dropped = self.finish == Finish::Dropped && self.finished.is_some_and(|(at, _)| at > place);
        // The end of a closing that was cut off is not seen in the task of the call, but it can only be the deadline.
        dropped || self.closing_cut
    }

    /// Whether its timeout and the deadline of its service fell together, so that either may have ended it.
    pub(super) fn may_be_cut(&self, ended: Millis) -> bool {
        self.finish == Finish::TimedOut && self.finished.is_some_and(|(_, at)| at.abs_diff(ended) <= super::SLACK)
    }

    /// What its disposers are told.
    pub(super) fn outcome(&self) -> Outcome {
        match self.finish {
            Finish::Good => Outcome::Succeeded,
            Finish::Error | Finish::Panic | Finish::TimedOut => Outcome::Failed,
            Finish::Dropped | Finish::None => Outcome::Cancelled,
        }
    }
}

/// The calls of this service, in the order in which they began.
pub(super) fn of(service: &Service, events: &[Event]) -> Vec<Attempt> {
    if service.of.scoped { scoped(service, events) } else { plain(service, events) }
}

fn timed_out(service: &Service, began: Millis, at: Millis) -> bool {
    service.of.kind != Kind::Background
        && service.timeout.is_some_and(|limit| at.abs_diff(began + limit) <= super::SLACK)
}

fn plain(service: &Service, events: &[Event]) -> Vec<Attempt> {
    let name = service.name();
    let mut attempts: BTreeMap<(usize, usize), Attempt> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        let place = (index, event.at);
        match &event.what {
            What::Begin(id, _) if id.name == name => {
                attempts.insert((id.instance, id.call), Attempt::new(id.instance, place));
            }
            What::End(id, how) if id.name == name => {
                attempts.get_mut(&(id.instance, id.call)).unwrap().finish(Finish::of(*how), place);
            }
            What::Dropped(id) if id.name == name => {
                let attempt = attempts.get_mut(&(id.instance, id.call)).unwrap();
                let late = timed_out(service, attempt.begin.1, event.at);
                attempt.finish(if late { Finish::TimedOut } else { Finish::Dropped }, place);
            }
            _ => {}
        }
    }
    let mut attempts: Vec<_> = attempts.into_values().collect();
    attempts.sort_by_key(|attempt| attempt.begin);
    attempts
}

/// Calls that have a scope are told apart by the task that builds it, calls the body and closes it.
fn scoped(service: &Service, events: &[Event]) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for task in tasks(service, events) {
        let mut current: Option<Attempt> = None;
        let of_task = events.iter().enumerate().filter(|(_, event)| event.task == Some(task));
        let mut body_began = 0;
        let mut building_since = 0;
        let mut disposing_since = 0;
        for (index, event) in of_task {
            let place = (index, event.at);
            if let What::Building(("Inner", _)) = &event.what {
                attempts.extend(current.replace(Attempt::new(0, place)));
            }
            let Some(attempt) = &mut current else { continue };
            match &event.what {
                What::Building(("Inner" | "Outer", _)) => building_since = event.at,
                What::Built(part @ ("Inner" | "Outer", _)) => attempt.parts.push(*part),
                What::NotBuilt(("Inner" | "Outer", _)) => {
                    attempt.uncalled = true;
                    attempt.finish(Finish::Error, place);
                }
                What::BuildDropped(("Inner" | "Outer", _)) => {
                    attempt.uncalled = true;
                    let late = event.at - building_since >= 30_000 - super::SLACK;
                    attempt.finish(if late { Finish::TimedOut } else { Finish::Dropped }, place);
                }
                What::Begin(..) => body_began = event.at,
                What::End(_, how) => attempt.finish(Finish::of(*how), place),
                What::Dropped(_) => {
                    let late = timed_out(service, body_began, event.at);
                    attempt.finish(if late { Finish::TimedOut } else { Finish::Dropped }, place);
                }
                What::Disposing(("Inner" | "Outer", _), _) => {
                    disposing_since = event.at;
                    attempt.over = Some(place);
                    attempt.closing_cut = true;
                }
                What::Disposed(("Inner" | "Outer", _), how) => {
                    attempt.closing_failed |= *how != How::Good;
                    attempt.closing_cut = false;
                    attempt.over = Some(place);
                }
                What::DisposeDropped(("Inner" | "Outer", _)) => {
                    let late = event.at - disposing_since >= 5000 - super::SLACK;
                    attempt.closing_failed |= late;
                    attempt.closing_cut = !late;
                    attempt.over = Some(place);
                }
                _ => {}
            }
        }
        attempts.extend(current);
    }
    for attempt in attempts.iter_mut().filter(|attempt| attempt.closing_cut) {
        attempt.over = None;
    }
    attempts.sort_by_key(|attempt| attempt.begin);
    attempts
}

/// The tasks in which the calls of a service happen.
fn tasks(service: &Service, events: &[Event]) -> BTreeSet<Task> {
    let of_states = |name: &str| {
        events.iter().find_map(|event| match &event.what {
            What::State(of, state) if of == name && state == "starting" => event.task,
            _ => None,
        })
    };
    if service.of.kind != Kind::Queued {
        return of_states(service.name()).into_iter().collect();
    }
    // The workers of the one queue with a scope: whoever else builds one is known.
    let known: BTreeSet<_> = ["w0", "w1", "p0"].into_iter().filter_map(of_states).collect();
    events
        .iter()
        .filter(|event| matches!(event.what, What::Building(("Inner", _))))
        .filter_map(|event| event.task)
        .filter(|task| !known.contains(task))
        .collect()
}
