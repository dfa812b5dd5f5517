//! Ending the process when its runtime cannot: after a second signal, and after the deadline of the stop.
//!
//! Only the generated `main` owns its process; nobody else's is ended.
//!
//! # Invariants
//!
//! 1. Whoever claims the end says what is to be said, and nobody else does.
//! 2. Once the end is near the process ends within about a second, whatever blocks: the runtime, the user's code, or
//!    whoever should read standard error.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Weak, mpsc};
use std::time::Duration;

use super::running::Running;
use super::signals::Signal;
use crate::program::say;
use crate::tasks::thread;

/// How long the program has to come to its end by itself.
const GRACE: Duration = Duration::from_millis(100);
/// How long the report may take to be written.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whether somebody has begun to end the process.
static CLAIMED: AtomicBool = AtomicBool::new(false);

/// Claims the end of the process for the generated `main`, which has come to its own.
///
/// It does not return if somebody else was faster: the process ends in a moment then.
pub(crate) fn claim_end() {
    while CLAIMED.swap(true, Ordering::AcqRel) {
        std::thread::park();
    }
}

/// Why the process is ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reason {
    /// A second signal.
    Signal(Signal),
    /// The deadline of the stop has passed, and nobody came to say so.
    Overdue,
}

impl Reason {
    fn exit_code(self) -> u8 {
        match self {
            Self::Signal(signal) => signal.exit_code(),
            Self::Overdue => 1,
        }
    }
}

/// Ends the process unless it ends by itself at once.
pub(super) fn end_process(running: Weak<Running>, reason: Reason) {
    let code = i32::from(reason.exit_code());
    let end = move || {
        std::thread::sleep(GRACE);
        if CLAIMED.swap(true, Ordering::AcqRel) {
            std::thread::sleep(PATIENCE);
        } else {
            report(running, reason);
        }
        std::process::exit(code);
    };
    if thread("hostkit-exit", end).is_err() {
        std::process::exit(code);
    }
}

/// Says who was still running, on a thread of its own: nobody may be reading.
fn report(running: Weak<Running>, reason: Reason) {
    let (done, waited_for) = mpsc::channel();
    let report = move || {
        if let Some(running) = running.upgrade() {
            let error = match reason {
                Reason::Signal(signal) => running.forced(signal),
                Reason::Overdue => running.overdue(),
            };
            say(&error.to_string());
        }
        // Whoever has waited for long enough is gone.
        let _ = done.send(());
    };
    if thread("hostkit-report", report).is_ok() {
        // Either is the end.
        let _ = waited_for.recv_timeout(PATIENCE);
    }
}
