//! What a random host has, how it behaves and when it is asked to stop: all of it follows from the seed.

use std::collections::BTreeSet;

use fastrand::Rng;

/// Milliseconds.
pub(crate) type Millis = u64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Background,
    Periodic,
    Queued,
}

/// What a function of the pool is like; it cannot be configured.
#[derive(Debug)]
pub(crate) struct Pooled {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) after: &'static [&'static str],
    /// Takes `Ready`.
    pub(crate) ready: bool,
    /// Takes the token.
    pub(crate) told: bool,
    /// Takes a scoped component.
    pub(crate) scoped: bool,
    /// The queue it enqueues for.
    pub(crate) feeds: Option<&'static str>,
}

const fn pooled(name: &'static str, kind: Kind, after: &'static [&'static str]) -> Pooled {
    Pooled { name, kind, after, ready: false, told: false, scoped: false, feeds: None }
}

impl Pooled {
    const fn ready(self) -> Self {
        Self { ready: true, told: true, ..self }
    }

    const fn told(self) -> Self {
        Self { told: true, ..self }
    }

    const fn scoped(self) -> Self {
        Self { scoped: true, ..self }
    }

    const fn feeds(self, queue: &'static str) -> Self {
        Self { feeds: Some(queue), ..self }
    }
}

use Kind::{Background, Periodic, Queued};

/// Every service of `pool.rs`, predecessors first.
pub(crate) const POOL: &[Pooled] = &[
    pooled("b0", Background, &[]).ready(),
    pooled("c0", Background, &[]).told(),
    pooled("u0", Background, &[]),
    pooled("p0", Periodic, &[]).told().scoped(),
    pooled("q0", Queued, &[]).told().scoped(),
    pooled("b1", Background, &["b0"]).ready(),
    pooled("c1", Background, &["b0", "c0"]).told(),
    pooled("q1", Queued, &["b0"]),
    pooled("p1", Periodic, &["b1", "q0"]),
    pooled("b2", Background, &["q0"]).ready(),
    pooled("u1", Background, &["b1", "p0"]),
    pooled("n0", Background, &["c0"]).told().feeds("q0"),
    pooled("n1", Background, &[]).told().feeds("q1"),
    pooled("b3", Background, &["c1", "u0"]).ready(),
    pooled("w0", Background, &["b0"]).told().scoped(),
    pooled("b4", Background, &["b2", "q1", "c1"]).ready(),
    pooled("c2", Background, &["p1"]).told(),
    pooled("q2", Queued, &["b3", "q0"]).told(),
    pooled("p2", Periodic, &["q1"]).told(),
    pooled("n2", Background, &["b0"]).told().feeds("q2"),
    pooled("w1", Background, &["w0", "q2"]).scoped(),
    pooled("b5", Background, &["b4", "b3", "w0"]).ready(),
    pooled("u2", Background, &["b5"]),
    pooled("c3", Background, &["u1", "q2"]).told(),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Start,
    Started,
    Stopping,
    Stopped,
}

/// Every hook of `pool.rs`, with its stage and what it is after; the first is in every host.
pub(crate) const HOOKS: &[(&str, Stage, &[&str])] = &[
    ("meet", Stage::Start, &[]),
    ("hs0", Stage::Start, &["meet"]),
    ("hs1", Stage::Start, &["hs2"]),
    ("hs2", Stage::Start, &["meet"]),
    ("ht0", Stage::Started, &[]),
    ("ht1", Stage::Started, &["ht0"]),
    ("hp0", Stage::Stopping, &["hp1"]),
    ("hp1", Stage::Stopping, &[]),
    ("hd0", Stage::Stopped, &[]),
    ("hd1", Stage::Stopped, &["hd0"]),
];

/// What a singleton needs, in the order of their names.
pub(crate) const SINGLES: &[(&str, &[&str])] = &[("S0", &[]), ("S1", &["S0"]), ("S2", &[]), ("S3", &["S1", "S2"])];

/// How a body, a constructor or a disposer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Good,
    Error,
    Panic,
}

/// One call of a function.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    /// When it says that it is ready; never without.
    pub(crate) ready_after: Option<Millis>,
    /// How long it lasts unless it is told to stop; without, for ever.
    pub(crate) lasts: Option<Millis>,
    pub(crate) how: How,
    /// How long it lasts once it was told; without, for ever.
    pub(crate) after_told: Option<Millis>,
    pub(crate) told_how: How,
}

