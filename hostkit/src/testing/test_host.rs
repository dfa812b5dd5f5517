//! A host under test.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::journal::Journal;
use super::patience::Patience;
use super::{Event, EventKind, Fault, Moment, Run, Span, TestClock};
use crate::function::{Callable, Handle, Queued};
use crate::tasks::pass_really;
use crate::time::{now, real_now, show_duration};
use crate::{HostLifetime, RunError, RunningHost, Scopes, ServiceState, ServiceStatus, TriggerError};

/// How long, in real time, the host may take to come to rest, or something outside to happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often something outside is looked at.
const LOOK: Duration = Duration::from_millis(1);

/// A host on a paused clock, made by [`HostBuilder::test`](crate::HostBuilder::test); see the [chapter](super).
///
/// End it with [`stop`](Self::stop): what only the stop shows, such as a disposer that fails or a service that does not
/// end, is part of the test. Dropping it without that panics, unless the test has failed already.
pub struct TestHost {
    /// There until it is stopped.
    host: Option<RunningHost>,
    clock: TestClock,
    pub(super) journal: Arc<Journal>,
    place: &'static Location<'static>,
}

impl TestHost {
    pub(super) fn new(
        host: RunningHost,
        clock: TestClock,
        journal: Arc<Journal>,
        place: &'static Location<'static>,
    ) -> Self {
        journal.write("", EventKind::Started);
        Self { host: Some(host), clock, journal, place }
    }

    pub(super) fn host(&self) -> &RunningHost {
        self.host.as_ref().expect("only `stop`, which takes the test host, takes the host out of it")
    }

