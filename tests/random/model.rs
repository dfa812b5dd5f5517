//! What the rules of the lifecycle say about a host, from what its bodies saw, against what the host did.
//!
//! The rules are those of the design's pages on the life of a host and on background services; numbers such as (S2) cite
//! the invariants that open `host/stop.rs`. Nothing here looks at how hostkit does it: each check takes the host's
//! plan and the order and instants of what its bodies, constructors and disposers went through.

mod attempts;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use hostkit::{Outcome, ServiceState};

use self::attempts::{Attempt, Finish};
use self::report::Report;
use crate::drive::{Ended, Life};
use crate::plan::{HOOKS, How, Kind, Millis, Mode, OnComplete, OnFailure, Plan, SINGLES, Service, Stage};
use crate::script::{Event, Part, What};

/// Timers fire at whole milliseconds.
const SLACK: Millis = 2;

/// How many hosts met what, so that the test shows what it covers.
#[derive(Debug, Default)]
pub(crate) struct Tally(BTreeMap<&'static str, usize>);

impl Tally {
    fn count(&mut self, what: &'static str, times: usize) {
        *self.0.entry(what).or_default() += times;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            self.count(what, *times);
        }
    }

    /// Fails unless the hosts went through everything that the model has rules for.
    pub(crate) fn covers_everything(&self) {
        const ALL: [&str; 16] = [
            "ended well",
            "ended badly",
            "did not start",
            "given up while starting",
            "stopped while starting",
            "finished by itself",
            "service stuck",
            "hook stuck",
            "restart",
            "restarts used up",
            "stopped in backoff",
            "not ready in time",
            "singleton not built",
            "scope closed",
            "scope cancelled",
            "leftovers",
        ];
        let missing: Vec<_> = ALL.iter().filter(|what| self.0.get(**what).copied().unwrap_or(0) < 20).collect();
        assert!(missing.is_empty(), "hardly any host went through {missing:?}: {self}");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> = self.0.iter().map(|(what, times)| format!("{what}: {times}")).collect();
        f.write_str(&shown.join(", "))
    }
}