/// A constructor, a disposer or a hook.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) lasts: Option<Millis>,
    pub(crate) how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    StopHost,
    Restart,
    Ignore,
    Continue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnComplete {
    Done,
    KeepRunning,
    StopHost,
    Restart,
}

#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) of: &'static Pooled,
    /// Those of its predecessors that are part of the host.
    pub(crate) after: Vec<&'static str>,
    pub(crate) on_failure: OnFailure,
    pub(crate) on_complete: OnComplete,
    pub(crate) backoff: (Millis, Millis),
    pub(crate) max_restarts: usize,
    pub(crate) within: Millis,
    pub(crate) start_timeout: Option<Millis>,
    pub(crate) stop_timeout: Option<Millis>,
    pub(crate) instances: usize,
    pub(crate) every: Millis,
    pub(crate) run_at_start: bool,
    pub(crate) timeout: Option<Millis>,
    pub(crate) concurrency: usize,
    pub(crate) drain: bool,
    /// How many items it enqueues when it begins and when it is told.
    pub(crate) items: (usize, usize),
    /// What its calls do, in turn; the last again and again.
    pub(crate) calls: Vec<Call>,
}

impl Service {
    pub(crate) fn name(&self) -> &'static str {
        self.of.name
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) name: &'static str,
    pub(crate) stage: Stage,
    pub(crate) step: Step,
    pub(crate) timeout: Option<Millis>,
}

/// How the host is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `run()`.
    Run,
    /// `start()`, a look at `status()` after so long, and `wait()`.
    Start(Millis),
    /// `start()`, whose future is dropped after so long.
    Abandon(Millis),
}

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) mode: Mode,
    pub(crate) stop_timeout: Millis,
    pub(crate) drain_delay: Millis,
    /// When somebody asks for a stop, if nothing else has ended the host before.
    pub(crate) stop_at: Millis,
    pub(crate) services: Vec<Service>,
    pub(crate) hooks: Vec<Hook>,
    /// Construction and disposal, in the order of [`SINGLES`].
    pub(crate) singles: Vec<(Step, Step)>,
    /// Construction and disposal of scoped components, in turn.
    pub(crate) scoped: Vec<(Step, Step)>,
}

/// Draws what a host is like; the more chaos, the more goes wrong.
struct Draw {
    rng: Rng,
    chaos: f64,
}

impl Draw {
    fn chance(&mut self, probability: f64) -> bool {
        self.rng.f64() < probability
    }

    fn fault(&mut self) -> bool {
        self.chance(self.chaos)
    }

