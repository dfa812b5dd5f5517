//! The side thread: it hears signals and looks after hosts, whatever user code does to the runtimes.
//!
//! # Invariants
//!
//! 1. There is one in a process, started with the first host, with a runtime of its own. It runs no code of the user's,
//!    waits for nobody who may run such code, and logs nothing, because a subscriber is the user's code as well.
//! 2. A panic costs it one round. The streams of signals and the list of hosts outlive it.
//! 3. A host leaves the list when it is dropped. The list keeps nothing of the user's, so nothing of it is dropped here.
//! 4. Its time is real, also for hosts on a paused clock.
//! 5. Where nothing is at risk it looks at what all hosts share and at none of them: at the threads, at each runtime once a
//!    second, at the wall clock. A host is looked at from the moment that one of these, or a poke, gives reason to until it
//!    has nothing to say any more. While no host does anything it sleeps for [`IDLE_ROUND`], and is woken by the first that
//!    does.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, Runtime};
use tokio::sync::Notify;

use super::aside;
use super::probe::Probe;
use super::signals::{Signal, Signals};
use super::watched::{Concern, Listening, ROUND, SILENT, Watched};
use crate::stall;
use crate::tasks::thread;
use crate::time::{ClockWatch, real_now};

/// A host on the list.
struct Guarded {
    watched: Arc<Watched>,
    /// The place of its runtime's probe.
    probe: usize,
    /// What the last look at it came to.
    concern: Concern,
}

/// What the side thread shares with the hosts.
struct Side {
    hosts: Vec<Guarded>,
    /// One for each runtime that has run a host, until none has any.
    probes: Vec<Probe>,
    /// The thread's runtime, once it was started.
    runtime: Option<Handle>,
    /// Whether signals are heard, once and for all: tokio never gives them back.
    hears: bool,
    /// The streams on their way to the thread.
    arriving: Option<Signals>,
}

static SIDE: Mutex<Side> =
    Mutex::new(Side { hosts: Vec::new(), probes: Vec::new(), runtime: None, hears: false, arriving: None });
/// Makes the thread look at everything again.
static POKED: Notify = Notify::const_new();

fn side() -> MutexGuard<'static, Side> {
    SIDE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the side thread look at every host again.
pub(super) fn poke() {
    POKED.notify_one();
}

impl Side {
    /// Starts the thread unless it runs.
    fn start(&mut self) -> io::Result<&Handle> {
        if self.runtime.is_none() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let handle = runtime.handle().clone();
            thread("hostkit", move || watch(&runtime))?;
            self.runtime = Some(handle);
        }
        self.runtime.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The place of a runtime's probe.
    fn probe(&mut self, runtime: &Handle) -> usize {
        let place = self.probes.iter().position(|probe| probe.runtime.id() == runtime.id());
        place.unwrap_or_else(|| {
            self.probes.push(Probe::new(runtime.clone()));
            self.probes.len() - 1
        })
    }
}

/// Puts a host on the list until it is [forgotten](forget).
pub(super) fn remember(watched: Arc<Watched>) {
    let mut side = side();
    if let Err(error) = side.start() {
        tracing::error!(target: "hostkit::host", %error, "the thread that watches over hosts cannot be started");
    }
    if side.hosts.is_empty() {
        // It may have slept for long.
        came_round();
    }
    let probe = side.probe(watched.runtime());
    side.hosts.push(Guarded { watched, probe, concern: Concern::default() });
    poke();
}

/// Takes a host off the list.
pub(super) fn forget(watched: &Arc<Watched>) {
    let mut side = side();
    let place = side.hosts.iter().position(|other| Arc::ptr_eq(&other.watched, watched));
    let forgotten = place.map(|place| side.hosts.swap_remove(place));
    if let Some(forgotten) = &forgotten
        && side.hosts.iter().all(|host| host.probe != forgotten.probe)
    {
        side.probes.swap_remove(forgotten.probe);
        let moved = side.probes.len();
        side.hosts.iter_mut().filter(|host| host.probe == moved).for_each(|host| host.probe = forgotten.probe);
    }
    drop(side);
    // Not under the lock, which the side thread takes.
    drop(forgotten);
}

/// Makes a host hear signals until what is returned is dropped.
///
/// # Errors
/// Fails when the side thread cannot be started or signals cannot be handled.
pub(super) fn listen(watched: &Arc<Watched>) -> io::Result<Listening> {
    let listening = Watched::listen(watched);
    let mut side = side();
    let runtime = side.start()?.clone();
    if !side.hears {
        let _entered = runtime.enter();
        side.arriving = Some(Signals::install()?);
        side.hears = true;
        poke();
    }
    Ok(listening)
}

