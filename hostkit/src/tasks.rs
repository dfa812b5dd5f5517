//! The one door for spawning: every task of a host is named, tracked and ends with it.

use std::future::Future;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
#[cfg(feature = "testing")]
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{AbortHandle, JoinError, JoinHandle};
use tokio_util::task::TaskTracker;

use crate::component::carry;
use crate::stall::Mark;

/// The tasks of one host. Cloning it clones a reference.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    /// Whose tasks they are.
    mark: Mark,
}

impl Tasks {
    /// The same, for tasks that are somebody else's.
    pub(crate) fn of(&self, mark: Mark) -> Self {
        Self { tracker: self.tracker.clone(), mark }
    }

    /// Spawns a task on the current runtime.
    pub(crate) fn spawn<F>(&self, name: &'static str, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        tracing::trace!(target: "hostkit::host", task = name, "task spawned");
        self.tracker.spawn(self.mark.around(future))
    }

    /// Spawns a task of ours that lives beside the services and is not waited for.
    pub(crate) fn spawn_side(
        &self,
        name: &'static str,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> AbortHandle {
        tracing::trace!(target: "hostkit::host", task = name, "side task spawned");
        spawn(self.mark.around(future))
    }
}

/// Spawns a task of ours on a runtime that may be another than the current one, for the side thread: it logs nothing.
pub(crate) fn spawn_on(runtime: &Handle, future: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    runtime.spawn(future).abort_handle()
}

/// Starts a thread of ours, for what must not depend on any runtime of the user's. Nobody waits for it.
///
/// # Errors
/// Fails when the system has no room for another thread.
pub(crate) fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map(drop)
}

/// What a task of ours ended with.
///
/// # Panics
/// Passes a panic of the task on.
pub(crate) async fn joined<T>(result: Result<T, JoinError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Nobody aborts it but the end of its runtime, and then nobody polls this any more.
            Err(_cancelled) => std::future::pending().await,
        },
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the door")]
fn spawn(future: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    tokio::spawn(future).abort_handle()
}

/// Lets other threads run what this one has just woken.
///
/// A thread of tokio's keeps the task that it woke last for itself, and no other takes it over. If the code that did the
/// waking is the user's and blocks its thread next, that task is never run. A task after it takes its place.
pub(crate) fn share_woken() {
    if Handle::try_current().is_ok() {
        spawn(async {});
    }
}

/// Wakes an idle thread of the runtime, so that it fires its timers.
///
/// One thread of tokio's waits for its timers and its input for all of them, and the others sleep. If what a timer or an
/// event woke blocks that very thread, nobody takes its place until one of the others is woken; somebody beside the
/// runtime does that. A runtime of one thread has no others.
pub(crate) fn keep_time(runtime: &Handle) {
    if runtime.runtime_flavor() != RuntimeFlavor::CurrentThread {
        drop(spawn_on(runtime, async {}));
    }
}

/// The blocking functions that run in this process, by whose they are.
static BLOCKING: Mutex<Vec<Mark>> = Mutex::new(Vec::new());

fn all_blocking() -> MutexGuard<'static, Vec<Mark>> {
    BLOCKING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One of [`BLOCKING`], until it is dropped.
struct Counted(Mark);

impl Counted {
    fn begin(mark: Mark) -> Self {
        all_blocking().push(mark);
        Self(mark)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut all = all_blocking();
        if let Some(place) = all.iter().position(|mark| *mark == self.0) {
            all.swap_remove(place);
        }
    }
}

/// Whose blocking functions have not returned yet; one mark for each.
pub(crate) fn blocking_calls() -> Vec<Mark> {
    all_blocking().clone()
}

/// Runs a blocking function on the blocking pool.
///
/// Dropping the future does not end the function: nothing can.
///
/// # Panics
/// Passes a panic of the function on.
pub async fn blocking<T: Send + 'static>(function: impl FnOnce() -> T + Send + 'static) -> T {
    let mark = Mark::current();
    let counted = move || {
        let _counted = Counted::begin(mark);
        carry(function)
    };
    match joined(tokio::task::spawn_blocking(counted).await).await {
        Ok(value) => value,
        Err(panic) => panic.resume(),
    }
}

/// How often a thread beside a runtime looks at it, at first and at last.
#[cfg(feature = "testing")]
const LOOKS: (Duration, Duration) = (Duration::from_micros(20), Duration::from_millis(1));

/// Watches from beside the current runtime, which has one thread, until nothing in it could go on but by the passing of time
/// for as long as `quiet` says, until `quiet` says nothing, or for this much real time; whether the runtime came to rest.
///
/// A paused clock stands still until then, also if nobody polls this: tokio's rule is that it does while a blocking
/// function runs.
#[cfg(feature = "testing")]
pub(crate) fn at_rest(
    limit: Duration,
    quiet: impl Fn() -> Option<Duration> + Send + 'static,
) -> impl Future<Output = bool> + Send {
    let metrics = Handle::current().metrics();
    beside(move || {
        let began = crate::time::real_now();
        let (mut pause, longest) = LOOKS;
        let mut seen = (0, began);
        while began.elapsed() < limit {
            let Some(quiet) = quiet() else { return false };
            // Odd while the runtime's thread waits. Seen twice at least, because it may only wait for its turn.
            let count = metrics.worker_park_unpark_count(0);
            if count != seen.0 {
                seen = (count, crate::time::real_now());
            } else if count % 2 == 1 && seen.1.elapsed() >= quiet {
                return true;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(longest);
        }
        false
    })
}

/// Lets real time pass. A paused clock stands still meanwhile.
#[cfg(feature = "testing")]
pub(crate) async fn pass_really(duration: Duration) {
    beside(move || std::thread::sleep(duration)).await;
}

/// Begins a function of ours on the blocking pool.
#[cfg(feature = "testing")]
fn beside<T: Send + 'static>(function: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + Send {
    let began = tokio::task::spawn_blocking(function);
    async move { joined(began.await).await }
}
