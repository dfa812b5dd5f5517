//! Assertions that show what there was.

use std::fmt::{Debug, Display, Write};

use super::{EventKind, RunEnd, TestHost};
use crate::function::{Handle, Queued};

/// As many lines of what there was are shown.
const SHOWN: usize = 20;

/// Assertions.
impl TestHost {
    /// Asserts how often a function has run, runs under way included.
    ///
    /// # Panics
    /// With the runs that there were; and when the host does not have the function.
    #[track_caller]
    pub fn assert_runs<F: Handle>(&self, times: usize) {
        let (name, runs) = (self.name_of::<F>(), self.runs::<F>());
        let ran = runs.len();
        assert!(
            ran == times,
            "`{name}` should have run {}, and it ran {}{}",
            count(times),
            count(ran),
            list("", &runs)
        );
    }

    /// Asserts that no run of a function that has ended failed.
    ///
    /// # Panics
    /// With the failures that there were; and when the host does not have the function.
    #[track_caller]
    pub fn assert_succeeded<F: Handle>(&self) {
        let name = self.name_of::<F>();
        let failed: Vec<_> = self.runs::<F>().into_iter().filter(|run| run.error().is_some()).collect();
        assert!(failed.is_empty(), "no run of `{name}` should have failed{}", list("; these did", &failed));
    }

    /// Asserts that no run of anything has failed.
    ///
    /// # Panics
    /// With the failures that there were.
    #[track_caller]
    pub fn assert_no_failures(&self) {
        let failed = |kind: &EventKind| matches!(kind, EventKind::RunEnded { end: RunEnd::Failed(_), .. });
        let failures: Vec<_> = self.events().into_iter().filter(|event| failed(&event.kind)).collect();
        assert!(failures.is_empty(), "no run should have failed{}", list("; these did", &failures));
    }

    /// Asserts that exactly these payloads were put into the queue of a function, in this order, whether they wait or were
    /// worked off.
    ///
    /// # Panics
    /// With what there was; and when the host does not have the function.
    #[track_caller]
    pub fn assert_enqueued<F>(&self, expected: &[F::Payload])
    where
        F: Queued<Payload: Clone + PartialEq + Debug>,
    {
        let (name, enqueued) = (self.name_of::<F>(), self.enqueued::<F>());
        assert!(
            enqueued == expected,
            "these should have been enqueued for `{name}`: {expected:?}\n  and these were: {enqueued:?}"
        );
    }
}

fn count(times: usize) -> String {
    match times {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        times => format!("{times} times"),
    }
}

/// The lines, or so many of them.
fn list(headline: &str, lines: &[impl Display]) -> String {
    let mut text = headline.to_owned();
    if !lines.is_empty() {
        text.push(':');
    }
    for line in lines.iter().take(SHOWN) {
        // Writing to a text cannot fail.
        let _ = write!(text, "\n  {line}");
    }
    if lines.len() > SHOWN {
        let _ = write!(text, "\n  and {} more", lines.len() - SHOWN);
    }
    text
}
