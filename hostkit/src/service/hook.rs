//! Hooks: functions that run to completion once, at a stage of the host's life.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tracing::Instrument;

use crate::component::{Context, Limits, RunFailure};
use crate::function::Call;
use crate::runner::{Bind, Conduct, End, Runner, ServiceState, Setup, bind, until_abandoned};
use crate::time::show_duration;

/// Reads a hook's options.
pub(crate) fn set_up<H: Call>(setup: Setup<'_>) -> Arc<dyn Runner> {
    let Setup { mut settings, problems, .. } = setup;
    let timeout = settings.period("timeout");
    problems.extend(settings.finish(&[]));
    Arc::new(Hook { timeout, bind: bind::<H> })
}

struct Hook {
    timeout: Option<Duration>,
    bind: Bind,
}

impl Runner for Hook {
    fn keeps_host_alive(&self) -> bool {
        false
    }

    fn summary(&self) -> String {
        match self.timeout {
            Some(limit) => format!("at most {}", show_duration(limit)),
            None => String::new(),
        }
    }

    fn run(self: Arc<Self>, conduct: Conduct) -> BoxFuture<'static, End> {
        Box::pin(self.complete(conduct))
    }

    fn trigger(self: Arc<Self>, conduct: Conduct) -> Option<BoxFuture<'static, Result<(), RunFailure>>> {
        Some(Box::pin(async move {
            match self.complete(conduct).await {
                End::Done | End::StopHost => Ok(()),
                End::Failed(failure) => Err(failure),
                End::Abandoned | End::Heard => Err(RunFailure::Dropped),
            }
        }))
    }
}

impl Hook {
    /// A hook that was begun may finish within the stop deadline, whether it takes the token or not: half a migration
    /// is worse than a late stop.
    async fn complete(self: Arc<Self>, conduct: Conduct) -> End {
        conduct.status.set(ServiceState::Starting);
        let callee = match conduct.arm(self.bind).await {
            Ok(callee) => callee,
            Err(end) => return end,
        };
        conduct.is_now(ServiceState::Running);
        let token = conduct.plan.wants_token.then(|| conduct.stop.child_token());
        let span = tracing::info_span!(target: "hostkit::service", "hook", hook = conduct.name);
        let limits = Limits { of: conduct.name, timeout: self.timeout, drop_on: Some(&conduct.abandon) };
        let call = callee.call(Context { token, values: None }, &|| None, limits).instrument(span);
        match until_abandoned(&conduct.abandon, call).await {
            Ok(()) => {
                conduct.status.set(ServiceState::Completed);
                End::Done
            }
            Err(RunFailure::Dropped) => {
                conduct.status.set(ServiceState::Stopped);
                End::Abandoned
            }
            Err(failure) => {
                tracing::error!(target: "hostkit::service", hook = conduct.name, error = %failure, "hook failed");
                conduct.status.set(ServiceState::Failed { error: failure.to_string() });
                End::Failed(failure)
            }
        }
    }
}
