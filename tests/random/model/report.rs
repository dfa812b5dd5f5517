//! The report of a host, read back from its text.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(super) struct Report {
    /// What it begins with: a service, a hook or a singleton.
    pub(super) first: Option<String>,
    first_failed: bool,
    pub(super) not_ready: Option<String>,
    also: BTreeSet<String>,
    pub(super) stuck: BTreeSet<String>,
    /// Singletons whose end failed.
    pub(super) closing: BTreeSet<String>,
    /// How many items of a queue were not done.
    pub(super) leftovers: BTreeMap<String, usize>,
    /// Lines of no known form.
    pub(super) strange: Vec<String>,
}

/// The first name between backticks.
fn name(text: &str) -> Option<String> {
    text.split('`').nth(1).map(ToOwned::to_owned)
}

impl Report {
    pub(super) fn read(text: &str) -> Self {
        let mut report = Self::default();
        let mut lines = text.lines();
        let Some(first) = lines.next() else { return report };
        let cause = first.strip_prefix("the host did not start: ").unwrap_or(first);
        if cause != "the host did not stop cleanly" {
            report.first = name(cause);
            let is_known =
                cause.starts_with("service `") || cause.starts_with("hook `") || cause.starts_with("cannot build `");
            if cause.contains("was not ready within") {
                report.not_ready = name(cause);
            } else if !is_known {
                report.strange.push(first.to_owned());
            } else {
                report.first_failed = !cause.starts_with("cannot build `");
            }
        }
        for line in lines {
            let of = name(line).unwrap_or_default();
            if line.starts_with("  also: `") {
                report.also.insert(of);
            } else if line.contains(" was still ") {
                report.stuck.insert(of);
            } else if line.starts_with("  disposing `") || line.contains(" could not be disposed") {
                report.closing.insert(of);
            } else if line.starts_with("  `") && (line.contains("left waiting") || line.contains("interrupted")) {
                let numbers =
                    line.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(|word| word.parse::<usize>().ok());
                report.leftovers.insert(of, numbers.sum());
            } else {
                report.strange.push(line.to_owned());
            }
        }
        report
    }

    /// Every service and hook that failed.
    pub(super) fn failed(&self) -> BTreeSet<&str> {
        let first = self.first.as_deref().filter(|_| self.first_failed);
        self.also.iter().map(String::as_str).chain(first).collect()
    }
}