/// The life of the thread (invariant 2).
fn watch(runtime: &Runtime) {
    let mut signals = None;
    loop {
        let rounds = AssertUnwindSafe(|| runtime.block_on(rounds(&mut signals)));
        if catch_unwind(rounds).is_err() {
            // Should every round panic, at least the machine stays usable.
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

async fn rounds(signals: &mut Option<Signals>) {
    let mut last = real_now();
    let mut pause = Duration::ZERO;
    let mut clocks = ClockWatch::begin();
    let mut reach = Reach::Everything;
    let mut waited = ROUND;
    loop {
        let now = real_now();
        // Time during which this thread did not run either is nobody's fault.
        let passed = (now - last).min(pause + LATE);
        last = now;
        clocks.look();
        waited += passed;
        let asks = waited >= ROUND;
        if asks {
            waited = Duration::ZERO;
        }
        let seen = look(passed, reach, asks);
        pause = seen.pause;
        reach = Reach::Concerned;
        if seen.arriving.is_some() {
            *signals = seen.arriving;
        }
        if seen.is_idle {
            stall::doze();
        }
        let heard = async {
            match signals {
                Some(signals) => signals.next().await,
                None => std::future::pending().await,
            }
        };
        // Neither arm loses anything: signals stay pending, and being poked is remembered.
        tokio::select! {
            biased;
            signal = heard => hear(signal),
            () = POKED.notified() => reach = Reach::Everything,
            () = stall::stirred() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Which hosts are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Those of which there is something to see (invariant 5).
    Concerned,
    /// Somebody has poked, and nobody knows for which.
    Everything,
}

/// How long the thread sleeps while there is nothing to watch.
const LONG: Duration = Duration::from_hours(1);
/// How long it sleeps while no host does anything, unless one begins to. A runtime that owes an answer for [`SILENT`] is so
/// reported within five seconds.
const IDLE_ROUND: Duration = Duration::from_millis(1500);
/// How late a round may be without anybody's fault.
const LATE: Duration = Duration::from_millis(100);
/// After this time without a round the thread counts as lost.
const LOST: Duration = Duration::from_secs(4);

/// When the last round began.
static LAST_ROUND: Mutex<Option<Instant>> = Mutex::new(None);

fn came_round() {
    *LAST_ROUND.lock().unwrap_or_else(PoisonError::into_inner) = Some(real_now());
}

/// For how long the thread has not come round, if that is too long.
pub(super) fn lost() -> Option<Duration> {
    let last = *LAST_ROUND.lock().unwrap_or_else(PoisonError::into_inner);
    last.map(|last| real_now().saturating_duration_since(last)).filter(|passed| *passed > LOST)
}

/// What a round came to.
struct Seen {
    arriving: Option<Signals>,
    /// Whether no host does anything and none is at risk.
    is_idle: bool,
    /// When to look again.
    pause: Duration,
}

/// Looks after the hosts.
fn look(passed: Duration, reach: Reach, asks: bool) -> Seen {
    let mut side = side();
    #[cfg(test)]
    assert!(!tests::KILLED.swap(false, std::sync::atomic::Ordering::SeqCst), "killed by a test");
    came_round();
    let Side { hosts, probes, arriving, .. } = &mut *side;
    let mut asides = Vec::new();
    let stall::Look { held, is_idle } =
        if hosts.is_empty() { stall::Look { held: Vec::new(), is_idle: true } } else { stall::look(passed) };
    let silent: Vec<_> = probes.iter_mut().map(|probe| probe.count(passed)).collect();
    if asks {
        probes.iter().for_each(Probe::ask);
    }
    for host in &mut *hosts {
        let silent = silent[host.probe];
        let is_concerned = reach == Reach::Everything || !host.concern.is_quiet || silent >= SILENT;
        if is_concerned || (!held.is_empty() && host.watched.holds(&held)) {
            host.concern = host.watched.look(passed, &held, silent, &mut asides);
        }
    }
    let is_idle = is_idle && hosts.iter().all(|host| host.concern.is_quiet);
    let pause = hosts.iter().map(|host| if is_idle { IDLE_ROUND } else { host.concern.pause }).min();
    aside::say(asides);
    Seen { arriving: arriving.take(), is_idle, pause: pause.unwrap_or(LONG) }
}

fn hear(signal: Signal) {
    for host in &side().hosts {
        host.watched.hear(signal);
    }
}

#[cfg(test)]
mod tests;
