//! The host: build, start, run, stop.

mod aside;
mod build;
mod builder;
mod error;
mod exit;
mod force;
mod health;
#[cfg(feature = "durable")]
mod jobs;
#[cfg(feature = "testing")]
mod kit;
mod lifetime;
mod order;
mod probe;
mod pulse;
mod run;
mod running;
mod signals;
mod start;
mod stop;
mod supervisor;
#[cfg(all(feature = "systemd", target_os = "linux"))]
mod systemd;
#[cfg(feature = "cli")]
mod trigger;
mod watch;
mod watched;

pub use builder::HostBuilder;
pub use error::{BuildError, RunError, StartError};
pub use health::Health;
pub use lifetime::HostLifetime;
pub use running::{RunningHost, ServiceStatus, TriggerError};

#[cfg(feature = "cli")]
pub(crate) use build::{Described, Registered, same_name};
pub(crate) use build::{HookPlan, ServicePlan};
pub(crate) use force::claim_end;
#[cfg(feature = "cli")]
pub(crate) use trigger::Target;
pub(crate) use watched::ProcessOwner;

use std::sync::Arc;

use crate::component::{Container, Reap};
#[cfg(feature = "durable")]
use crate::config::StoreOptions;
use crate::config::{Configuration, HostOptions};
use crate::registry::ServiceEntry;
use crate::runner::Probe;
use crate::time::Clock;

/// A program that has been checked and not been started.
///
/// [`Host::builder`] takes every annotated item of the binary, [`Host::empty`] none. Building reads the configuration,
/// binds options and checks the wiring; it calls no constructor and needs no network.
///
/// # Examples
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let host = hostkit::Host::builder().set("periodic.cleanup.every", "5m").build().await?;
/// host.run().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Host {
    pub(crate) services: Vec<ServicePlan>,
    pub(crate) hooks: Vec<HookPlan>,
    /// Every annotated function with its name in this host, also those that it leaves out.
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "only the command line shows them"))]
    pub(crate) known: Vec<(&'static str, &'static ServiceEntry)>,
    pub(crate) container: Arc<Container>,
    pub(crate) reaped: tokio::sync::mpsc::UnboundedReceiver<Reap>,
    pub(crate) configuration: Arc<Configuration>,
    pub(crate) options: HostOptions,
    /// Where durable jobs are kept; opened by whoever runs some.
    #[cfg(feature = "durable")]
    pub(crate) store: StoreOptions,
    /// What its durable queues share.
    #[cfg(feature = "durable")]
    pub(crate) jobs: Arc<crate::queue::Jobs>,
    pub(crate) lifetime: HostLifetime,
    pub(crate) owner: ProcessOwner,
    /// What it goes by, if that is not the machine's clock.
    pub(crate) clock: Option<Clock>,
    /// Who looks on.
    pub(crate) probe: Probe,
}

impl Host {
    /// A builder with every annotated item of this binary and the libraries it links.
    pub fn builder() -> HostBuilder {
        HostBuilder::new(true)
    }

    /// A builder with nothing in it; add items with [`HostBuilder::with`].
    pub fn empty() -> HostBuilder {
        HostBuilder::new(false)
    }

    /// The name of the environment, `production` unless set.
    pub fn environment(&self) -> &str {
        self.configuration.environment()
    }
}
