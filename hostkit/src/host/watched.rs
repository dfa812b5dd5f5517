//! What the side thread knows of one host.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::HostLifetime;
use super::force::{Reason, end_process};
use super::running::Running;
use super::signals::Signal;
use crate::time::now;

/// How long after its deadline a stop counts as one that will never end.
const OVERDUE: Duration = Duration::from_millis(500);

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
    lifetime: HostLifetime,
    stop_timeout: Duration,
    owner: ProcessOwner,
    runtime: Handle,
    ear: Mutex<Option<Ear>>,
    /// Whether the end of the process has been begun.
    ending: AtomicBool,
    /// Upgraded only by whoever ends the process: it keeps what is the user's.
    running: OnceLock<Weak<Running>>,
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
    pub(super) fn new(lifetime: HostLifetime, stop_timeout: Duration, owner: ProcessOwner) -> Arc<Self> {
        Arc::new(Self {
            lifetime,
            stop_timeout,
            owner,
            runtime: Handle::current(),
            ear: Mutex::default(),
            ending: AtomicBool::new(false),
            running: OnceLock::new(),
        })
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

    /// Looks after the host, and says when to do so again.
    pub(super) fn look(&self) -> Option<Duration> {
        let listens = self.ear.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if !listens || self.owner != ProcessOwner::Program {
            return None;
        }
        let asked = self.lifetime.stop_asked()?;
        let _entered = self.runtime.enter();
        let left = (asked + self.stop_timeout + OVERDUE).saturating_duration_since(now());
        if left.is_zero() {
            self.end(Reason::Overdue);
            return None;
        }
        Some(left)
    }
}
