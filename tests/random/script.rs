//! What the functions of the pool do, and the record of what they saw.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use hostkit::{CancellationToken, HostLifetime, Outcome, Ready};
use tokio::time::{Instant, sleep};

use crate::plan::{Call, How, Millis, Plan, SINGLES, Step};

/// Which call of which function, or which hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Id {
    pub(crate) name: &'static str,
    pub(crate) instance: usize,
    /// From 0.
    pub(crate) call: usize,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}#{}", self.name, self.instance, self.call)
    }
}

/// A component: its name and, of scoped ones, its number.
pub(crate) type Part = (&'static str, usize);

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// A body was polled for the first time; what it was lent.
    Begin(Id, Option<Part>),
    Ready(Id),
    Told(Id),
    End(Id, How),
    Dropped(Id),
    Building(Part),
    Built(Part),
    NotBuilt(Part),
    BuildDropped(Part),
    Disposing(Part, Outcome),
    Disposed(Part, How),
    DisposeDropped(Part),
    Accepted(&'static str),
    Refused(&'static str, &'static str, bool),
    State(String, String),
    Logged(tracing::Level, String),
    /// Somebody asked for a stop.
    Asked,
    /// The host began to stop.
    Stopping,
    /// Every service is ready.
    Started,
    /// `run()`, `wait()` or a failed `start()` returned.
    Returned,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) at: Millis,
    pub(crate) task: Option<tokio::task::Id>,
    pub(crate) what: What,
}

/// What a host's functions share. Cloning it clones a reference.
#[derive(Clone)]
pub(crate) struct Script(Arc<Shared>);

struct Shared {
    plan: Plan,
    origin: Instant,
    events: Mutex<Vec<Event>>,
    counters: Mutex<HashMap<(&'static str, usize), usize>>,
    lifetime: OnceLock<HostLifetime>,
}

impl Script {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self(Arc::new(Shared {
            plan: plan.clone(),
            origin: Instant::now(),
            events: Mutex::default(),
            counters: Mutex::default(),
            lifetime: OnceLock::new(),
        }))
    }

    pub(crate) fn origin(&self) -> Instant {
        self.0.origin
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.0.plan
    }

    pub(crate) fn log(&self, what: What) {
        let at = u64::try_from(self.0.origin.elapsed().as_micros().div_ceil(1000)).unwrap();
        self.0.events.lock().unwrap().push(Event { at, task: tokio::task::try_id(), what });
    }