/// Why a host began to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cause {
    Asked,
    Finished,
    Completed,
    Service(&'static str),
    /// A service that could not even be called.
    Uncalled(&'static str),
    Hook(&'static str),
    NotBuilt(&'static str),
    NotReady(&'static str),
}

/// The life of one service, as its states and bodies show it.
struct Seen<'a> {
    service: &'a Service,
    /// Where in the record, and when, its turn came.
    begun: Option<(usize, Millis)>,
    /// It was told to stop.
    told: Option<(usize, Millis)>,
    /// It ended.
    ended: Option<(usize, Millis)>,
    states: Vec<(usize, Millis, String)>,
    attempts: Vec<Attempt>,
    /// When it could be relied on.
    ready: Option<(usize, Millis)>,
    /// It failed for good.
    failed: Option<(usize, Millis)>,
    /// It could not be called, because of a component.
    uncalled: bool,
}

/// Where in the record and when a hook began, and where, when and how it ended.
type Hooked = (usize, Millis, Option<(usize, Millis, Finish)>);

/// The model's view of one life.
struct Model<'a> {
    plan: &'a Plan,
    events: &'a [Event],
    seen: Vec<Seen<'a>>,
    /// When the stop began, and where in the record.
    began: Millis,
    started: Option<(usize, Millis)>,
    returned: (usize, Millis),
    causes: Vec<(Millis, Cause)>,
    faults: Vec<String>,
    tally: Tally,
}

/// Everything in which a host and the model disagree.
pub(crate) fn check(plan: &Plan, life: &Life) -> (Vec<String>, Tally) {
    let mut model = Model::of(plan, life);
    model.find_causes();
    model.check_causes();
    model.check_start_order();
    model.check_states();
    model.check_restarts();
    let stuck = model.check_stop();
    model.check_scopes(life);
    model.check_singletons(life);
    model.check_end(life);
    model.check_result(life, stuck);
    model.check_seen(life);
    (model.faults, model.tally)
}

impl<'a> Model<'a> {
    fn of(plan: &'a Plan, life: &'a Life) -> Self {
        let events = &life.events[..];
        let find = |what: &What| events.iter().position(|event| event.what == *what).map(|at| (at, events[at].at));
        let seen = plan.services.iter().map(|service| Seen::of(service, events)).collect();
        Self {
            plan,
            events,
            seen,
            began: 0,
            started: find(&What::Started),
            returned: find(&What::Returned).unwrap(),
            causes: Vec::new(),
            faults: Vec::new(),
            tally: Tally::default(),
        }
    }

    fn fault(&mut self, text: impl Into<String>) {
        self.faults.push(text.into());
    }

    fn seen(&self, name: &str) -> Option<&Seen<'a>> {
        self.seen.iter().find(|seen| seen.service.name() == name)
    }

    fn expect(&mut self, what: &str, is: Millis, expected: Millis) {
        if is.abs_diff(expected) > SLACK {
            self.fault(format!("{what} at {is}, expected at {expected}"));
        }
    }

    fn grace(&self) -> Millis {
        (self.plan.stop_timeout / 20).clamp(12, 250)
    }

    /// When what runs has to be over (S1).
    fn work_deadline(&self) -> Millis {
        self.began + self.plan.stop_timeout - 5000.min(self.plan.stop_timeout / 4)
    }

    fn end_deadline(&self) -> Millis {
        self.began + self.plan.stop_timeout
    }

    /// Whether the start came as far as the services.
    fn services_began(&self) -> bool {
        // Without a service nobody sees it but the hooks after them.
        self.seen.iter().any(|seen| seen.begun.is_some())
            || self.started.is_some()
            || self.plan.hooks.iter().any(|hook| hook.stage == Stage::Started && self.hook(hook.name).is_some())
    }

    /// How a hook fared, if it began.
    fn hook(&self, name: &str) -> Option<Hooked> {
        let mut hooked: Option<Hooked> = None;
        for (index, event) in self.events.iter().enumerate() {
            match (&event.what, &mut hooked) {
                (What::Begin(id, _), _) if id.name == name => hooked = Some((index, event.at, None)),
                (What::End(id, how), Some((_, _, end))) if id.name == name => {
                    *end = Some((index, event.at, Finish::of(*how)));
                }
                (What::Dropped(id), Some((_, _, end))) if id.name == name => {
                    *end = Some((index, event.at, Finish::Dropped));
                }
                _ => {}
            }
        }
        hooked
    }

    /// Everything that by itself ends the life of a host.
    fn find_causes(&mut self) {
        let mut causes = Vec::new();
        for event in self.events {
            match &event.what {
                What::Asked => causes.push((event.at, Cause::Asked)),
                What::NotBuilt((name, _)) if is_single(name) => causes.push((event.at, Cause::NotBuilt(name))),
                What::BuildDropped((name, _)) if is_single(name) => {
                    let building = |other: &&Event| matches!(&other.what, What::Building((of, _)) if of == name);
                    let began = self.events.iter().find(building).unwrap().at;
                    if event.at - began >= 30_000 - SLACK {
                        causes.push((event.at, Cause::NotBuilt(name)));
                    }
                }
                _ => {}
            }
        }
        for hook in self.plan.hooks.iter().filter(|hook| matches!(hook.stage, Stage::Start | Stage::Started)) {
            if let Some((_, began, Some((_, at, finish)))) = self.hook(hook.name) {
                let timed_out = hook.timeout.is_some_and(|limit| at.abs_diff(began + limit) <= SLACK);
                if finish == Finish::Error || finish == Finish::Panic || (finish == Finish::Dropped && timed_out) {
                    causes.push((at, Cause::Hook(hook.name)));
                }
            }
        }
        for seen in &self.seen {
            let name = seen.service.name();
            if let Some((_, at)) = seen.failed {
                causes.push((at, if seen.uncalled { Cause::Uncalled(name) } else { Cause::Service(name) }));
            }
            if let (Some((_, began)), Some(limit)) = (seen.begun, seen.service.start_timeout)
                && seen.service.of.kind == Kind::Background
                && seen.ready.is_none_or(|(index, ready)| ready > began + limit || seen.is_told_by(index))
            {
                causes.push((began + limit, Cause::NotReady(name)));
            }
            if seen.service.of.kind == Kind::Background
                && seen.service.on_complete == OnComplete::StopHost
                && let Some(at) = seen.completed()
            {
                causes.push((at, Cause::Completed));
            }
        }
        if let Some((_, started)) = self.started {
            let is_finite = |seen: &Seen<'_>| {
                seen.service.of.kind == Kind::Background && seen.service.on_complete != OnComplete::KeepRunning
            };
            if self.seen.iter().all(|seen| is_finite(seen) && seen.told.is_none() && seen.ended.is_some()) {
                let last = self.seen.iter().filter_map(|seen| seen.ended).map(|(_, at)| at).max().unwrap_or(0);
                causes.push((started.max(last), Cause::Finished));
            }
        }
        causes.sort_by_key(|(at, _)| *at);
        self.causes = causes;
        let stopping = self.events.iter().find(|event| event.what == What::Stopping).map(|event| event.at);
        self.began = stopping.or(self.causes.first().map(|(at, _)| *at)).unwrap_or(self.returned.1);
    }

    /// A host stops at the first reason to, and for no other.
    fn check_causes(&mut self) {
        let began = self.began;
        match self.causes.first().cloned() {
            None => self.fault(format!("stopped at {began} for no reason")),
            Some((at, cause)) => self.expect(&format!("the stop, for {cause:?},"), began, at),
        }
    }

    /// Nothing starts before its predecessors are ready, and then at once; nothing starts after a stop was asked for.
    fn check_start_order(&mut self) {
        let hooks_over = self.plan.hooks.iter().filter(|hook| hook.stage == Stage::Start).filter_map(|hook| {
            let (_, _, end) = self.hook(hook.name)?;
            end.map(|(index, at, _)| (index, at))
        });
        let built = self.events.iter().enumerate().filter_map(|(index, event)| match &event.what {
            What::Built((name, _)) if is_single(name) => Some((index, event.at)),
            _ => None,
        });
        let earliest = hooks_over.chain(built).max().unwrap_or((0, 0));
        let mut faults = Vec::new();
        for seen in &self.seen {
            let name = seen.service.name();
            let Some((begun, at)) = seen.begun else { continue };
            let mut expected = earliest;
            for predecessor in &seen.service.after {
                match self.seen(predecessor).and_then(|seen| seen.ready) {
                    Some(ready) if ready.0 < begun => expected = expected.max(ready),
                    ready => faults.push(format!("{name} began (at {at}) before {predecessor} was ready ({ready:?})")),
                }
            }
            if begun < earliest.0 {
                faults.push(format!("{name} began at {at}, before the singletons and hooks of the start were done"));
            }
            if at.abs_diff(expected.1) > SLACK {
                faults.push(format!("{name} began at {at}, and could have at {}", expected.1));
            }
            if at > self.began {
                faults.push(format!("{name} began at {at}, after the stop had begun at {}", self.began));
            }
        }
        // Everything that could start before the stop did.
        for seen in self.seen.iter().filter(|seen| seen.begun.is_none()) {
            let ready = seen.service.after.iter().map(|name| self.seen(name).and_then(|seen| seen.ready));
            let ready: Option<Vec<_>> = ready.collect();
            if self.services_began() && ready.is_some_and(|ready| ready.iter().all(|(_, at)| at + SLACK < self.began)) {
                faults.push(format!("{} never began, and its predecessors were ready", seen.service.name()));
            }
        }
        if let Some((index, at)) = self.started {
            for seen in &self.seen {
                if seen.ready.is_none_or(|(ready, _)| ready > index) {
                    faults.push(format!("started at {at}, and {} is not ready", seen.service.name()));
                }
            }
        }
        // Hooks of one stage one after the other, along `after`, each stage in its place.
        for (name, stage, after) in HOOKS {
            let Some((begun, at, _)) = self.hook(name) else { continue };
            for predecessor in after.iter().filter(|predecessor| self.plan.hook(predecessor).is_some()) {
                match self.hook(predecessor) {
                    Some((_, _, Some((ended, _, _)))) if ended < begun => {}
                    _ => faults.push(format!("hook {name} began at {at}, before {predecessor} had ended")),
                }
            }
            let in_stage = HOOKS.iter().filter(|(_, other, _)| other == stage).filter_map(|(other, _, _)| {
                let (other_begun, _, end) = self.hook(other)?;
                Some((*other, other_begun, end.map_or(usize::MAX, |(ended, _, _)| ended)))
            });
            for (other, other_begun, other_ended) in in_stage {
                if other_begun < begun && other_ended > begun {
                    faults.push(format!("hooks {name} and {other} were under way at once"));
                }
            }
            match stage {
                Stage::Start | Stage::Started if at > self.began => {
                    faults.push(format!("hook {name} of the start began at {at}, after the stop"));
                }
                Stage::Started if self.seen.iter().any(|seen| seen.ready.is_none_or(|(ready, _)| ready > begun)) => {
                    faults.push(format!("hook {name} began at {at} and not every service was ready"));
                }
                Stage::Stopping | Stage::Stopped if at + SLACK < self.began => {
                    faults.push(format!("hook {name} of the stop began at {at}, before it"));
                }
                _ => {}
            }
        }
        self.faults.extend(faults);
    }

    /// States move along these edges only and end in one that is an end.
    fn check_states(&mut self) {
        let mut faults = Vec::new();
        for seen in &self.seen {
            let name = seen.service.name();
            let mut from = "waiting";
            for (_, at, to) in &seen.states {
                let allowed: &[&str] = match from {
                    "waiting" => &["starting", "stopped"],
                    "starting" => &["ready", "running", "restarting", "stopping", "stopped", "completed", "failed"],
                    "ready" => &["running", "stopping", "stopped", "failed"],
                    "running" => &["ready", "starting", "restarting", "stopping", "stopped", "completed", "failed"],
                    "restarting" => {
                        &["starting", "restarting", "running", "stopping", "stopped", "completed", "failed"]
                    }
                    "stopping" => &["stopped", "failed"],
                    _ => &[],
                };
                if !allowed.contains(&to.as_str()) {
                    faults.push(format!("{name} went from {from} to {to} at {at}"));
                }
                from = to;
            }
            if !["stopped", "completed", "failed"].contains(&from) && self.services_began() {
                faults.push(format!("{name} was left {from}"));
            }
            let failed = seen.failed.is_some() || seen.is_ignored();
            if failed != (from == "failed") && seen.begun.is_some() && seen.service.instances == 1 {
                faults.push(format!("{name} is {from} at the end, failed is {failed}"));
            }
        }
        self.faults.extend(faults);
    }

    /// A call that failed is followed by another within the bounds of its backoff, as long as the budget lasts.
    fn check_restarts(&mut self) {
        let mut faults = Vec::new();
        let mut tally = Tally::default();
        for seen in self.seen.iter().filter(|seen| seen.service.of.kind == Kind::Background) {
            for instance in 0..seen.service.instances {
                seen.restarts(instance, self.began + self.plan.stop_timeout, &mut faults, &mut tally);
            }
        }
        self.faults.extend(faults);
        self.tally.add(&tally);
    }

    /// Those that must have ended before this service is told: whoever is after it, directly or through others, whether
    /// these began or not. The queues are after every worker that no queue is itself after.
    fn awaited(&self, service: &Service) -> Vec<&Seen<'a>> {
        let mut names = BTreeSet::new();
        let mut open = vec![service];
        while let Some(service) = open.pop() {
            for awaited in self.awaited_directly(service) {
                if names.insert(awaited.service.name()) {
                    open.push(awaited.service);
                }
            }
        }
        self.seen.iter().filter(|seen| names.contains(seen.service.name())).collect()
    }

    fn awaited_directly(&self, service: &Service) -> Vec<&Seen<'a>> {
        let mut late: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&Service> =
            self.plan.services.iter().filter(|service| service.of.kind == Kind::Queued).collect();
        while let Some(service) = open.pop() {
            for predecessor in &service.after {
                if late.insert(predecessor) {
                    open.push(self.plan.service(predecessor).unwrap());
                }
            }
        }
        let is_awaited = |other: &&Seen<'_>| {
            let of = other.service;
            let early = of.of.kind != Kind::Queued && !late.contains(of.name());
            of.after.contains(&service.name()) || (service.of.kind == Kind::Queued && early)
        };
        self.seen.iter().filter(is_awaited).collect()
    }

    /// The phases of the stop: drain delay, hooks, services in reverse (S2) each within its time (S3), hooks.
    ///
    /// Returns who must be in the report as stuck, and who may be.
    fn check_stop(&mut self) -> (BTreeSet<&'static str>, BTreeSet<&'static str>) {
        let (mut must, mut may) = (BTreeSet::new(), BTreeSet::new());
        let mut faults = Vec::new();
        let work = self.work_deadline();
        for hook in self.plan.hooks.iter().filter(|hook| matches!(hook.stage, Stage::Start | Stage::Started)) {
            // One that was begun before the stop may finish within its time.
            let Some((_, began, end)) = self.hook(hook.name) else { continue };
            let Some((_, at, finish)) = end else {
                faults.push(format!("hook {} began at {began} and was left", hook.name));
                continue;
            };
            let limit = hook.timeout.map_or(u64::MAX, |limit| began + limit);
            if finish == Finish::Dropped && at + SLACK < limit && self.plan.mode_waits() {
                must.insert(hook.name);
                if at.abs_diff(work) > SLACK {
                    faults.push(format!("hook {} of the start was dropped at {at}, not at {work}", hook.name));
                }
            }
            if at + SLACK >= work.min(limit) {
                may.insert(hook.name);
            }
        }
        // Everything of the start is over before anything of the stop begins.
        let start_over = self
            .plan
            .hooks
            .iter()
            .filter(|hook| matches!(hook.stage, Stage::Start | Stage::Started))
            .filter_map(|hook| self.hook(hook.name)?.2)
            .map(|(_, at, _)| at)
            .max()
            .unwrap_or(0);
        let mut now = self.began.max(start_over);
        if self.services_began() {
            now = now.max(self.began + self.plan.drain_delay.min(work - self.began));
            now = self.check_stop_hooks(Stage::Stopping, now, work, &mut faults, &mut must, &mut may);
        }
        let (end, grace) = (self.end_deadline(), self.grace());
        let mut last = now;
        for seen in &self.seen {
            let (Some(_), Some((ended, ended_at))) = (seen.begun, seen.ended) else { continue };
            let name = seen.service.name();
            let awaited = self.awaited(seen.service);
            let awaited: Vec<_> = awaited.into_iter().filter(|awaited| awaited.begun.is_some()).collect();
            let released = awaited.iter().filter_map(|awaited| awaited.ended).map(|(_, at)| at).max();
            let turn = now.max(released.unwrap_or(0));
            last = last.max(ended_at);
            let Some((told, told_at)) = seen.told else {
                if ended_at > turn + SLACK {
                    faults.push(format!(
                        "{name} was never told, though its turn came at {turn} and it ended at {ended_at}"
                    ));
                }
                continue;
            };
            if told_at.abs_diff(turn) > SLACK {
                faults.push(format!("{name} was told at {told_at}, and its turn came at {turn}"));
            }
            for awaited in awaited {
                if awaited.ended.is_none_or(|(ended, _)| ended > told) {
                    faults.push(format!("{name} was told before {} had ended", awaited.service.name()));
                }
            }
            let own = seen.service.stop_timeout.map_or(u64::MAX, |limit| told_at + limit);
            let deadline = own.min(work).max((told_at + grace).min(end - (end - work) * 3 / 4));
            if ended_at > deadline + SLACK {
                faults.push(format!("{name} ended at {ended_at}, after its deadline {deadline}"));
            }
            if ended_at + SLACK >= deadline {
                may.insert(name);
            }
            let dropped = seen.attempts.iter().any(|attempt| attempt.cut_after(told));
            if dropped && seen.service.is_told() {
                must.insert(name);
                if ended_at + SLACK < deadline {
                    faults.push(format!("{name} was dropped at {ended_at}, before its deadline {deadline}"));
                }
            }
            // A call that was accepted is polled once, so it may begin at the instant at which it is told.
            if let Some(attempt) =
                seen.attempts.iter().find(|attempt| attempt.begin.0 > told && attempt.begin.1 > told_at)
                && seen.service.of.kind != Kind::Queued
            {
                faults.push(format!("{name} was called at {} after it was told", attempt.begin.1));
            }
            let _ = ended;
        }
        if self.services_began() {
            let limit = end - (end - work) / 2;
            let after = self.check_stop_hooks(Stage::Stopped, last, limit, &mut faults, &mut must, &mut may);
            let _ = after;
        }
        self.tally.count("service stuck", must.iter().filter(|name| self.plan.service(name).is_some()).count());
        self.tally.count("hook stuck", must.iter().filter(|name| self.plan.hook(name).is_some()).count());
        self.faults.extend(faults);
        (must, may)
    }

    /// The hooks of a stage of the stop, from an instant on: each runs, whatever the others did (S4), and has a moment
    /// though it comes late (S7). Returns when they are over.
    fn check_stop_hooks(
        &self,
        stage: Stage,
        from: Millis,
        limit: Millis,
        faults: &mut Vec<String>,
        must: &mut BTreeSet<&'static str>,
        may: &mut BTreeSet<&'static str>,
    ) -> Millis {
        let mut hooks: Vec<_> = self.plan.hooks.iter().filter(|hook| hook.stage == stage).collect();
        hooks.sort_by_key(|hook| self.hook(hook.name).map_or(usize::MAX, |(begun, _, _)| begun));
        let mut now = from;
        for hook in hooks {
            let name = hook.name;
            let Some((_, began, end)) = self.hook(name) else {
                faults.push(format!("hook {name} of the stop never began"));
                continue;
            };
            if began.abs_diff(now) > SLACK {
                faults.push(format!("hook {name} of the stop began at {began}, and its turn was at {now}"));
            }
            let Some((_, at, finish)) = end else {
                faults.push(format!("hook {name} of the stop began at {began} and was left"));
                continue;
            };
            let own = hook.timeout.map_or(u64::MAX, |limit| began + limit);
            let kept = self.end_deadline() - self.work_deadline();
            let last = self.end_deadline() - if stage == Stage::Stopped { kept / 4 } else { kept * 3 / 4 };
            let limit = limit.max((began + self.grace()).min(last));
            if at > own.min(limit) + SLACK {
                faults.push(format!("hook {name} of the stop ended at {at}, after its time ({limit})"));
            }
            if at + SLACK >= limit {
                may.insert(name);
            }
            if finish == Finish::Dropped && at + SLACK < own {
                must.insert(name);
            }
            now = at;
        }
        now
    }

    /// Every scope that was opened is closed once, with the outcome of its run, before what it may hold.
    fn check_scopes(&mut self, life: &Life) {
        let mut faults = Vec::new();
        let mut expected: BTreeMap<Part, Outcome> = BTreeMap::new();
        for attempt in self.seen.iter().flat_map(|seen| &seen.attempts) {
            for part in &attempt.parts {
                expected.insert(*part, attempt.outcome());
            }
        }
        let disposing = |part: Part| {
            let mut found = Vec::new();
            for (index, event) in self.events.iter().enumerate() {
                if let What::Disposing(of, outcome) = &event.what
                    && *of == part
                {
                    found.push((index, event.at, *outcome));
                }
            }
            found
        };
        let first_single = self
            .events
            .iter()
            .position(|event| matches!(&event.what, What::Disposing((name, _), _) if is_single(name)));
        for (index, event) in self.events.iter().enumerate() {
            match &event.what {
                What::Built(part) if !is_single(part.0) => {
                    let found = disposing(*part);
                    let [(disposed, at, outcome)] = found[..] else {
                        faults.push(format!("{part:?}, built at {}, was disposed {} times", event.at, found.len()));
                        continue;
                    };
                    self.tally.count("scope closed", 1);
                    if outcome == Outcome::Cancelled {
                        self.tally.count("scope cancelled", 1);
                    }
                    match expected.get(part) {
                        Some(expected) if *expected == outcome => {}
                        other => {
                            faults.push(format!("{part:?} was disposed at {at} as {outcome:?}, expected {other:?}"));
                        }
                    }
                    if first_single.is_some_and(|single| single < disposed) && !life.left_a_scope() {
                        faults.push(format!("{part:?} was disposed at {at}, after the singletons"));
                    }
                    let _ = index;
                }
                What::Disposing(part, _) => {
                    let over = self.events[index..].iter().any(
                        |event| matches!(&event.what, What::Disposed(of, _) | What::DisposeDropped(of) if of == part),
                    );
                    if !over {
                        faults.push(format!("{part:?} was still being disposed at the end"));
                    }
                }
                _ => {}
            }
        }
        self.faults.extend(faults);
    }

    /// Singletons are disposed in reverse order of construction, after everything that could hold one (S5).
    fn check_singletons(&mut self, life: &Life) {
        let mut faults = Vec::new();
        let of_single = |event: &Event| match &event.what {
            What::Built((name, _)) if is_single(name) => Some(*name),
            _ => None,
        };
        let built: Vec<_> = self.events.iter().filter_map(of_single).collect();
        for (name, needs) in SINGLES {
            let place = built.iter().position(|built| built == name);
            for needed in *needs {
                if let Some(place) = place
                    && built.iter().position(|built| built == needed).is_none_or(|needed| needed > place)
                {
                    faults.push(format!("{name} was built before {needed}"));
                }
            }
        }
        let mut disposed = Vec::new();
        let mut outcomes = Vec::new();
        let mut first = None;
        for (index, event) in self.events.iter().enumerate() {
            if let What::Disposing((name, _), outcome) = &event.what
                && is_single(name)
            {
                disposed.push(*name);
                outcomes.push(*outcome);
                first.get_or_insert((index, event.at));
            }
        }
        // What a scope that was left behind still holds cannot be disposed.
        let mut held = built.clone();
        if life.left_a_scope() {
            held.retain(|name| disposed.contains(name));
        }
        if disposed.iter().rev().ne(&held) {
            faults.push(format!("singletons were built as {built:?} and disposed as {disposed:?}"));
        }
        if let Some((first, at)) = first {
            for seen in &self.seen {
                if seen.begun.is_some() && seen.ended.is_none_or(|(ended, _)| ended > first) {
                    faults.push(format!("singletons were disposed at {at}, before {} had ended", seen.service.name()));
                }
            }
            for hook in &self.plan.hooks {
                let over =
                    self.hook(hook.name).is_none_or(|(_, _, end)| end.is_some_and(|(ended, _, _)| ended < first));
                if !over {
                    faults.push(format!("singletons were disposed at {at}, before hook {} had ended", hook.name));
                }
            }
        }
        self.tally.count(
            "singleton not built",
            usize::from(self.causes.iter().any(|(_, cause)| matches!(cause, Cause::NotBuilt(_)))),
        );
        self.faults.extend(faults);
    }

    /// The life is over within its time, as soon as it can be, and nothing happens afterwards (S1).
    fn check_end(&mut self, life: &Life) {
        let (index, at) = self.returned;
        if life.left_tasks > 0 {
            self.fault(format!("{} tasks are left", life.left_tasks));
        }
        if !self.plan.mode_waits() {
            return;
        }
        if at > self.end_deadline() + SLACK {
            self.fault(format!("returned at {at}, after its deadline {}", self.end_deadline()));
        }
        let last = self.events[..index].last().map_or(0, |event| event.at);
        if at > last + SLACK {
            self.fault(format!("returned at {at}, and nothing had happened since {last}"));
        }
        // A scope that took too long was left behind, and the report says so.
        let left_behind = |event: &&Event| match &event.what {
            What::Disposing(part, _) | What::Disposed(part, _) | What::DisposeDropped(part) => {
                !is_single(part.0) && life.left_a_scope()
            }
            What::Logged(..) => true,
            _ => false,
        };
        if let Some(late) = self.events[index + 1..].iter().find(|event| !left_behind(event)) {
            let what = format!("{:?} happened at {}, after the end", late.what, late.at);
            self.fault(what);
        }
    }

    /// Who failed for good or while it was stopped, and who may be named besides.
    fn failures(&self) -> (BTreeSet<&'static str>, BTreeSet<&'static str>) {
        let services = self.seen.iter().filter(|seen| seen.failed.is_some()).map(|seen| seen.service.name());
        let (mut must, mut may) = (services.collect::<BTreeSet<_>>(), BTreeSet::new());
        for hook in &self.plan.hooks {
            let Some((_, began, Some((_, at, finish)))) = self.hook(hook.name) else { continue };
            let timed_out = hook.timeout.is_some_and(|limit| at.abs_diff(began + limit) <= SLACK);
            let failed = matches!(finish, Finish::Error | Finish::Panic) || (finish == Finish::Dropped && timed_out);
            let of_start = matches!(hook.stage, Stage::Start | Stage::Started);
            if !failed {
                continue;
            }
            if of_start && at <= self.began + SLACK {
                // It is the reason for the stop, or came together with it.
                may.insert(hook.name);
            } else if !of_start || finish == Finish::Panic {
                must.insert(hook.name);
            }
            // What else a hook of the start returns after the stop was asked for no longer matters.
        }
        may.extend(&must);
        (must, may)
    }

    /// Everything is collected (S4): the exit code, the root cause first, exactly those who failed and exactly those who were stuck.
    fn check_result(&mut self, life: &Life, (must, may): (BTreeSet<&'static str>, BTreeSet<&'static str>)) {
        let (text, code, in_start) = match &life.result {
            Ended::Never => return self.fault("it never ended"),
            Ended::Abandoned => {
                self.tally.count("given up while starting", usize::from(self.started.is_none()));
                return;
            }
            Ended::Well => ("", 0, false),
            Ended::NotStarted { text, code } => (text.as_str(), *code, true),
            Ended::Badly { text, code } => (text.as_str(), *code, false),
        };
        self.tally.count(
            match life.result {
                Ended::Well => "ended well",
                Ended::NotStarted { .. } => "did not start",
                _ => "ended badly",
            },
            1,
        );
        self.tally.count("stopped while starting", usize::from(self.started.is_none() && !in_start));
        let report = Report::read(text);
        self.faults.extend(report.strange.iter().map(|line| format!("a line nobody knows: {line}")));
        let near: Vec<Cause> =
            self.causes.iter().filter(|(at, _)| *at <= self.began + SLACK).map(|(_, cause)| cause.clone()).collect();
        let finished = near.contains(&Cause::Finished);
        self.tally.count("finished by itself", usize::from(finished));
        self.tally.count("not ready in time", usize::from(report.not_ready.is_some()));
        self.tally.count("leftovers", usize::from(!report.leftovers.is_empty()));

        let (failures, may_fail) = self.failures();
        let named = report.failed();
        if !failures.iter().all(|name| named.contains(name)) || !named.iter().all(|name| may_fail.contains(name)) {
            self.fault(format!("{failures:?} failed, perhaps {may_fail:?}, and the report names {named:?}"));
        }
        for name in must.iter().filter(|name| !report.stuck.contains(**name)) {
            self.fault(format!("{name} was stuck, and the report does not say so"));
        }
        for name in report.stuck.iter().filter(|name| !may.contains(name.as_str()) && !must.contains(name.as_str())) {
            if name != "a scope" && !is_single(name) {
                self.fault(format!("{name} was not stuck, and the report says so"));
            }
        }
        if text.contains("blocks its thread") {
            self.fault("nobody blocks a thread");
        }
        self.check_closing(life, &report);
        let is_bad = !failures.is_empty() || !must.is_empty() || !self.faulty_disposals().is_empty();
        // A hook of the start that panics at the instant of the stop may be either.
        let at_once = near.contains(&Cause::Asked) && may_fail.len() > failures.len();
        let expected: BTreeSet<(u8, bool)> = near
            .iter()
            .map(|cause| match cause {
                Cause::Hook(_) | Cause::NotBuilt(_) | Cause::NotReady(_) => (75, true),
                Cause::Uncalled(_) if self.started.is_none() => (75, true),
                Cause::Service(_) if self.started.is_none() => (1, true),
                Cause::Service(_) | Cause::Uncalled(_) => (1, false),
                _ => (u8::from(is_bad || !report.stuck.is_empty()), false),
            })
            .chain(at_once.then_some((1, false)))
            .collect();
        if !expected.contains(&(code, in_start)) {
            self.fault(format!(
                "ended with {code} (start: {in_start}), expected one of {expected:?} for {near:?}: {text}"
            ));
        }
        // The root cause comes first.
        let first = report.first.as_deref().unwrap_or_default();
        let is_root = |cause: &Cause| match cause {
            Cause::Service(name)
            | Cause::Uncalled(name)
            | Cause::Hook(name)
            | Cause::NotReady(name)
            | Cause::NotBuilt(name) => first == *name,
            Cause::Asked | Cause::Finished | Cause::Completed => !in_start,
        };
        if code != 0 && !near.iter().any(is_root) {
            self.fault(format!("the root cause is one of {near:?}, and the report begins with {first:?}: {text}"));
        }
        // Leftovers are exactly what was accepted and neither finished nor failed.
        for service in self.plan.services.iter().filter(|service| service.of.kind == Kind::Queued) {
            let name = service.name();
            let accepted = self.events.iter().filter(|event| event.what == What::Accepted(name)).count();
            let seen = self.seen(name).unwrap();
            let done = seen.attempts.iter().filter(|attempt| attempt.is_whole()).count();
            let ended = seen.ended.map_or(u64::MAX, |(_, at)| at);
            let unsure = seen.attempts.iter().filter(|attempt| attempt.may_be_cut(ended)).count();
            let (left, begun) = (accepted - done.min(accepted), seen.begun.is_some());
            let said = report.leftovers.get(name).copied().unwrap_or(0);
            if code != 0 && !(left..=left + unsure).contains(&said) {
                self.fault(format!(
                    "{name} accepted {accepted} and did {done}, and the report says that {said} are left"
                ));
            }
            if code == 0 && left > 0 && service.drain && begun {
                self.fault(format!("{name} accepted {accepted} and did {done}, and it ended well"));
            }
        }
        self.check_late_items();
    }

    /// What a worker enqueues while it is told to stop is accepted by a queue that stops after it.
    fn check_late_items(&mut self) {
        let mut faults = Vec::new();
        for event in self.events {
            if let What::Refused(by, queue, true) = &event.what {
                let seen = self.seen(queue).unwrap();
                let stops_after = self.awaited(seen.service).iter().any(|awaited| awaited.service.name() == *by);
                let stood = seen.begun.is_some() && seen.failed.is_none_or(|(_, failed)| failed > event.at);
                if stops_after && stood && seen.ended.is_none_or(|(_, at)| at > event.at) {
                    faults.push(format!("{queue} was closed to {by} at {}", event.at));
                }
            }
        }
        self.faults.extend(faults);
    }

    /// The singletons whose disposers failed, panicked or were dropped.
    fn faulty_disposals(&self) -> BTreeSet<&'static str> {
        let faulty = |event: &Event| match &event.what {
            What::Disposed((name, _), How::Error | How::Panic) | What::DisposeDropped((name, _)) if is_single(name) => {
                Some(*name)
            }
            _ => None,
        };
        self.events.iter().filter_map(faulty).collect()
    }

    fn check_closing(&mut self, life: &Life, report: &Report) {
        let expected = self.faulty_disposals();
        let named: BTreeSet<&str> = report
            .closing
            .iter()
            .map(String::as_str)
            .chain(report.stuck.iter().map(String::as_str).filter(|name| is_single(name)))
            .collect();
        let expected: BTreeSet<&str> = expected.into_iter().collect();
        let is_right = if life.left_a_scope() { named.is_superset(&expected) } else { named == expected };
        if !is_right {
            self.fault(format!("the disposers of {expected:?} were at fault, and the report names {named:?}"));
        }
    }

    /// What `status()` showed.
    fn check_seen(&mut self, life: &Life) {
        if let Some((at, statuses)) = &life.seen {
            for status in statuses {
                let seen = self.seen(status.name).unwrap();
                let shown = status.state.to_string();
                let states: Vec<_> = seen.states.iter().filter(|(_, when, _)| when <= at).collect();
                let latest = states.last().map_or("waiting", |(_, _, state)| state);
                // Or one that it left at that very instant.
                let waiting = (0, 0, "waiting".to_owned());
                let mut changes: Vec<_> = std::iter::once(&waiting).chain(states.iter().copied()).collect();
                changes.dedup();
                let recent = changes.windows(2).any(|pair| pair[1].1 + SLACK >= *at && pair[0].2 == shown);
                if shown != latest && !recent {
                    self.fault(format!("{} was shown as {shown} at {at} and was {latest}", status.name));
                } else if let ServiceState::Restarting { at: next } = status.state
                    && seen.service.instances == 1
                {
                    let next = u64::try_from((next - life.origin).as_millis()).unwrap();
                    let tried = seen.attempts.iter().any(|attempt| attempt.begin.1.abs_diff(next) <= SLACK);
                    let stopped = seen.told.is_some_and(|(_, told)| told <= next + SLACK);
                    if !stopped && !tried {
                        self.fault(format!("{} was to be tried at {next}, and was not", status.name));
                    }
                }
            }
        }
        for status in life.last.iter().flatten() {
            if !matches!(status.state, ServiceState::Stopped | ServiceState::Completed | ServiceState::Failed { .. }) {
                self.fault(format!("{} is shown as {} after the end", status.name, status.state));
            }
        }
    }
}

