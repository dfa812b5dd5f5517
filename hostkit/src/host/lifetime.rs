//! What a service may ask of the host that runs it.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Health;
use super::watched::Watched;
use crate::component::fitting;
use crate::tasks::share_woken;
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
    /// What is known of the host's health, once it runs.
    watched: OnceLock<Weak<Watched>>,
}

impl HostLifetime {
    pub(crate) fn new(environment: &str) -> Self {
        let life = Life {
            environment: environment.to_owned(),
            started: CancellationToken::new(),
            stopping: CancellationToken::new(),
            asked: OnceLock::new(),
            watched: OnceLock::new(),
        };
        Self(Arc::new(life))
    }

    /// Asks the host to stop, as a signal would. Returns at once; asking twice is asking once.
    pub fn request_stop(&self) {
        // Setting fails for whoever asks again.
        let _ = self.0.asked.set(now());
        if !self.0.stopping.is_cancelled() {
            self.0.stopping.cancel();
            self.announce();
            // Whoever asks may block its thread next.
            share_woken();
        }
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
        self.announce();
    }

    /// Says so to whoever is told from outside: a host that is done at once was ready all the same.
    fn announce(&self) {
        if let Some(watched) = self.0.watched.get().and_then(Weak::upgrade) {
            watched.announce();
        }
    }

    /// Fires when the host begins to stop, before any service is told.
    ///
    /// It is meant for looking and waiting; to stop the host, call [`request_stop`](Self::request_stop).
    pub fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    /// Whether the host makes progress; see [`Health`]. One that has not started, or is gone, is healthy.
    pub fn health(&self) -> Health {
        self.0.watched.get().and_then(Weak::upgrade).map(|watched| watched.health()).unwrap_or_default()
    }

    pub(super) fn watched_by(&self, watched: &Arc<Watched>) {
        // It is said once.
        let _ = self.0.watched.set(Arc::downgrade(watched));
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
