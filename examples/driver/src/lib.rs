//! Drives the examples from outside, for their tests: as child processes, over HTTP and through
//! their databases, with a deadline for everything.

mod directory;
mod http;
mod program;
mod sqlite;

pub use directory::Directory;
pub use http::{Response, UnderWay, listens, request};
pub use program::{Ended, Program};
pub use sqlite::Sqlite;

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a test waits for anything. A slow machine is no failure; a program that hangs is.
const PATIENCE: Duration = Duration::from_mins(2);

/// Probes until there is an answer.
///
/// # Panics
/// Panics when there is none in time.
pub fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = probe() {
            return answer;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        sleep(Duration::from_millis(20));
    }
}
