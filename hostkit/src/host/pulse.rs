//! Whether hostkit's own tasks make progress: each answers when it is asked, by being polled, and says so when it is lost.
//!
//! # Invariants
//!
//! 1. A task answers whenever its runtime polls it, so an answer says that both are alive. A task that ends before its
//!    time wakes the side thread, so nobody need ask whether it is still there.
//! 2. Only the side thread asks, and only it counts how long an answer is overdue: time during which it did not run
//!    itself, because the whole process was halted, counts for nobody.
//! 3. The reaper's future outlives its task: whatever ends the task, the next one goes on where it was.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::task::AtomicWaker;
use pin_project_lite::pin_project;
use tokio::runtime::Handle;
#[cfg(test)]
use tokio::task::AbortHandle;

use super::watch::poke;
use crate::component::catch_panic;
use crate::stall::Mark;
use crate::tasks::spawn_on;

/// The pulse of one task.
#[derive(Debug)]
pub(super) struct Pulse {
    pub(super) name: &'static str,
    waker: AtomicWaker,
    /// Whether it was asked and has not answered.
    asked: AtomicBool,
    /// For how many milliseconds.
    silent: AtomicU64,
    /// Whether it did all it had to do.
    over: AtomicBool,
    /// Whether something has ended its task before that.
    lost: AtomicBool,
    /// Whether a fault of ours has ended it for good.
    broken: AtomicBool,
}

impl Pulse {
    pub(super) fn new(name: &'static str) -> Arc<Self> {
        Arc::new(Self {
            name,
            waker: AtomicWaker::new(),
            asked: AtomicBool::new(false),
            silent: AtomicU64::new(0),
            over: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            broken: AtomicBool::new(false),
        })
    }

    /// Asks for an answer.
    pub(super) fn ask(&self) {
        if !self.over.load(Ordering::Relaxed) {
            self.asked.store(true, Ordering::Relaxed);
            self.waker.wake();
        }
    }

    /// Counts the time that has passed if an answer is overdue (invariant 2).
    pub(super) fn count(&self, passed: Duration) {
        if self.asked.load(Ordering::Relaxed) && !self.over.load(Ordering::Relaxed) {
            let passed = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
            self.silent.fetch_add(passed, Ordering::Relaxed);
        }
    }

    /// Whether an answer is due.
    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// How long it has been silent.
    pub(super) fn silence(&self) -> Duration {
        Duration::from_millis(self.silent.load(Ordering::Relaxed))
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn answer(&self) {
        self.asked.store(false, Ordering::Relaxed);
        self.silent.store(0, Ordering::Relaxed);
    }

    fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
        self.answer();
    }
}

pin_project! {
    /// A future that answers when it is polled.
    pub(super) struct Pulsed<F> {
        pulse: Arc<Pulse>,
        #[pin]
        future: F,
    }

    impl<F> PinnedDrop for Pulsed<F> {
        fn drop(this: Pin<&mut Self>) {
            let pulse = &this.pulse;
            if !pulse.is_over() {
                pulse.lost.store(true, Ordering::Release);
            }
            if !pulse.is_over() || pulse.is_broken() {
                poke();
            }
        }
    }
}

impl<F: Future> Pulsed<F> {
    pub(super) fn new(pulse: Arc<Pulse>, future: F) -> Self {
        Self { pulse, future }
    }
}

impl<F: Future> Future for Pulsed<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.pulse.waker.register(cx.waker());
        this.pulse.answer();
        let poll = this.future.poll(cx);
        if poll.is_ready() {
            this.pulse.end();
        }
        poll
    }
}

/// A task that is started again when something ends it before its time (invariant 3).
pub(super) struct Kept {
    pub(super) pulse: Arc<Pulse>,
    mark: Mark,
    runtime: Handle,
    /// What it does, until that is done. Held while it is polled, so the side thread leaves it alone.
    work: Mutex<Option<BoxFuture<'static, ()>>>,
    #[cfg(test)]
    task: Mutex<Option<AbortHandle>>,
}

impl Kept {
    /// Starts it on the current runtime.
    pub(super) fn start(name: &'static str, mark: Mark, work: impl Future<Output = ()> + Send + 'static) -> Arc<Self> {
        let kept = Arc::new(Self {
            pulse: Pulse::new(name),
            mark,
            runtime: Handle::current(),
            work: Mutex::new(Some(Box::pin(work))),
            #[cfg(test)]
            task: Mutex::default(),
        });
        kept.go_on();
        kept
    }

    fn go_on(self: &Arc<Self>) {
        let this = Arc::clone(self);
        let work = async move {
            let work = std::future::poll_fn(|cx| this.poll(cx));
            if catch_panic(work).await.is_err() {
                this.pulse.broken.store(true, Ordering::Relaxed);
                drop(this.lock().take());
            }
        };
        let pulsed = Pulsed::new(Arc::clone(&self.pulse), self.mark.around(work));
        let task = spawn_on(&self.runtime, pulsed);
        #[cfg(test)]
        self.task.lock().unwrap_or_else(PoisonError::into_inner).replace(task.clone());
        drop(task);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<BoxFuture<'static, ()>>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut work = self.lock();
        let Some(future) = &mut *work else { return Poll::Ready(()) };
        let poll = future.as_mut().poll(cx);
        if poll.is_ready() {
            *work = None;
        }
        poll
    }

    /// Starts it again if it has ended before its time; says whether it did.
    pub(super) fn revive(self: &Arc<Self>) -> bool {
        let lost = || self.pulse.lost.swap(false, Ordering::AcqRel);
        if self.pulse.is_over() || !lost() {
            return false;
        }
        self.go_on();
        // One that is gone at once has no runtime any more, and nothing to be started for.
        let gone = lost();
        if gone {
            self.pulse.end();
        }
        !gone
    }

    #[cfg(test)]
    pub(super) fn kill(&self) {
        self.task.lock().unwrap_or_else(PoisonError::into_inner).as_ref().expect("it was started").abort();
    }
}