    pub(crate) fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.events.lock().unwrap())
    }

    /// The first who meets the host's life watches it.
    pub(crate) fn meet(&self, lifetime: &HostLifetime) {
        if self.0.lifetime.set(lifetime.clone()).is_err() {
            return;
        }
        let (script, stopping) = (self.clone(), lifetime.stopping().clone());
        tokio::spawn(async move {
            stopping.cancelled().await;
            script.log(What::Stopping);
        });
        let (script, started, stopping) = (self.clone(), lifetime.started().clone(), lifetime.stopping().clone());
        tokio::spawn(async move {
            if stopping.run_until_cancelled(started.cancelled()).await.is_some() {
                script.log(What::Started);
            }
        });
    }

    /// Asks the host to stop, once it is known.
    pub(crate) async fn ask(&self) {
        loop {
            if let Some(lifetime) = self.0.lifetime.get() {
                self.log(What::Asked);
                return lifetime.request_stop();
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    fn count(&self, name: &'static str, instance: usize) -> usize {
        let mut counters = self.0.counters.lock().unwrap();
        let counter = counters.entry((name, instance)).or_default();
        *counter += 1;
        *counter - 1
    }

    fn begin(&self, name: &'static str, instance: usize, lent: Option<Part>) -> (Under, Call) {
        let call = self.count(name, instance);
        let id = Id { name, instance, call };
        self.log(What::Begin(id, lent));
        let calls = &self.0.plan.service(name).unwrap().calls;
        let call = calls[(call + instance).min(calls.len() - 1)];
        (Under { script: self.clone(), id, ended: false }, call)
    }

    pub(crate) async fn background(
        &self,
        name: &'static str,
        instance: usize,
        ready: Option<Ready>,
        stop: Option<CancellationToken>,
        lent: Option<Part>,
    ) -> Result<(), String> {
        let (under, call) = self.begin(name, instance, lent);
        let natural = async {
            let is_ready = async {
                if let (Some(ready), Some(after)) = (ready, call.ready_after) {
                    pause(after).await;
                    self.log(What::Ready(under.id));
                    ready.notify();
                }
            };
            let lasts = lasting(call.lasts);
            tokio::pin!(is_ready, lasts);
            tokio::select! {
                biased;
                () = &mut is_ready => lasts.await,
                () = &mut lasts => {}
            }
        };
        let how = under.or_told(natural, stop, call).await;
        under.end(how)
    }

    /// A run or an item.
    pub(crate) async fn run(
        &self,
        name: &'static str,
        stop: Option<CancellationToken>,
        lent: Option<Part>,
    ) -> Result<(), String> {
        let (under, call) = self.begin(name, 0, lent);
        let how = under.or_told(lasting(call.lasts), stop, call).await;
        under.end(how)
    }

    /// Enqueues when it begins and when it is told.
    ///
    /// Putting an item in fails with whether the queue is closed.
    pub(crate) async fn feed(
        &self,
        name: &'static str,
        of: &'static str,
        put: impl Fn(u64) -> Result<(), bool>,
        stop: CancellationToken,
    ) -> Result<(), String> {
        let (under, call) = self.begin(name, 0, None);
        let (early, late) = self.0.plan.service(name).unwrap().items;
        self.enqueue(name, of, &put, early);
        let told = async {
            stop.cancelled().await;
            self.enqueue(name, of, &put, late);
        };
        let how = {
            let ended = under.or_told(lasting(call.lasts), Some(stop.clone()), call);
            tokio::pin!(ended, told);
            tokio::select! {
                biased;
                () = &mut told => ended.await,
                how = &mut ended => how,
            }
        };
        under.end(how)
    }

    fn enqueue(&self, by: &'static str, of: &'static str, put: &impl Fn(u64) -> Result<(), bool>, count: usize) {
        for item in 0..count as u64 {
            let what = match put(item) {
                Ok(()) => What::Accepted(of),
                Err(is_closed) => What::Refused(by, of, is_closed),
            };
            self.log(what);
        }
    }

    pub(crate) async fn hook(&self, name: &'static str) -> Result<(), String> {
        let call = self.count(name, 0);
        let id = Id { name, instance: 0, call };
        self.log(What::Begin(id, None));
        let under = Under { script: self.clone(), id, ended: false };
        let Step { lasts, how } = self.0.plan.hook(name).unwrap().step;
        lasting(lasts).await;
        under.end(how)
    }

    /// Constructs a singleton or, with a number, something scoped.
    pub(crate) async fn construct(&self, name: &'static str) -> Result<Part, String> {
        let part = (name, self.count(name, 0));
        let mut making = Making { script: self.clone(), dropped: Some(What::BuildDropped(part)) };
        self.log(What::Building(part));
        let step = self.steps(part).0;
        lasting(step.lasts).await;
        making.dropped = None;
        self.log(if step.how == How::Good { What::Built(part) } else { What::NotBuilt(part) });
        ended(step.how, &format!("{name} not built")).map(|()| part)
    }

    pub(crate) async fn dispose(&self, part: Part, outcome: Outcome) -> Result<(), String> {
        let mut making = Making { script: self.clone(), dropped: Some(What::DisposeDropped(part)) };
        self.log(What::Disposing(part, outcome));
        let step = self.steps(part).1;
        lasting(step.lasts).await;
        making.dropped = None;
        self.log(What::Disposed(part, step.how));
        ended(step.how, &format!("{} not disposed", part.0))
    }

    pub(crate) fn steps(&self, (name, number): Part) -> (Step, Step) {
        let plan = &self.0.plan;
        match SINGLES.iter().position(|(single, _)| *single == name) {
            Some(place) => plan.singles[place],
            None => plan.scoped[(number * 2 + usize::from(name == "Outer")) % plan.scoped.len()],
        }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Script").field(&self.0.plan.seed).finish()
    }
}

async fn pause(millis: Millis) {
    if millis > 0 {
        sleep(Duration::from_millis(millis)).await;
    }
}

async fn lasting(lasts: Option<Millis>) {
    match lasts {
        Some(lasts) => pause(lasts).await,
        None => std::future::pending().await,
    }
}

fn ended(how: How, error: &str) -> Result<(), String> {
    match how {
        How::Good => Ok(()),
        How::Error => Err(error.to_owned()),
        How::Panic => panic!("{error}"),
    }
}

/// Says so when a constructor or a disposer is dropped before its end.
struct Making {
    script: Script,
    dropped: Option<What>,
}

impl Drop for Making {
    fn drop(&mut self) {
        if let Some(what) = self.dropped.take() {
            self.script.log(what);
        }
    }
}

/// A call under way. Says so when it is dropped before its end.
struct Under {
    script: Script,
    id: Id,
    ended: bool,
}

impl Under {
    async fn or_told(&self, natural: impl Future<Output = ()>, stop: Option<CancellationToken>, call: Call) -> How {
        let Some(stop) = stop else {
            natural.await;
            return call.how;
        };
        tokio::select! {
            biased;
            () = natural => call.how,
            () = stop.cancelled() => {
                self.script.log(What::Told(self.id));
                lasting(call.after_told).await;
                call.told_how
            }
        }
    }

    fn end(mut self, how: How) -> Result<(), String> {
        self.ended = true;
        self.script.log(What::End(self.id, how));
        ended(how, &self.id.to_string())
    }
}

impl Drop for Under {
    fn drop(&mut self) {
        if !self.ended {
            self.script.log(What::Dropped(self.id));
        }
    }
}
