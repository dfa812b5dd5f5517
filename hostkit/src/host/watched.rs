//! What the side thread knows of one host.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::aside::Aside;
use super::force::{Reason, end_process};
use super::pulse::{Kept, Pulse};
use super::running::Running;
use super::signals::Signal;
#[cfg(all(feature = "systemd", target_os = "linux"))]
use super::systemd::Systemd;
use super::{Health, HostLifetime, watch};
use crate::config::HostOptions;
use crate::stall::Mark;
use crate::tasks::keep_time;
use crate::time::{now, show_duration};

/// How long after its deadline a stop counts as one that will never end.
const OVERDUE: Duration = Duration::from_millis(500);

/// How often runtimes and pulses are asked.
pub(super) const ROUND: Duration = Duration::from_secs(1);
/// How long a task or a runtime may take to answer.
pub(super) const SILENT: Duration = Duration::from_secs(3);
/// How often an idle thread of a runtime is woken while its host stops, so that deadlines pass.
const WAKING: Duration = Duration::from_millis(20);
/// How often threads are looked at, at most.
const FASTEST: Duration = Duration::from_millis(10);
/// What constructors, disposers and the rest of hostkit's own tasks are called.
const OWN: &str = "a constructor or a disposer";

/// Whose process it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ProcessOwner {
    /// The caller's, who alone may end it.
    #[default]
    Caller,
    /// The generated program's.
    Program,
}

/// What a running host hears.
#[derive(Debug, Clone, Copy)]
pub(super) enum Heard {
    /// The signal that asks it to stop.
    First(Signal),
    /// The signal that ends the stop at once.
    Second(Signal),
    /// A signal that means nothing now.
    Ignored(Signal),
}

/// One host, as far as it can be looked after from outside its runtime.
pub(super) struct Watched {
    /// Its services, then its hooks.
    names: Vec<&'static str>,
    /// One for each of them, and the last for what hostkit does itself.
    marks: Range<u64>,
    lifetime: HostLifetime,
    options: HostOptions,
    owner: ProcessOwner,
    runtime: Handle,
    ear: Mutex<Option<Ear>>,
    progress: Mutex<Progress>,
    #[cfg(all(feature = "systemd", target_os = "linux"))]
    systemd: OnceLock<Systemd>,
    /// Whether its stop has come to its end.
    stopped: AtomicBool,
    /// Whether the end of the process has been begun.
    ending: AtomicBool,
    /// Upgraded only by whoever ends the process: it keeps what is the user's.
    running: OnceLock<Weak<Running>>,
    /// Whose store may fail.
    #[cfg(feature = "durable")]
    pub(super) jobs: OnceLock<Arc<crate::queue::Jobs>>,
}

fn whole_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs())
}

/// What a look at a host came to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Concern {
    /// Whether nothing is at risk that nobody would notice.
    pub(super) is_quiet: bool,
    /// When to look at the threads again.
    pub(super) pause: Duration,
}

/// What is known of a host's progress.
#[derive(Default)]
struct Progress {
    kept: Vec<Arc<Kept>>,
    pulses: Vec<Arc<Pulse>>,
    #[cfg(test)]
    supervisor: Option<AbortHandle>,
    stalls: Vec<Stall>,
    /// Whoever of this host was in one poll from the last look but one to the last, as marks.
    holders: Vec<(u64, Duration)>,
    /// How long the pulses need not be asked yet.
    rested: Duration,
    health: Health,
}

/// A function that has held its thread for too long.
struct Stall {
    mark: u64,
    held: Duration,
    /// When it will be named again.
    next: Duration,
}

/// How a host hears signals while it is [run](crate::Host::run).
struct Ear {
    sender: mpsc::UnboundedSender<Heard>,
    asked: bool,
    /// Looked at while there is a terminal: one that has hung up is none any more.
    on_terminal: bool,
}

/// The signals that a host hears until this is dropped.
pub(super) struct Listening {
    watched: Arc<Watched>,
    heard: mpsc::UnboundedReceiver<Heard>,
}