impl Plan {
    /// Whether somebody waits for the end of the host.
    fn mode_waits(&self) -> bool {
        !matches!(self.mode, Mode::Abandon(_))
    }
}

impl Service {
    /// Whether it may outlast the moment it is told to stop.
    fn is_told(&self) -> bool {
        self.of.told || self.of.kind != Kind::Background
    }
}

impl<'a> Seen<'a> {
    fn of(service: &'a Service, events: &[Event]) -> Self {
        let name = service.name();
        let mut states = Vec::new();
        for (index, event) in events.iter().enumerate() {
            if let What::State(of, state) = &event.what
                && of == name
            {
                states.push((index, event.at, state.clone()));
            }
        }
        let first = |state: &str| states.iter().find(|(_, _, of)| of == state).map(|(index, at, _)| (*index, *at));
        let is_end = |state: &str| ["stopped", "completed", "failed"].contains(&state);
        let (begun, told) = (first("starting"), first("stopping"));
        let ended = states.iter().find(|(_, _, of)| is_end(of)).map(|(index, at, _)| (*index, *at));
        let attempts = attempts::of(service, events);
        let mut seen =
            Self { service, begun, told, ended, states, attempts, ready: None, failed: None, uncalled: false };
        seen.ready = seen.find_ready(events);
        (seen.failed, seen.uncalled) = match seen.find_failure() {
            Some((at, uncalled)) => (Some(at), uncalled),
            None => (None, false),
        };
        seen
    }

