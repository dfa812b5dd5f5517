//! The one door to standard output.

use std::io::{self, ErrorKind, Write as _};

use crate::program::Failure;

/// Prints the result of a command. A reader that has closed the pipe has what it wanted.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::other(format!("the result cannot be written to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
