//! Running: start, wait for a signal or a failure, stop.

use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;

use super::error::{Fate, Report, Stuck};
use super::running::{Running, ServiceStatus};
use super::signals::{Signal, Signals};
use super::start::start;
use super::{Host, RunError};
use crate::runner::ServiceState;
use crate::tasks::joined;
use crate::time::now;

impl Host {
    /// Starts everything, waits for a signal, a request or a failure, and stops everything.
    ///
    /// SIGINT, SIGTERM and SIGQUIT stop the host (on Windows Ctrl-C, Ctrl-Break and shutdown). A second one ends the wait
    /// at once: [`RunError::is_forced`]. The stop is bounded by `stop_timeout` \[25 s\].
    ///
    /// # Errors
    /// Fails when the start failed, a service failed for good, something did not end by its deadline or was not disposed
    /// well. The first failure carries the others.
    ///
    /// # Cancel safety
    /// Cancelling asks the host to stop, and does not wait for it.
    pub async fn run(self) -> Result<(), RunError> {
        let running = Running::of(self);
        let starting = Arc::clone(&running);
        let life = async move {
            let mut host = start(starting).await?;
            host.wait().await
        };
        until_forced(&running, life).await
    }
}

/// Waits for the life of a host, which the first signal asks to end and the second one cuts off.
///
/// The life is a task of its own, so that signals are heard while code of the user's blocks its thread.
pub(super) async fn until_forced(
    running: &Running,
    life: impl Future<Output = Result<(), RunError>> + Send + 'static,
) -> Result<(), RunError> {
    let mut signals = Signals::install().map_err(|error| RunError::signals(&error))?;
    let mut first = None;
    let mut life = AbortOnDropHandle::new(running.tasks.spawn("host", life));
    loop {
        // Nothing is lost by either arm: a signal stays pending, and the life of the host goes on.
        tokio::select! {
            biased;
            result = &mut life => return joined(result).await,
            signal = signals.next() => match first.replace(signal) {
                None => running.asked_to_stop(signal),
                Some(_) => return Err(running.forced(signal)),
            },
        }
    }
}

impl Running {
    fn asked_to_stop(&self, signal: Signal) {
        tracing::info!(target: "hostkit::host", signal = signal.name, "signal received");
        self.lifetime.request_stop();
    }

    /// Everybody who was still running when a second signal came.
    fn forced(&self, signal: Signal) -> RunError {
        let is_over = |service: &ServiceStatus| match (&service.state, &service.queue) {
            (ServiceState::Stopped | ServiceState::Completed | ServiceState::Failed { .. }, _) => true,
            // A queue that only waits for its turn to close keeps nobody.
            (_, Some(counts)) => counts.waiting + counts.running == 0,
            _ => false,
        };
        let began = self.lifetime.stop_began();
        let status = self.status();
        let leftovers = status
            .iter()
            .filter(|service| !is_over(service))
            .filter_map(|service| Some((service.name, service.queue?)))
            .map(|(name, counts)| format!("`{name}`: {} waiting and {} under way", counts.waiting, counts.running))
            .collect();
        let stuck = status
            .into_iter()
            .filter(|service| !is_over(service))
            .map(|service| Stuck {
                name: service.name.to_owned(),
                phase: if service.state == ServiceState::Stopping { "stopping" } else { "running" },
                hung: now() - began.max(service.since),
                fate: Fate::LeftBehind,
            })
            .collect();
        tracing::error!(target: "hostkit::host", signal = signal.name, "second signal; what is left of the stop is skipped");
        let report = Report { stuck, leftovers, forced: Some(signal.number), ..Report::default() };
        RunError { report: Box::new(report), during_start: None }
    }
}