    fn find_ready(&self, events: &[Event]) -> Option<(usize, Millis)> {
        let service = self.service;
        let state =
            |wanted: &str| self.states.iter().find(|(_, _, of)| of == wanted).map(|(index, at, _)| (*index, *at));
        let ended_well = self.ended.filter(|_| self.find_failure().is_none());
        let ready = match service.of.kind {
            Kind::Periodic => state("ready"),
            Kind::Queued => state("running"),
            Kind::Background => {
                let of_instance = |instance: usize| {
                    events.iter().enumerate().find_map(|(index, event)| match &event.what {
                        What::Ready(id) if id.name == service.name() && id.instance == instance => {
                            Some((index, event.at))
                        }
                        What::Begin(id, _)
                            if !service.of.ready && id.name == service.name() && id.instance == instance =>
                        {
                            Some((index, event.at))
                        }
                        _ => None,
                    })
                };
                let all: Option<Vec<_>> = (0..service.instances).map(of_instance).collect();
                // Several instances are ready when all are at once, which their state shows.
                if service.instances == 1 { all.and_then(|all| all.into_iter().max()) } else { state("running") }
            }
        };
        match (ready, ended_well) {
            (Some(ready), Some(ended)) => Some(ready.min(ended)),
            (ready, ended) => ready.or(ended),
        }
    }