    /// Mostly short, sometimes long, often nothing.
    fn time(&mut self, most: Millis) -> Millis {
        match self.rng.u8(0..8) {
            0 | 1 => 0,
            2..5 => self.rng.u64(0..=most / 20),
            _ => self.rng.u64(0..=most),
        }
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.rng.usize(0..choices.len())]
    }

    fn how(&mut self) -> How {
        if self.fault() { self.of(&[How::Error, How::Error, How::Panic]) } else { How::Good }
    }

    fn step(&mut self, most: Millis) -> Step {
        let how = self.how();
        let lasts = if self.chance(self.chaos / 2.0) { None } else { Some(self.time(most)) };
        Step { lasts, how }
    }

    fn timeout(&mut self, probability: f64, most: Millis) -> Option<Millis> {
        self.chance(probability).then(|| self.rng.u64(10..=most))
    }

    fn after_told(&mut self) -> Option<Millis> {
        match self.fault() {
            false => Some(self.time(400)),
            true if self.chance(0.5) => None,
            true => Some(self.time(30_000)),
        }
    }

    fn call(&mut self, of: &Pooled) -> Call {
        let finite = of.kind != Background || self.chance(0.3);
        let most = if of.kind == Background { 8000 } else { 1500 };
        let lasts = if finite && !self.chance(self.chaos / 4.0) { Some(self.time(most)) } else { None };
        let how = if of.kind == Background && finite && self.chance(0.3) { How::Error } else { self.how() };
        let ready_after = if self.chance(self.chaos / 4.0) { None } else { Some(self.time(2000)) };
        Call { ready_after, lasts, how, after_told: self.after_told(), told_how: self.how() }
    }

    fn service(&mut self, of: &'static Pooled, included: &BTreeSet<&str>) -> Service {
        let several = of.kind == Background && of.told && !of.scoped && of.feeds.is_none() && self.chance(0.15);
        let first = self.of(&[10, 50, 200, 1000, 5000]);
        let on_failure = match of.kind {
            Background => self.of(&[OnFailure::StopHost, OnFailure::Restart, OnFailure::Restart, OnFailure::Ignore]),
            _ => self.of(&[OnFailure::Continue, OnFailure::Continue, OnFailure::StopHost]),
        };
        let calls = self.of(&[1, 1, 1, 2, 3, 4, 7]);
        Service {
            of,
            after: of.after.iter().copied().filter(|name| included.contains(name)).collect(),
            on_failure,
            on_complete: self.of(&[
                OnComplete::Done,
                OnComplete::Done,
                OnComplete::Done,
                OnComplete::KeepRunning,
                OnComplete::StopHost,
                OnComplete::Restart,
            ]),
            backoff: (first, first * self.of(&[1, 4, 64])),
            max_restarts: self.of(&[0, 1, 2, 5]),
            within: self.of(&[1000, 5000, 60_000]),
            start_timeout: self.timeout(0.3, 2500),
            stop_timeout: self.timeout(0.3, 3000),
            instances: if several { self.rng.usize(2..=3) } else { 1 },
            every: self.of(&[100, 500, 1000, 3000]),
            run_at_start: self.chance(0.5),
            timeout: self.timeout(0.2, 2000),
            concurrency: self.rng.usize(1..=3),
            drain: self.chance(0.8),
            items: (self.rng.usize(0..6), self.rng.usize(0..3)),
            calls: (0..calls).map(|_| self.call(of)).collect(),
        }
    }
}

impl Plan {
    pub(crate) fn random(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let chaos = [0.0, 0.02, 0.1, 0.1, 0.3][rng.usize(0..5)];
        let mut draw = Draw { rng, chaos };
        let density = draw.of(&[0.08, 0.2, 0.4, 0.8]);
        let mut included: BTreeSet<&str> = POOL.iter().filter(|_| draw.chance(density)).map(|of| of.name).collect();
        // Whoever enqueues needs the queue.
        included
            .extend(POOL.iter().filter(|of| included.contains(of.name)).filter_map(|of| of.feeds).collect::<Vec<_>>());
        let services =
            POOL.iter().filter(|of| included.contains(of.name)).map(|of| draw.service(of, &included)).collect();
        let hook_chance = draw.of(&[0.0, 0.1, 0.4]);
        let hooks = HOOKS
            .iter()
            .filter_map(|(name, stage, _)| {
                let meets = *name == "meet";
                let step = if meets { Step { lasts: Some(0), how: How::Good } } else { draw.step(1500) };
                let timeout = if meets { None } else { draw.timeout(0.2, 2000) };
                (meets || draw.chance(hook_chance)).then_some(Hook { name, stage: *stage, step, timeout })
            })
            .collect();
        let stop_timeout = draw.of(&[500, 1000, 2000, 5000, 10_000, 25_000]);
        let drain_delay = if draw.chance(0.3) { draw.rng.u64(0..stop_timeout) } else { 0 };
        // Many stops fall into the start.
        let stop_at = if draw.chance(0.35) { draw.time(2000) } else { 1000 + draw.time(40_000) };
        let mode = match draw.rng.u8(0..10) {
            0 => Mode::Abandon(draw.time(4000)),
            1 | 2 => Mode::Run,
            _ => Mode::Start(draw.time(8000)),
        };
        let singles = SINGLES.iter().map(|_| (draw.step(1500), draw.step(800))).collect();
        let scoped = (0..5).map(|_| (draw.step(300), draw.step(300))).collect();
        Self { seed, mode, stop_timeout, drain_delay, stop_at, services, hooks, singles, scoped }
    }

    pub(crate) fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.of.name == name)
    }

    pub(crate) fn hook(&self, name: &str) -> Option<&Hook> {
        self.hooks.iter().find(|hook| hook.name == name)
    }
}
