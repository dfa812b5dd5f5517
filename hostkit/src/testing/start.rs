//! From a builder to a host under test.

use std::any::TypeId;
use std::panic::Location;
use std::time::Duration;

use tokio::runtime::{Handle as RuntimeHandle, RuntimeFlavor};

use super::journal::Journal;
use super::patience::Patience;
use super::{Fault, Span, TestClock, TestHost};
use crate::HostBuilder;
use crate::function::Handle;
use crate::runner::Probe;
use crate::time::pause;

/// The environment's name unless the test says another.
const ENVIRONMENT: &str = "test";

/// What a test asks for before the host is built.
#[derive(Default)]
pub(crate) struct Arranged {
    faults: Vec<Planned>,
    patience: Duration,
}

/// A fault for a function of a host that is not built yet.
struct Planned {
    handle: TypeId,
    name: &'static str,
    fault: Fault,
}

/// For tests, with the feature `testing`.
impl HostBuilder {
    /// What the host goes by; without it a [`TestClock::default`], which starts at 2026-01-01T00:00:00Z. Keep a copy for
    /// components that ask what time it is.
    pub fn test_clock(&mut self, clock: &TestClock) -> &mut Self {
        self.clock = Some(clock.0.clone());
        self
    }

    /// Puts a fault in the place of the next runs of a function, from the start of the host on. Faults of one function
    /// come one after the other.
    pub fn inject<F: Handle>(&mut self, fault: Fault) -> &mut Self {
        self.arranged.faults.push(Planned { handle: TypeId::of::<F>(), name: F::ENTRY.name, fault });
        self
    }

    /// How long, in real time, the clock stands still for whatever a run waits for outside the runtime, such as a database
    /// or a socket: a [`Duration`], or text such as `"1s"`. Without it not at all.
    ///
    /// A paused clock jumps to the next timer as soon as nothing can go on, and so past every timeout of a driver that
    /// waits for an answer. With patience it stands still while the start or the stop of the host or any run waits, until
    /// nothing has gone on for this long. A run that waits for a timer of its own, such as a worker that polls, therefore
    /// costs the test that much, once per wait.
    ///
    /// # Panics
    /// When the text is no duration.
    #[track_caller]
    pub fn patience(&mut self, patience: impl Span) -> &mut Self {
        self.arranged.patience = patience.duration();
        self
    }

    /// Builds and starts the host on a paused clock, and returns when every service is ready.
    ///
    /// It reads neither `hostkit.toml` nor the environment's variables, so that the test is the same on every machine:
    /// what it needs is [set](Self::set), or in a file that is [named](Self::config_file). The environment is `test` unless
    /// it is [named](Self::environment). Signals are left alone. The builder is empty afterwards.
    ///
    /// # Panics
    /// With the report when the host cannot be built or started, and outside a tokio runtime of one thread, such as that of
    /// a plain `#[tokio::test]`: no other runtime's clock can be paused.
    ///
    /// # Cancel safety
    /// As [`Host::start`](crate::Host::start).
    #[track_caller]
    pub fn test(&mut self) -> impl Future<Output = TestHost> + '_ {
        let place = Location::caller();
        async move {
            check_runtime(place);
            pause().await;
            let clock = TestClock(self.clock.take().unwrap_or_else(|| TestClock::default().0));
            let Arranged { faults, patience } = std::mem::take(&mut self.arranged);
            let journal = Journal::new(clock.0.clone(), Patience::lasting(patience));
            self.clock = Some(clock.0.clone());
            self.probe = Probe::of(journal.clone());
            let sources = self.sources();
            sources.variables.clear();
            sources.named_files_only = true;
            sources.environment.get_or_insert_with(|| ENVIRONMENT.to_owned());
            let host = self.build().await.unwrap_or_else(|error| panic!("{error}\n  in the test at {place}"));
            for Planned { handle, name, fault } in faults {
                let known = host.name_of(handle);
                let name = known.unwrap_or_else(|| panic!("this host does not run `{name}`\n  in the test at {place}"));
                journal.plan(name, fault);
            }
            clock.0.begin();
            let started = journal.patience.await_for(host.start()).await;
            let host = started.unwrap_or_else(|error| panic!("{error}\n  in the test at {place}"));
            TestHost::new(host, clock, journal, place)
        }
    }
}

/// # Panics
/// Where there is no clock to pause.
fn check_runtime(place: &Location<'_>) {
    match RuntimeHandle::try_current().ok().map(|runtime| runtime.runtime_flavor()) {
        Some(RuntimeFlavor::CurrentThread) => {}
        Some(_) => panic!(
            "a test host pauses tokio's clock, which only a runtime of one thread can: write `#[tokio::test]` without \
             `flavor = \"multi_thread\"`\n  in the test at {place}"
        ),
        None => {
            panic!("a test host needs a tokio runtime: write `#[tokio::test]` on the test\n  in the test at {place}")
        }
    }
}
