//! The task that watches the services and stops them; and what happens if that task itself is lost.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::error::{Report, ServiceFailure};
use super::pulse::{Pulse, Pulsed};
use super::running::Running;
use super::stop::{Stopping, supervise};
use crate::component::RunFailure;
use crate::runner::Ended;

/// Spawns the supervisor of a host that has started, with the report of what went wrong before. What is returned
/// receives it when the host has stopped.
pub(super) fn spawn(
    running: &Arc<Running>,
    events: mpsc::UnboundedReceiver<Ended>,
    report: Report,
) -> oneshot::Receiver<Report> {
    let (outcome, reported) = oneshot::channel();
    let pulse = Pulse::new("supervisor");
    running.watched.add(Arc::clone(&pulse));
    let mut post = Post { running: Arc::clone(running), outcome: Some(outcome) };
    let supervised = Arc::clone(running);
    let task = running.tasks.spawn_side(
        "supervisor",
        Pulsed::new(pulse, async move {
            let report = supervise(supervised, events, report).await;
            if let Some(outcome) = post.outcome.take() {
                // Nobody may be waiting for the report.
                drop(outcome.send(report));
            }
        }),
    );
    running.watched.supervised_by(task);
    reported
}

/// Stops the host, as failed, when its supervisor is gone before its time: what nobody watches shall not go on.
struct Post {
    running: Arc<Running>,
    outcome: Option<oneshot::Sender<Report>>,
}

impl Drop for Post {
    fn drop(&mut self) {
        let Some(outcome) = self.outcome.take() else { return };
        let running = Arc::clone(&self.running);
        running.lifetime.request_stop();
        if tokio::runtime::Handle::try_current().is_err() {
            running.services.iter().for_each(|service| service.stop.cancel());
            return;
        }
        let tasks = running.tasks.clone();
        // While the runtime shuts down this never runs, and says nothing either.
        tasks.spawn_side("stop without a supervisor", async move {
            tracing::error!(target: "hostkit::host", "the supervisor had ended; the host stops");
            // The services' ends were for the one who is gone to hear.
            let (_ended, mut events) = mpsc::unbounded_channel();
            let name = "hostkit's supervisor".to_owned();
            let mut report = Report::default();
            report.failures.push(ServiceFailure { name, failure: RunFailure::Dropped });
            Stopping::after_failure(&running).run(&mut events, &mut report).await;
            drop(outcome.send(report));
        });
    }
}