    /// What a function is called in this host.
    ///
    /// # Panics
    /// When the host does not have it.
    #[track_caller]
    pub(super) fn name_of<F: Handle>(&self) -> &'static str {
        match self.host().name_of::<F>() {
            Some(name) => name,
            None => {
                panic!("this host does not run `{}`; it runs `{}`", F::ENTRY.name, self.host().names().join("`, `"))
            }
        }
    }

    /// What the host's wall clock shows.
    pub fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// The host's wall clock.
    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// Lets this much time pass: a [`Duration`], or text such as `"1h"`.
    ///
    /// Everything that is due on the way happens in order, each at its own instant, and at the last instant this returns
    /// when the host has [settled](Self::settle). Tokio's clock belongs to the runtime, so time passes for every host of
    /// the test.
    ///
    /// # Panics
    /// When the text is no duration, and as [`settle`](Self::settle).
    ///
    /// # Cancel safety
    /// Cancelling stops the clock where it is.
    #[track_caller]
    pub fn advance(&self, by: impl Span) -> impl Future<Output = ()> + '_ {
        let (until, place) = (now() + by.duration(), Location::caller());
        async move {
            tokio::time::sleep_until(until).await;
            self.settled(place).await;
        }
    }

    /// Lets time pass until the host's wall clock shows this: a [`SystemTime`], or text such as `"2026-03-29T01:00:00Z"`,
    /// in UTC.
    ///
    /// # Panics
    /// When the text is no date with a time, when it has passed, and as [`settle`](Self::settle).
    ///
    /// # Cancel safety
    /// Cancelling stops the clock where it is.
    #[track_caller]
    pub fn advance_to(&self, moment: impl Moment) -> impl Future<Output = ()> + '_ {
        let moment = moment.moment();
        match moment.duration_since(self.now()).ok() {
            Some(ahead) => self.advance(ahead),
            None => panic!("it is {} already, so it cannot become {}", self.clock, super::moment::show(moment)),
        }
    }

    /// Waits until the host has settled, and no time passes: nothing of the runtime, the test's own tasks included, can go
    /// on but by the passing of time or by something outside.
    ///
    /// Outside is what tokio does not run on this thread: sockets, child processes, `spawn_blocking` and functions with
    /// `blocking = true`, threads of a database's driver. To wait for such a thing, say what it brings about:
    /// [`until`](Self::until).
    ///
    /// # Panics
    /// When the host does not come to rest within 10 s of real time: something wakes itself without end.
    #[track_caller]
    pub fn settle(&self) -> impl Future<Output = ()> + '_ {
        let place = Location::caller();
        self.settled(place)
    }

    async fn settled(&self, place: &Location<'_>) {
        assert!(
            self.journal.patience.settle(PATIENCE).await,
            "the host does not come to rest within {} of real time: something wakes itself without end\n  \
             in the test at {place}",
            show_duration(PATIENCE)
        );
    }

    /// Waits in real time until something is so, while the clock stands still: for what comes from outside, such as the
    /// answer of a socket or the end of a blocking function. [`HostBuilder::patience`](crate::HostBuilder::patience) does so
    /// by itself for what runs wait for, and [`outside`](Self::outside) for what the test awaits.
    ///
    /// # Panics
    /// When it is not so within 10 s of real time.
    ///
    /// # Examples
    /// ```
    /// # #[hostkit::on_start]
    /// # async fn migrate() {}
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # let host = hostkit::Host::empty().with::<migrate>().test().await;
    /// # let answered = true;
    /// host.until("the answer has come", || answered).await;
    /// # host.stop().await.unwrap();
    /// # }
    /// ```
    #[track_caller]
    pub fn until<'h>(&'h self, what: &'h str, mut is_so: impl FnMut() -> bool + 'h) -> impl Future<Output = ()> + 'h {
        let place = Location::caller();
        async move {
            let began = real_now();
            while !is_so() {
                assert!(
                    began.elapsed() < PATIENCE,
                    "waited for {} of real time and it did not come about: {what}\n  in the test at {place}",
                    show_duration(PATIENCE)
                );
                pass_really(LOOK).await;
            }
        }
    }

    /// Awaits something outside in real time while the clock stands still, 10 s at most: a query of the test's own, a
    /// request to a server. After that the clock goes on as if this were not here, so that the other's own timeout ends it.
    ///
    /// # Cancel safety
    /// That of the future that is awaited.
    pub async fn outside<T>(&self, something: impl Future<Output = T>) -> T {
        Patience::lasting(PATIENCE).await_for(something).await
    }

    /// Runs a periodic function or a hook once and now, beside its schedule: [`RunningHost::trigger`].
    ///
    /// # Errors
    /// As [`RunningHost::trigger`].
    pub async fn trigger<F: Callable>(&self) -> Result<(), TriggerError> {
        self.host().trigger::<F>().await
    }

    /// Puts a fault in the place of the next runs of a function. Faults of one function come one after the other.
    ///
    /// # Panics
    /// When the host does not have the function.
    #[track_caller]
    pub fn inject<F: Handle>(&self, fault: Fault) {
        self.journal.plan(self.name_of::<F>(), fault);
    }

    /// Everything that has happened, in order.
    pub fn events(&self) -> Vec<Event> {
        self.journal.events(None)
    }

    /// Everything that has happened to one function, in order.
    ///
    /// # Panics
    /// When the host does not have the function.
    #[track_caller]
    pub fn events_of<F: Handle>(&self) -> Vec<Event> {
        self.journal.events(Some(self.name_of::<F>()))
    }

    /// The runs of a function in the order in which they began, those under way included: calls of a background service,
    /// runs of a periodic function or a hook, attempts at items of a queue.
    ///
    /// # Panics
    /// When the host does not have the function.
    #[track_caller]
    pub fn runs<F: Handle>(&self) -> Vec<Run> {
        self.journal.runs(self.name_of::<F>())
    }

    /// Where each service stands, in the order of their names.
    pub fn status(&self) -> Vec<ServiceStatus> {
        self.host().status()
    }

    /// Where a service stands.
    ///
    /// # Panics
    /// When the host does not have the service.
    #[track_caller]
    pub fn state<F: Handle>(&self) -> ServiceState {
        let name = self.name_of::<F>();
        match self.host().status_of::<F>() {
            Some(state) => state,
            None => panic!("`{name}` is a hook, and hooks have no state"),
        }
    }

    /// Opens scopes with the host's components, to look at what they hold.
    pub fn scopes(&self) -> Scopes {
        self.host().scopes()
    }

    /// The life of the host: asks it to stop, waits for it to begin stopping.
    pub fn lifetime(&self) -> &HostLifetime {
        self.host().lifetime()
    }

    /// The host's health and whatever else a running host says of itself.
    pub fn running(&self) -> &RunningHost {
        self.host()
    }

    /// Waits until the host has stopped for a reason of its own: its services are done, one of them failed or asked for
    /// it. Time passes as it does for whatever waits on a paused clock.
    ///
    /// # Errors
    /// As [`RunningHost::wait`].
    pub async fn wait(mut self) -> Result<(), RunError> {
        match self.host.take() {
            Some(mut host) => self.journal.patience.await_for(host.wait()).await,
            None => Ok(()),
        }
    }

    /// Stops the host and waits until it has stopped. Time passes while it waits for services that take some.
    ///
    /// What a queue [holds](Self::hold) is left, as with `drain = false`.
    ///
    /// # Errors
    /// As [`RunningHost::stop`]: a service had failed, did not end by its deadline, or was not disposed well.
    pub async fn stop(mut self) -> Result<(), RunError> {
        self.journal.write("", EventKind::StopRequested);
        match self.host.take() {
            Some(host) => self.journal.patience.await_for(host.stop()).await,
            None => Ok(()),
        }
    }

    /// The queue of a function.
    pub(super) fn queue_of<F: Queued>(&self) -> Option<crate::Queue<F>> {
        self.host().queue::<F>()
    }
}

impl Drop for TestHost {
    fn drop(&mut self) {
        assert!(
            self.host.is_none() || std::thread::panicking(),
            "the test host was dropped and not stopped, so nobody sees how it would have ended: end the test with \
             `host.stop().await`\n  started at {}",
            self.place
        );
    }
}

impl fmt::Debug for TestHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestHost").field("clock", &self.clock).field("host", &self.host).finish_non_exhaustive()
    }
}