    fn is_told_by(&self, index: usize) -> bool {
        self.told.is_some_and(|(told, _)| told < index)
    }

    /// When it failed so that the host stops, or must report it; whether it could not even be called.
    fn find_failure(&self) -> Option<((usize, Millis), bool)> {
        match self.service.of.kind {
            Kind::Background => {
                (0..self.service.instances).filter_map(|instance| self.instance_failure(instance)).min()
            }
            Kind::Periodic | Kind::Queued => self
                .attempts
                .iter()
                .filter_map(|attempt| {
                    let (index, at) = attempt.over?;
                    let told = self.is_told_by(index);
                    let panicked = attempt.finish == Finish::Panic && self.service.of.kind == Kind::Periodic;
                    let fails =
                        attempt.has_failed() && self.service.on_failure == OnFailure::StopHost && (!told || panicked);
                    fails.then_some(((index, at), attempt.uncalled))
                })
                .min(),
        }
    }

    fn instance_failure(&self, instance: usize) -> Option<((usize, Millis), bool)> {
        let mut budget = Budget::of(self.service);
        for attempt in self.attempts.iter().filter(|attempt| attempt.instance == instance) {
            let (index, at) = attempt.over?;
            if !attempt.has_failed() {
                continue;
            }
            let told = self.is_told_by(index);
            if told && attempt.finish != Finish::Panic {
                return None;
            }
            match self.service.on_failure {
                OnFailure::Ignore | OnFailure::Continue => return None,
                OnFailure::Restart if !told && budget.grants(attempt.begin.1, at) => {}
                OnFailure::Restart | OnFailure::StopHost => return Some(((index, at), attempt.uncalled)),
            }
        }
        None
    }

