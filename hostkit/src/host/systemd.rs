//! Telling systemd how the program fares, over the socket that it names in `NOTIFY_SOCKET`.
//!
//! # Invariants
//!
//! 1. Sending never waits: what systemd cannot take now is sent again in the next round, in its order. The crates for this
//!    protocol use a socket that blocks, and the side thread must not.
//! 2. One host speaks for the process: the first that is run.
//! 3. Without a socket nothing is sent, and that is no error. A socket that nobody listens on is a warning and no more.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::HostLifetime;
use super::running::Running;
use crate::runner::{ServiceState, StatusCell};
use crate::time::real_now;

/// For how long the timeout of the stop is extended at a time, unless the stop is over sooner.
const EXTENSION: Duration = Duration::from_secs(10);
/// How often it is.
const EXTENDED_EVERY: Duration = Duration::from_secs(1);
/// So many names fit into a status that somebody reads.
const NAMES: usize = 5;
/// So many messages wait for a systemd that does not read.
const UNSENT: usize = 16;

/// Whether a host speaks for this process.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// A host's way to systemd.
pub(super) struct Systemd {
    socket: UnixDatagram,
    address: SocketAddr,
    /// How often systemd wants a sign of life; half of it is how often it gets one.
    watchdog: Option<Duration>,
    services: Vec<(&'static str, Arc<StatusCell>)>,
    said: Mutex<Said>,
}

/// What has been said, so that it is said once.
#[derive(Default)]
struct Said {
    ready: bool,
    stopping: bool,
    status: String,
    extended: Option<Instant>,
    alive: Option<Instant>,
    unsent: VecDeque<String>,
}

impl Systemd {
    /// The way that the environment names, if it does and no other host has taken it.
    pub(super) fn of_process(running: &Running) -> Option<Self> {
        let name = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty())?;
        if TAKEN.swap(true, Ordering::Relaxed) {
            return None;
        }
        match Self::connected(name.as_bytes(), running) {
            Ok(systemd) => Some(systemd),
            Err(error) => {
                TAKEN.store(false, Ordering::Relaxed);
                let socket = name.display();
                tracing::warn!(target: "hostkit::host", %socket, %error, "systemd cannot be told anything");
                None
            }
        }
    }

    fn connected(name: &[u8], running: &Running) -> io::Result<Self> {
        let address = match name {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name))?,
            _ => return Err(io::Error::new(io::ErrorKind::Unsupported, "it is neither a path nor an abstract name")),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.send_to_addr(b"STATUS=starting", &address)?;
        let services = running.services.iter();
        let services = services.map(|service| (service.plan.name, Arc::clone(&service.status))).collect();
        Ok(Self { socket, address, watchdog: watchdog(), services, said: Mutex::default() })
    }

    /// Says what has changed; `left` is what a stop still has of its time.
    pub(super) fn announce(&self, lifetime: &HostLifetime, left: Option<Duration>) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let mut message = String::new();
        let stopping = lifetime.stopping().is_cancelled();
        if !said.ready && lifetime.started().is_cancelled() {
            said.ready = true;
            message.push_str("READY=1\n");
        }
        if stopping {
            if !std::mem::replace(&mut said.stopping, true) {
                message.push_str("STOPPING=1\n");
            }
            let due = said.extended.is_none_or(|last| last.elapsed() >= EXTENDED_EVERY);
            if let Some(left) = left.filter(|left| due && !left.is_zero()) {
                said.extended = Some(real_now());
                let extension = (left + EXTENDED_EVERY).min(EXTENSION);
                // Writing to a string cannot fail.
                let _ = writeln!(message, "EXTEND_TIMEOUT_USEC={}", extension.as_micros());
            }
        }
        let status = self.status(said.ready, stopping);
        if status != said.status {
            let _ = writeln!(message, "STATUS={status}");
            said.status = status;
        }
        self.send(&mut said, message);
    }

    /// Says that the host is alive, if it is time to; says when it will be time again.
    pub(super) fn alive(&self) -> Option<Duration> {
        let every = self.watchdog? / 2;
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let left = said.alive.map(|last| every.saturating_sub(last.elapsed())).unwrap_or_default();
        if !left.is_zero() {
            return Some(left);
        }
        said.alive = Some(real_now());
        self.send(&mut said, "WATCHDOG=1\n".to_owned());
        Some(every)
    }

    /// What the host waits for.
    fn status(&self, ready: bool, stopping: bool) -> String {
        let named = |wanted: fn(&ServiceState) -> bool| {
            let services = self.services.iter().filter(|(_, status)| wanted(&status.state()));
            services.map(|(name, _)| *name).collect::<Vec<_>>()
        };
        let (phase, waits_for) = match (stopping, ready) {
            (true, _) => (
                "stopping",
                named(|state| {
                    !matches!(
                        state,
                        ServiceState::Waiting
                            | ServiceState::Stopped
                            | ServiceState::Completed
                            | ServiceState::Failed { .. }
                    )
                }),
            ),
            (false, false) => {
                ("starting", named(|state| matches!(state, ServiceState::Starting | ServiceState::Restarting { .. })))
            }
            (false, true) => return format!("running: {} services", self.services.len()),
        };
        match waits_for.len() {
            0 => phase.to_owned(),
            count if count <= NAMES => format!("{phase}: waiting for {}", waits_for.join(", ")),
            count => format!("{phase}: waiting for {} and {} more", waits_for[..NAMES].join(", "), count - NAMES),
        }
    }

    /// Sends what waits, then this (invariant 1).
    fn send(&self, said: &mut Said, message: String) {
        if !message.is_empty() && said.unsent.len() < UNSENT {
            said.unsent.push_back(message);
        }
        while let Some(message) = said.unsent.front() {
            match self.socket.send_to_addr(message.trim_end().as_bytes(), &self.address) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // Nobody listens any more, who did before.
                Ok(_) | Err(_) => drop(said.unsent.pop_front()),
            }
        }
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        TAKEN.store(false, Ordering::Relaxed);
    }
}

/// How often systemd wants a sign of life from this process.
fn watchdog() -> Option<Duration> {
    let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    let is_meant =
        std::env::var_os("WATCHDOG_PID").is_none() || number("WATCHDOG_PID")? == u64::from(std::process::id());
    let every = number("WATCHDOG_USEC").filter(|every| is_meant && *every > 0)?;
    Some(Duration::from_micros(every))
}
