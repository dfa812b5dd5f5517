//! What a periodic function's attribute and its section of the configuration say.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::cron::Cron;
use crate::config::Settings;
use crate::error::Problem;
use crate::registry::ServiceEntry;
use crate::runner::Upcoming;
use crate::time::{Reading, show_duration};

/// The period of a function whose schedule is faulty: its host is never started.
const PLACEHOLDER: Schedule = Schedule::Every(Duration::from_hours(1));

/// When a function is due.
#[derive(Debug, Clone)]
pub(super) enum Schedule {
    Every(Duration),
    #[cfg_attr(not(feature = "cron"), allow(dead_code, reason = "there is none"))]
    Cron(Arc<Cron>),
}

/// What becomes of an instant at which no run could begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missed {
    Once,
    Skip,
    All,
}

/// Whether a run begins beside the former.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlap {
    Forbid,
    Allow,
    CancelPrevious,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    Continue,
    StopHost,
}

#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) schedule: Schedule,
    pub(super) run_at_start: bool,
    pub(super) jitter: Option<Duration>,
    pub(super) missed: Missed,
    pub(super) overlap: Overlap,
    pub(super) timeout: Option<Duration>,
    pub(super) on_failure: OnFailure,
    pub(super) stop_timeout: Option<Duration>,
}

impl Options {
    pub(super) fn read(settings: &mut Settings, entry: &ServiceEntry, problems: &mut Vec<Problem>) -> Self {
        Self {
            schedule: schedule(settings, entry, problems).unwrap_or(PLACEHOLDER),
            run_at_start: settings.flag("run_at_start").unwrap_or(false),
            jitter: settings.duration("jitter"),
            missed: settings
                .choice("missed", &[("once", Missed::Once), ("skip", Missed::Skip), ("all", Missed::All)])
                .unwrap_or(Missed::Once),
            overlap: settings.choice("overlap", OVERLAPS).unwrap_or(Overlap::Forbid),
            timeout: settings.limit("timeout", None),
            on_failure: settings
                .choice("on_failure", &[("continue", OnFailure::Continue), ("stop-host", OnFailure::StopHost)])
                .unwrap_or(OnFailure::Continue),
            stop_timeout: settings.duration("stop_timeout"),
        }
    }
}

/// As many of the next times are shown.
const SHOWN: usize = 3;

impl Options {
    /// The next times at which a host that starts now is due to run it, `jitter` left out.
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "the command line shows it"))]
    pub(super) fn upcoming(&self, at: &Reading) -> Vec<Upcoming> {
        let at_start = self.run_at_start.then(|| Upcoming { text: "at the start".to_owned(), time: None });
        let mut upcoming: Vec<_> = at_start.into_iter().collect();
        match &self.schedule {
            Schedule::Every(every) => upcoming.extend((1..).take(SHOWN).map(|number| {
                let text = format!("{} after the start", show_duration(every.saturating_mul(number)));
                Upcoming { text, time: None }
            })),
            Schedule::Cron(cron) => {
                let times = std::iter::successors(cron.after(at.wall), |last| cron.after(*last));
                upcoming.extend(times.take(SHOWN).map(|time| cron.show(time, at.wall)));
            }
        }
        upcoming.truncate(SHOWN);
        upcoming
    }
}

const OVERLAPS: &[(&str, Overlap)] =
    &[("forbid", Overlap::Forbid), ("allow", Overlap::Allow), ("cancel-previous", Overlap::CancelPrevious)];

/// Whichever of `every` and `cron` was set last. None if it is faulty, or there is none.
fn schedule(settings: &mut Settings, entry: &ServiceEntry, problems: &mut Vec<Problem>) -> Option<Schedule> {
    let schedule = match settings.one_of(&["every", "cron"]) {
        Some("every") => settings.period("every").map(Schedule::Every),
        Some(_) => by_cron(settings),
        None => {
            problems.push(no_schedule(entry));
            None
        }
    };
    // The zone of a schedule that was replaced by `every` is of no use, and no fault: who configures the period need not
    // know of it.
    settings.text("tz");
    schedule
}

#[cfg(feature = "cron")]
fn by_cron(settings: &mut Settings) -> Option<Schedule> {
    let zone = match settings.text("tz") {
        None => Some(jiff::tz::TimeZone::UTC),
        Some(name) => match super::cron::zone(&name) {
            Ok(zone) => Some(zone),
            Err(help) => {
                settings.refuse("tz", "is not a time zone", help);
                None
            }
        },
    };
    let text = settings.text("cron")?;
    match hostkit_cron::Expression::parse(&text) {
        Ok(expression) => Some(Schedule::Cron(Arc::new(Cron::new(&text, expression, zone?)))),
        Err(reason) => {
            settings.refuse("cron", "is not a cron expression", reason.to_string());
            None
        }
    }
}

#[cfg(not(feature = "cron"))]
fn by_cron(settings: &mut Settings) -> Option<Schedule> {
    settings.refuse(
        "cron",
        "needs hostkit's feature `cron`",
        "write `features = [\"cron\"]` beside hostkit in Cargo.toml, or use `every`",
    );
    None
}

fn no_schedule(entry: &ServiceEntry) -> Problem {
    Problem::new(format!("periodic `{}` has no schedule", entry.name))
        .at(format!("declared at {}", entry.source))
        .help("say how often it runs, as in `every = \"1h\"` or `cron = \"0 3 * * *\"`")
}

impl Schedule {
    /// When it is due, as one would say it.
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "the command line shows it"))]
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Every(every) => format!("every {} from the start on", show_duration(*every)),
            Self::Cron(cron) => cron.in_words(),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(every) => write!(f, "every {}", show_duration(*every)),
            Self::Cron(cron) => cron.fmt(f),
        }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.schedule.fmt(f)?;
        if self.run_at_start {
            f.write_str(" and at start")?;
        }
        if let Some(jitter) = self.jitter.filter(|jitter| !jitter.is_zero()) {
            write!(f, ", up to {} later", show_duration(jitter))?;
        }
        match self.missed {
            Missed::Once => {}
            Missed::Skip => f.write_str(", missed runs are skipped")?,
            Missed::All => f.write_str(", missed runs are made up for")?,
        }
        match self.overlap {
            Overlap::Forbid => {}
            Overlap::Allow => f.write_str(", runs may overlap")?,
            Overlap::CancelPrevious => f.write_str(", a run cancels the former")?,
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