    /// Whether it failed and nobody minds.
    fn is_ignored(&self) -> bool {
        self.service.of.kind == Kind::Background
            && self.service.on_failure == OnFailure::Ignore
            && self.attempts.iter().any(|attempt| {
                let told = attempt.over.is_some_and(|(index, _)| self.is_told_by(index));
                attempt.has_failed() && (!told || attempt.finish == Finish::Panic)
            })
    }

    /// When all instances had ended by themselves.
    fn completed(&self) -> Option<Millis> {
        let completes = self.failed.is_none()
            && (0..self.service.instances).any(|instance| {
                let last = self.attempts.iter().rfind(|attempt| attempt.instance == instance);
                last.is_some_and(|last| !last.has_failed() && last.finish == Finish::Good)
            });
        let (index, at) = self.ended?;
        (completes && !self.is_told_by(index)).then_some(at)
    }

    fn restarts(&self, instance: usize, horizon: Millis, faults: &mut Vec<String>, tally: &mut Tally) {
        let service = self.service;
        let name = service.name();
        let attempts: Vec<_> = self.attempts.iter().filter(|attempt| attempt.instance == instance).collect();
        let mut budget = Budget::of(service);
        for (place, attempt) in attempts.iter().enumerate() {
            let next = attempts.get(place + 1);
            let Some((index, at)) = attempt.over else {
                if next.is_some() {
                    faults.push(format!("{name}/{instance} was called while a call was under way"));
                }
                continue;
            };
            let told = self.is_told_by(index);
            let again = if told {
                None
            } else if attempt.has_failed() {
                match service.on_failure {
                    OnFailure::Restart if budget.grants(attempt.begin.1, at) => Some(budget.in_a_row - 1),
                    OnFailure::Restart => {
                        tally.count("restarts used up", 1);
                        None
                    }
                    _ => None,
                }
            } else if attempt.finish == Finish::Good && service.on_complete == OnComplete::Restart {
                Some(0)
            } else {
                None
            };
            match (again, next) {
                (None, None) => {}
                (None, Some(next)) => {
                    faults
                        .push(format!("{name}/{instance} was called again at {} and had ended at {at}", next.begin.1));
                }
                (Some(k), Some(next)) => {
                    tally.count("restart", 1);
                    let all = service.backoff.0.saturating_mul(1 << k.min(40)).min(service.backoff.1);
                    let waited = next.begin.1 - at;
                    if waited + SLACK < all / 2 || waited > all + SLACK {
                        faults.push(format!("{name}/{instance} waited {waited} ms for try {k}, of {all}"));
                    }
                }
                (Some(_), None) => {
                    // Only a stop ends the wait, and another instance that fails for good is one.
                    tally.count("stopped in backoff", 1);
                    let failed = self.failed.is_some_and(|(_, failed)| failed <= at + service.backoff.1 + SLACK);
                    let stopped = self.told.is_some_and(|(_, told)| told <= at + service.backoff.1 + SLACK);
                    if !stopped && !failed && at + service.backoff.1 < horizon {
                        faults.push(format!("{name}/{instance} was never called again after {at}"));
                    }
                }
            }
        }
    }
}

/// How often a service may fail: at most `max_restarts` in any stretch of `within`, all of it again after a healthy one.
struct Budget {
    most: usize,
    within: Millis,
    granted: Vec<Millis>,
    in_a_row: u32,
}

impl Budget {
    fn of(service: &Service) -> Self {
        Self { most: service.max_restarts, within: service.within, granted: Vec::new(), in_a_row: 0 }
    }

    fn grants(&mut self, began: Millis, failed: Millis) -> bool {
        if failed - began >= self.within {
            self.granted.clear();
            self.in_a_row = 0;
        }
        if self.granted.iter().filter(|granted| failed - **granted < self.within).count() >= self.most {
            return false;
        }
        self.granted.push(failed);
        self.in_a_row += 1;
        true
    }
}

fn is_single(name: &str) -> bool {
    SINGLES.iter().any(|(single, _)| *single == name)
}
