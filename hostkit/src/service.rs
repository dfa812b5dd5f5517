//! Background services and hooks: functions that are called once per host, the former supervised.

mod budget;
mod hook;
mod instances;
mod options;
mod ready;
mod supervise;
#[cfg(test)]
mod tests;

pub use ready::{Instance, Ready};

pub(crate) use hook::set_up as set_up_hook;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use self::options::{OnComplete, Options};
use crate::component::Want;
use crate::function::{Call, Handle};
use crate::runner::{Bind, Conduct, End, Runner, Setup, bind};

/// Reads a background service's options.
pub(crate) fn set_up<H: Call>(setup: Setup<'_>) -> Arc<dyn Runner> {
    let Setup { mut settings, problems, .. } = setup;
    let options = Options::read(&mut settings);
    problems.extend(settings.finish(&[]));
    Arc::new(BackgroundService { options, told: takes_token::<H>(), bind: bind::<H> })
}

/// One background service in one host.
struct BackgroundService {
    options: Options,
    /// Whether its own parameters include the token, so that it is told to stop and not dropped. What the components it
    /// reaches ask for does not count.
    told: bool,
    bind: Bind,
}

/// Whether the function itself takes a [`CancellationToken`](crate::CancellationToken).
pub(crate) fn takes_token<H: Call>() -> bool {
    <H::Of as Handle>::ENTRY.edges.iter().any(|edge| matches!(edge.want, Want::Token))
}

impl Runner for BackgroundService {
    fn is_host_long(&self) -> bool {
        !self.options.whole_run
    }

    fn keeps_host_alive(&self) -> bool {
        self.options.on_complete == OnComplete::KeepRunning
    }

    fn stop_timeout(&self) -> Option<Duration> {
        self.options.stop_timeout
    }

    fn start_timeout(&self) -> Option<Duration> {
        self.options.start_timeout
    }

    fn summary(&self) -> String {
        let ends = if self.told { "told to stop" } else { "dropped at stop" };
        format!("{}, {ends}", self.options)
    }

    fn run(self: Arc<Self>, conduct: Conduct) -> BoxFuture<'static, End> {
        Box::pin(supervise::run(self, conduct))
    }
}
