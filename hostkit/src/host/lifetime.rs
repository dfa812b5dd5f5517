//! What a service may ask of the host that runs it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::component::fitting;
use crate::time::now;

/// The life of the host, as a service sees it. Cloning it clones a reference.
#[derive(Clone)]
pub struct HostLifetime(Arc<Life>);

struct Life {
    environment: String,
    started: CancellationToken,
    stopping: CancellationToken,
    /// When a stop was first asked for: its deadline counts from there.
    asked: OnceLock<Instant>,
}

impl HostLifetime {
    pub(crate) fn new(environment: &str) -> Self {
        let life = Life {
            environment: environment.to_owned(),
            started: CancellationToken::new(),
            stopping: CancellationToken::new(),
            asked: OnceLock::new(),
        };
        Self(Arc::new(life))
    }

    /// Asks the host to stop, as a signal would. Returns at once; asking twice is asking once.
    pub fn request_stop(&self) {
        // Setting fails for whoever asks again.
        let _ = self.0.asked.set(now());
        self.0.stopping.cancel();
        super::watch::poke();
    }

    /// Fires when every service is ready.
    pub fn started(&self) -> &CancellationToken {
        &self.0.started
    }

    /// When the stop began, as far as anybody has asked for it.
    pub(super) fn stop_began(&self) -> Instant {
        self.0.asked.get().copied().unwrap_or_else(now)
    }

    /// When a stop was first asked for.
    pub(super) fn stop_asked(&self) -> Option<Instant> {
        self.0.asked.get().copied()
    }

    pub(super) fn started_now(&self) {
        self.0.started.cancel();
    }

    /// Fires when the host begins to stop, before any service is told.
    ///
    /// It is meant for looking and waiting; to stop the host, call [`request_stop`](Self::request_stop).
    pub fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    /// The name of the environment, `production` unless set.
    pub fn environment(&self) -> &str {
        &self.0.environment
    }
}

impl fmt::Debug for HostLifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostLifetime")
            .field("environment", &self.0.environment)
            .field("started", &self.0.started.is_cancelled())
            .field("stopping", &self.0.stopping.is_cancelled())
            .finish()
    }
}

fitting!([] HostLifetime, || "`HostLifetime`".to_owned());
