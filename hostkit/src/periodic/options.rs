//! What a periodic function's attribute and its section of the configuration say.

use std::fmt;
use std::time::Duration;

use crate::config::Settings;
use crate::error::Problem;
use crate::registry::ServiceEntry;
use crate::time::show_duration;

/// The period of a function whose schedule is faulty: its host is never started.
const PLACEHOLDER: Duration = Duration::from_hours(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    Continue,
    StopHost,
}

#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) every: Duration,
    pub(super) run_at_start: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) on_failure: OnFailure,
    pub(super) stop_timeout: Option<Duration>,
}

impl Options {
    pub(super) fn read(settings: &mut Settings, entry: &ServiceEntry, problems: &mut Vec<Problem>) -> Self {
        let schedule = settings.one_of(&["every", "cron"]);
        let every = settings.period("every");
        match schedule {
            None => problems.push(no_schedule(entry)),
            Some("cron") => settings.refuse("cron", "is not built yet", "use `every` for now"),
            Some(_) => {}
        }
        refuse_unbuilt(settings);
        Self {
            every: every.unwrap_or(PLACEHOLDER),
            run_at_start: settings.flag("run_at_start").unwrap_or(false),
            timeout: settings.period("timeout"),
            on_failure: settings
                .choice("on_failure", &[("continue", OnFailure::Continue), ("stop-host", OnFailure::StopHost)])
                .unwrap_or(OnFailure::Continue),
            stop_timeout: settings.duration("stop_timeout"),
        }
    }
}

fn no_schedule(entry: &ServiceEntry) -> Problem {
    Problem::new(format!("periodic `{}` has no schedule", entry.name))
        .at(format!("declared at {}", entry.source))
        .help("say how often it runs, as in `every = \"1h\"`")
}

/// Options and values that are part of the contract and come later; none of them is ignored.
fn refuse_unbuilt(settings: &mut Settings) {
    const NOT_BUILT: &str = "is not built yet";
    for key in ["tz", "jitter"] {
        if settings.text(key).is_some() {
            settings.refuse(key, NOT_BUILT, format!("remove `{key}`"));
        }
    }
    if settings.choice("missed", &[("once", true), ("skip", false), ("all", false)]) == Some(false) {
        settings.refuse("missed", NOT_BUILT, "use \"once\", the default");
    }
    if settings.choice("overlap", &[("forbid", true), ("allow", false), ("cancel-previous", false)]) == Some(false) {
        settings.refuse("overlap", NOT_BUILT, "use \"forbid\", the default");
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "every {}", show_duration(self.every))?;
        if self.run_at_start {
            f.write_str(" and at start")?;
        }
        if let Some(limit) = self.timeout {
            write!(f, ", at most {}", show_duration(limit))?;
        }
        if self.on_failure == OnFailure::StopHost {
            f.write_str(", a failure stops the host")?;
        }
        Ok(())
    }
}
