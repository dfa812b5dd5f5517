//! Running: start, wait for a signal or a failure, stop.

use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;

use super::error::{Fate, Report, Stuck};
use super::running::{Running, ServiceStatus};
use super::signals::Signal;
use super::start::start;
use super::watch::listen;
use super::watched::Heard;
use super::{Host, RunError};
use crate::runner::ServiceState;
use crate::tasks::joined;
use crate::time::now;

impl Host {
    /// Starts everything, waits for a signal, a request or a failure, and stops everything.
    ///
    /// SIGINT, SIGTERM and SIGQUIT stop the host (on Windows Ctrl-C, Ctrl-Break and shutdown). A second one ends the wait
    /// at once: [`RunError::is_forced`]. SIGHUP stops it if standard error was a terminal when it was run, and is ignored
    /// else; it never counts as the second. The stop is bounded by `stop_timeout` \[25 s\].
    ///
    /// Signals are heard by a thread of hostkit's own, even while services block every thread of the runtime. This future
    /// can only end when its runtime polls it, though; in the generated program the process then ends all the same. A
    /// process that has run a host goes on catching these signals: tokio never gives them back.
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
/// Signals are heard by a thread of ours, and the life is a task of its own, so that code of the user's may block a thread
/// without keeping a signal from being heard.
pub(super) async fn until_forced(
    running: &Running,
    life: impl Future<Output = Result<(), RunError>> + Send + 'static,
) -> Result<(), RunError> {
    let mut signals = listen(&running.watched).map_err(|error| RunError::signals(&error))?;
    running.watched.speak(running);
    let mut life = AbortOnDropHandle::new(running.tasks.spawn("host", life));
    loop {
        // Nothing is lost by either arm: a signal stays pending, and the life of the host goes on.
        tokio::select! {
            biased;
            heard = signals.next() => match heard {
                Heard::First(signal) => {
                    tracing::info!(target: "hostkit::host", signal = signal.name, "signal received");
                }
                Heard::Ignored(signal) => {
                    tracing::info!(target: "hostkit::host", signal = signal.name, "signal ignored");
                }
                // It came when all was over.
                Heard::Second(_) if life.is_finished() => {}
                Heard::Second(signal) => {
                    tracing::error!(
                        target: "hostkit::host", signal = signal.name,
                        "second signal; what is left of the stop is skipped"
                    );
                    return Err(running.forced(signal));
                }
            },
            result = &mut life => return joined(result).await,
        }
    }
}

impl Running {
    /// Everybody who was still running when a second signal came.
    pub(super) fn forced(&self, signal: Signal) -> RunError {
        self.left_behind(Some(signal.number))
    }

    /// Everybody who was still running when the deadline of the stop had passed and the runtime was blocked.
    pub(super) fn overdue(&self) -> RunError {
        self.left_behind(None)
    }

    fn left_behind(&self, forced: Option<i32>) -> RunError {
        let is_over = |service: &ServiceStatus| match (&service.state, &service.queue) {
            (
                ServiceState::Waiting | ServiceState::Stopped | ServiceState::Completed | ServiceState::Failed { .. },
                _,
            ) => true,
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
        // Past the deadline everybody has been told, or would have been if the runtime had come to it.
        let phase = |service: &ServiceStatus| match (&service.state, &service.queue) {
            (ServiceState::Stopping, _) => "stopping",
            _ if forced.is_some() => "running",
            (_, Some(_)) => "draining",
            _ => "stopping",
        };
        let mut stuck = self.holders();
        for service in status.iter().filter(|service| !is_over(service)) {
            let (name, hung) = (service.name.to_owned(), now() - began.max(service.since));
            if stuck.iter().all(|stuck| stuck.name != name) {
                stuck.push(Stuck { name, phase: phase(service), hung, fate: Fate::LeftBehind });
            }
        }
        let report = Report { stuck, leftovers, forced, ..Report::default() };
        RunError { report: Box::new(report), during_start: None }
    }

    /// Whoever holds a thread and is no service that the status would name.
    fn holders(&self) -> Vec<Stuck> {
        let stuck = |name: &str, phase, hung| Stuck { name: name.to_owned(), phase, hung, fate: Fate::LeftBehind };
        let mut holders = Vec::new();
        for (name, held) in self.watched.holders() {
            let is_hook = |name| self.hooks.iter().any(|hook| hook.service.name == name);
            holders.extend(match name {
                Some(name) if is_hook(name) => Some(stuck(name, "running its hook", held)),
                Some(_) => None,
                None => {
                    let built = self.container.being_built().map(|name| stuck(name, "being built", held));
                    built.or_else(|| self.container.being_disposed().map(|name| stuck(name, "being disposed", held)))
                }
            });
        }
        holders
    }
}
