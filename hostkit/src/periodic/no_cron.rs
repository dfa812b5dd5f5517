//! Without the feature `cron`: the schedule that nobody can have, so that the others need not know.

use std::fmt;
use std::time::SystemTime;

use crate::runner::Upcoming;

/// There is none.
#[derive(Debug, Clone)]
pub(super) enum Cron {}

impl Cron {
    pub(super) fn after(&self, _after: SystemTime) -> Option<SystemTime> {
        match *self {}
    }

    pub(super) fn in_words(&self) -> String {
        match *self {}
    }

    pub(super) fn show(&self, _time: SystemTime, _now: SystemTime) -> Upcoming {
        match *self {}
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}