impl Listening {
    /// The next signal. Cancelling loses none.
    pub(super) async fn next(&mut self) -> Heard {
        match self.heard.recv().await {
            Some(heard) => heard,
            // The sender goes with this.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        *self.watched.ear.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Watched {
    /// What is known at the start; the names are those of the services, then the hooks.
    pub(super) fn new(
        names: Vec<&'static str>,
        lifetime: HostLifetime,
        options: HostOptions,
        owner: ProcessOwner,
    ) -> Arc<Self> {
        Arc::new(Self {
            marks: Mark::reserve(names.len() + 1),
            names,
            lifetime,
            options,
            owner,
            runtime: Handle::current(),
            ear: Mutex::default(),
            progress: Mutex::default(),
            #[cfg(all(feature = "systemd", target_os = "linux"))]
            systemd: OnceLock::new(),
            stopped: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            running: OnceLock::new(),
            #[cfg(feature = "durable")]
            jobs: OnceLock::new(),
        })
    }

    /// The marks of the services and hooks, in the order of their names.
    pub(super) fn marks(&self) -> impl Iterator<Item = Mark> + use<> {
        let watches = self.options.stall_after.is_some();
        self.marks.clone().map(move |number| if watches { Mark::of(number) } else { Mark::default() })
    }

    /// The mark of constructors, disposers and what else runs in tasks of hostkit's own. Theirs are always marked: it shows
    /// whether there is reason to ask for their pulses.
    pub(super) fn own_mark(&self) -> Mark {
        self.marks.clone().last().map(Mark::of).unwrap_or_default()
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(super) fn has_stopped(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    fn is_stopping(&self) -> bool {
        self.lifetime.stop_asked().is_some() && !self.stopped.load(Ordering::Relaxed)
    }

    /// Whether one of its tasks is among those who hold a thread.
    pub(super) fn holds(&self, held: &[(u64, Duration)]) -> bool {
        held.iter().any(|(mark, _)| self.marks.contains(mark))
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches over a task of ours and starts it again if it ends.
    pub(super) fn keep(&self, kept: Arc<Kept>) {
        self.add(Arc::clone(&kept.pulse));
        self.progress().kept.push(kept);
    }

    /// Watches over a task of ours.
    pub(super) fn add(&self, pulse: Arc<Pulse>) {
        self.progress().pulses.push(pulse);
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self, reason = "only tests end it")]
    pub(super) fn supervised_by(&self, _supervisor: AbortHandle) {}

    #[cfg(test)]
    pub(super) fn supervised_by(&self, supervisor: AbortHandle) {
        self.progress().supervisor = Some(supervisor);
    }

    /// How long the function of this mark has held its thread, if that is too long.
    pub(super) fn stalled(&self, mark: Mark) -> Option<Duration> {
        self.progress().stalls.iter().find(|stall| Mark::of(stall.mark) == mark).map(|stall| stall.held)
    }

    /// The service or the hook with this mark.
    fn named(&self, mark: u64) -> Option<&'static str> {
        let place = usize::try_from(mark - self.marks.start).ok();
        place.and_then(|place| self.names.get(place)).copied()
    }

    fn name(&self, mark: u64) -> &'static str {
        self.named(mark).unwrap_or(OWN)
    }

    pub(super) fn health(&self) -> Health {
        let mut health = self.progress().health.clone();
        if let Some(passed) = watch::lost() {
            let passed = show_duration(whole_seconds(passed));
            health.problems.push(format!("the thread that hears signals has not come round for {passed}"));
        }
        health
    }

    pub(super) fn is_of(&self, running: &Arc<Running>) {
        // It is said once.
        let _ = self.running.set(Arc::downgrade(running));
    }

    pub(super) fn listen(this: &Arc<Self>) -> Listening {
        let (sender, heard) = mpsc::unbounded_channel();
        let ear = Ear { sender, asked: false, on_terminal: std::io::stderr().is_terminal() };
        *this.ear.lock().unwrap_or_else(PoisonError::into_inner) = Some(ear);
        Listening { watched: Arc::clone(this), heard }
    }

    /// The first signal asks the host to stop and the second ends it. A hangup stops what somebody runs on a terminal and
    /// is never the second: shells say it twice.
    pub(super) fn hear(&self, signal: Signal) {
        let mut ear = self.ear.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(ear) = &mut *ear else { return };
        let heard = match signal {
            signal if signal.is_hangup() && (ear.asked || !ear.on_terminal) => Heard::Ignored(signal),
            signal if ear.asked => Heard::Second(signal),
            signal => Heard::First(signal),
        };
        // Before the stop, which may be over in no time. Nobody listens any more if this fails.
        let _ = ear.sender.send(heard);
        match heard {
            Heard::First(_) => {
                ear.asked = true;
                // The deadline counts by the host's own clock.
                let _entered = self.runtime.enter();
                self.lifetime.request_stop();
            }
            Heard::Second(signal) => self.end(Reason::Signal(signal)),
            Heard::Ignored(_) => {}
        }
    }

    /// Ends the process if it is the program's.
    fn end(&self, reason: Reason) {
        if self.owner == ProcessOwner::Program && !self.ending.swap(true, Ordering::Relaxed) {
            end_process(self.running.get().cloned().unwrap_or_default(), reason);
        }
    }

    /// Looks after the host.
    ///
    /// `passed` is the time since the last look at the threads, `held` who holds one in any host, and `silent` for how long
    /// the runtime owes an answer.
    pub(super) fn look(
        &self,
        passed: Duration,
        held: &[(u64, Duration)],
        silent: Duration,
        asides: &mut Vec<Aside>,
    ) -> Concern {
        let progress = &mut *self.progress();
        progress.holders = held.iter().filter(|(mark, _)| self.marks.contains(mark)).copied().collect();
        if let Some(limit) = self.options.stall_after {
            self.name_stalls(limit, held, progress, asides);
        }
        let is_stopping = self.is_stopping();
        if is_stopping {
            keep_time(&self.runtime);
        }
        progress.pulses.iter().for_each(|pulse| pulse.count(passed));
        let revived = progress.kept.iter().filter(|kept| kept.revive());
        asides.extend(revived.map(|kept| Aside::Revived(kept.pulse.name)));
        progress.rested = progress.rested.saturating_sub(passed);
        if progress.rested.is_zero() {
            progress.rested = ROUND;
            progress.pulses.iter().for_each(|pulse| pulse.ask());
        }
        let health = self.diagnose(progress, silent);
        if health.is_healthy() != progress.health.is_healthy() {
            asides.push(if health.is_healthy() { Aside::Healthy } else { Aside::Unhealthy(health.to_string()) });
        }
        let is_quiet = health.is_healthy()
            && progress.holders.is_empty()
            && progress.stalls.is_empty()
            && progress.pulses.iter().all(|pulse| !pulse.is_asked())
            && !is_stopping;
        let part_of_limit =
            |part: u32| self.options.stall_after.map_or(ROUND, |limit| (limit / part).clamp(FASTEST, ROUND / 2));
        // Where nobody holds a thread, one look more would only see a little sooner that somebody does.
        let pause = match (is_stopping, is_quiet) {
            (true, _) => WAKING,
            (false, true) => part_of_limit(2),
            (false, false) => part_of_limit(4),
        };
        // Whom systemd watches is looked at in every round.
        #[cfg(all(feature = "systemd", target_os = "linux"))]
        let is_quiet = is_quiet && self.systemd.get().is_none();
        #[cfg(all(feature = "systemd", target_os = "linux"))]
        let pause = match self.systemd.get() {
            Some(systemd) if health.is_healthy() => systemd.alive().map_or(pause, |due| pause.min(due)),
            _ => pause,
        };
        if is_quiet {
            // They are asked at once when there is reason to.
            progress.rested = Duration::ZERO;
        }
        progress.health = health;
        self.announce();
        let pause = self.end_if_overdue().map_or(pause, |left| pause.min(left));
        Concern { is_quiet, pause }
    }

    /// Makes the host speak for the process to systemd, if there is one that listens.
    pub(super) fn speak(&self, running: &Running) {
        #[cfg(all(feature = "systemd", target_os = "linux"))]
        if self.systemd.get().is_none()
            && let Some(systemd) = Systemd::of_process(running)
        {
            // It is said once.
            let _ = self.systemd.set(systemd);
            self.announce();
        }
        #[cfg(not(all(feature = "systemd", target_os = "linux")))]
        let _ = (self, running);
    }

    /// Tells systemd what has changed, if the host speaks to it.
    pub(super) fn announce(&self) {
        #[cfg(all(feature = "systemd", target_os = "linux"))]
        if let Some(systemd) = self.systemd.get() {
            systemd.announce(&self.lifetime, self.left_of_the_stop());
        }
        #[cfg(not(all(feature = "systemd", target_os = "linux")))]
        let _ = self;
    }

    /// Names whoever holds a thread for too long, again whenever that time has doubled, and says when it is over.
    fn name_stalls(&self, limit: Duration, held: &[(u64, Duration)], progress: &mut Progress, asides: &mut Vec<Aside>) {
        let longest = |mark| held.iter().filter(|(holder, _)| *holder == mark).map(|(_, held)| *held).max();
        progress.stalls.retain_mut(|stall| {
            let service = self.name(stall.mark);
            let Some(held) = longest(stall.mark).filter(|held| *held >= stall.held) else {
                asides.push(Aside::GaveWay { service, held: stall.held });
                return false;
            };
            stall.held = held;
            if held >= stall.next {
                stall.next = held * 2;
                asides.push(Aside::Stalls { service, held });
            }
            true
        });
        for &(mark, held) in held {
            if held >= limit && self.marks.contains(&mark) && progress.stalls.iter().all(|stall| stall.mark != mark) {
                asides.push(Aside::Stalls { service: self.name(mark), held });
                progress.stalls.push(Stall { mark, held, next: held * 2 });
            }
        }
    }

    fn diagnose(&self, progress: &Progress, runtime_silent: Duration) -> Health {
        let mut problems = Vec::new();
        let silent: Vec<_> = progress.pulses.iter().filter(|pulse| pulse.silence() >= SILENT).collect();
        // Whichever was asked first.
        let are_all_silent = silent.len() == progress.pulses.iter().filter(|pulse| !pulse.is_over()).count();
        if runtime_silent >= SILENT || (!runtime_silent.is_zero() && !silent.is_empty() && are_all_silent) {
            let lasted = silent.iter().map(|pulse| pulse.silence()).max().unwrap_or_default().max(runtime_silent);
            let lasted = show_duration(whole_seconds(lasted));
            let mut problem = format!("the runtime has not come round to hostkit's tasks for {lasted}");
            for stall in &progress.stalls {
                let held = show_duration(whole_seconds(stall.held));
                // Writing to a string cannot fail.
                let _ = write!(problem, "; `{}` holds a thread for {held}", self.name(stall.mark));
            }
            problems.push(problem);
        } else {
            problems.extend(silent.iter().map(|pulse| {
                let lasted = show_duration(whole_seconds(pulse.silence()));
                format!("the {} has not answered for {lasted}", pulse.name)
            }));
        }
        let broken = progress.pulses.iter().filter(|pulse| pulse.is_broken());
        problems.extend(broken.map(|pulse| format!("the {} has panicked", pulse.name)));
        #[cfg(feature = "durable")]
        problems.extend(
            self.jobs.get().and_then(|jobs| jobs.broken()).map(|error| format!("the store has failed: {error}")),
        );
        Health { problems }
    }

    /// How long the stop may still take, once it has been asked for.
    fn left_of_the_stop(&self) -> Option<Duration> {
        let asked = self.lifetime.stop_asked()?;
        let _entered = self.runtime.enter();
        Some((asked + self.options.stop_timeout + OVERDUE).saturating_duration_since(now()))
    }

    /// How long the stop of a program may still take; ends the process if it takes longer.
    fn end_if_overdue(&self) -> Option<Duration> {
        let listens = self.ear.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if !listens || self.owner != ProcessOwner::Program {
            return None;
        }
        let left = self.left_of_the_stop()?;
        if left.is_zero() {
            self.end(Reason::Overdue);
            return None;
        }
        Some(left)
    }

    /// Whoever holds a thread, and for how long at least: a service, a hook, or by no name hostkit itself, which calls
    /// constructors and disposers.
    pub(super) fn holders(&self) -> Vec<(Option<&'static str>, Duration)> {
        let progress = self.progress();
        progress.holders.iter().map(|(mark, held)| (self.named(*mark), *held)).collect()
    }

    #[cfg(test)]
    pub(super) fn kill_the_reaper(&self) {
        self.progress().kept.iter().for_each(|kept| kept.kill());
    }

    #[cfg(test)]
    pub(super) fn kill_the_supervisor(&self) {
        self.progress().supervisor.as_ref().expect("the host has started").abort();
    }
}
