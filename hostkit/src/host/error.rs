//! Why a host cannot be built, did not start, or did not end well.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::component::{CloseFault, InjectError, RunFailure};
use crate::error::{Problem, WithCauses};

/// Every fault that was found while a host was built.
///
/// Its `Display` is the report: a headline and then one numbered paragraph per fault, with places and help.
pub struct BuildError {
    problems: Vec<Problem>,
}

impl BuildError {
    pub(crate) fn new(mut problems: Vec<Problem>) -> Self {
        let mut seen = Vec::new();
        problems.retain(|problem| {
            let new = !seen.contains(problem);
            seen.push(problem.clone());
            new
        });
        Self { problems }
    }

    /// One line per fault.
    pub fn problems(&self) -> impl Iterator<Item = &str> {
        self.problems.iter().map(|problem| problem.message.as_str())
    }

    /// The code a program should exit with: 78, configuration or wiring error.
    #[allow(clippy::unused_self, reason = "the same shape as the other errors of a host")]
    pub fn exit_code(&self) -> u8 {
        78
    }
}

/// The same as for people: `unwrap` and a `main` that returns the error print it.
macro_rules! debug_is_display {
    ($($error:ty),*) => {$(
        impl fmt::Debug for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

debug_is_display!(BuildError, StartError, RunError, super::TriggerError);

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => writeln!(f, "this host cannot start: 1 problem")?,
            count => writeln!(f, "this host cannot start: {count} problems")?,
        }
        for (index, problem) in self.problems.iter().enumerate() {
            let Problem { message, details, help } = problem;
            write!(f, "\n{:2}. {message}", index + 1)?;
            for detail in details {
                write!(f, "\n      {detail}")?;
            }
            if let Some(help) = help {
                write!(f, "\n      help: {help}")?;
            }
        }
        Ok(())
    }
}

impl Error for BuildError {}

/// One service that failed, in words.
#[derive(Debug)]
pub(crate) struct ServiceFailure {
    pub(crate) name: String,
    pub(crate) failure: RunFailure,
}

impl fmt::Display for ServiceFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            RunFailure::Returned(_) => write!(f, "`{}` failed: {}", self.name, self.failure),
            RunFailure::Inject(_) => write!(f, "`{}` could not start: {}", self.name, self.failure),
            _ => write!(f, "`{}` {}", self.name, self.failure),
        }
    }
}

impl ServiceFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.failure {
            RunFailure::Returned(error) => error.source(),
            RunFailure::Inject(error) => error.source(),
            _ => None,
        }
    }
}

/// A service that did not end by its deadline.
#[derive(Debug, Clone)]
pub(crate) struct Stuck {
    pub(crate) name: String,
    /// What it was doing: "stopping", "draining", "running its hook", "being built".
    pub(crate) phase: &'static str,
    pub(crate) hung: Duration,
    pub(crate) fate: Fate,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its future was dropped, and that ended it.
    Dropped,
    /// Even dropping its future did not end it.
    Blocks,
    /// Nobody had the time to do anything about it.
    LeftBehind,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hung = crate::time::show_rounded(self.hung);
        write!(f, "`{}` was still {} after {hung}", self.name, self.phase)?;
        match self.fate {
            Fate::Dropped => f.write_str(" and was dropped"),
            Fate::Blocks => f.write_str(" and blocks its thread"),
            Fate::LeftBehind => Ok(()),
        }
    }
}

/// Everything that went wrong between the start and the end of a host; empty if nothing did.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) failures: Vec<ServiceFailure>,
    pub(crate) stuck: Vec<Stuck>,
    pub(crate) closing: Vec<CloseFault>,
    pub(crate) leftovers: Vec<String>,
    /// The number of the signal that cut the stop short.
    pub(crate) forced: Option<i32>,
}

impl Report {
    fn is_clean(&self) -> bool {
        self.failures.is_empty() && self.stuck.is_empty() && self.closing.is_empty() && self.forced.is_none()
    }

    pub(crate) fn into_result(self) -> Result<(), RunError> {
        if self.is_clean() { Ok(()) } else { Err(RunError { report: Box::new(self), during_start: None }) }
    }

    fn fmt_others(&self, f: &mut fmt::Formatter<'_>, skip: usize) -> fmt::Result {
        for failure in self.failures.iter().skip(skip) {
            write!(f, "\n  also: {failure}")?;
        }
        for stuck in &self.stuck {
            write!(f, "\n  {stuck}")?;
        }
        for fault in &self.closing {
            write!(f, "\n  {fault}")?;
        }
        for left in &self.leftovers {
            write!(f, "\n  {left}")?;
        }
        Ok(())
    }
}

/// Why a host did not start. What had started was stopped again, in reverse.
pub struct StartError {
    pub(crate) cause: StartCause,
    pub(crate) report: Box<Report>,
}

#[derive(Debug)]
pub(crate) enum StartCause {
    /// A singleton that something reaches could not be built.
    Inject(InjectError),
    /// An `on_start` or `on_started` hook failed.
    Hook(ServiceFailure),
    /// A service failed before it was ready.
    Service(ServiceFailure),
    /// The store of durable jobs could not be opened.
    #[cfg(feature = "durable")]
    Store(crate::store::OpenError),
    /// A service was not ready in time.
    NotReady { name: String, limit: Duration },
}

impl StartError {
    /// The code a program should exit with: 75 where a constructor, a hook or the store failed or something timed out, 78
    /// where only another configuration of the store can help, 1 where a service itself failed.
    pub fn exit_code(&self) -> u8 {
        match &self.cause {
            StartCause::Service(failure) if !matches!(failure.failure, RunFailure::Inject(_)) => 1,
            #[cfg(feature = "durable")]
            StartCause::Store(error) if error.is_configuration() => 78,
            _ => 75,
        }
    }

    /// Whether something did not finish or was not ready in time.
    pub fn is_timeout(&self) -> bool {
        match &self.cause {
            StartCause::NotReady { .. } => true,
            StartCause::Inject(error) => error.is_timeout(),
            #[cfg(feature = "durable")]
            StartCause::Store(_) => false,
            StartCause::Hook(failure) | StartCause::Service(failure) => match &failure.failure {
                RunFailure::TimedOut(_) => true,
                RunFailure::Inject(error) => error.is_timeout(),
                _ => false,
            },
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host did not start: ")?;
        match &self.cause {
            StartCause::Inject(error) => WithCauses(error).fmt(f)?,
            StartCause::Hook(failure) => write!(f, "hook {failure}")?,
            StartCause::Service(failure) => write!(f, "service {failure}")?,
            #[cfg(feature = "durable")]
            StartCause::Store(error) => write!(f, "its store cannot be opened: {}", WithCauses(error))?,
            StartCause::NotReady { name, limit } => {
                write!(f, "service `{name}` was not ready within {}", crate::time::show_duration(*limit))?;
            }
        }
        self.report.fmt_others(f, 0)
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            StartCause::Inject(error) => error.source(),
            StartCause::Hook(failure) | StartCause::Service(failure) => failure.source(),
            #[cfg(feature = "durable")]
            StartCause::Store(error) => error.source(),
            StartCause::NotReady { .. } => None,
        }
    }
}

/// Why a host did not end well: the first failure, carrying the others and whoever was stuck.
pub struct RunError {
    pub(crate) report: Box<Report>,
    pub(crate) during_start: Option<Box<StartError>>,
}

impl RunError {
    /// The code a program should exit with: that of the start if it failed, 130, 131 or 143 after a second signal, else 1.
    pub fn exit_code(&self) -> u8 {
        match (&self.during_start, self.report.forced) {
            (Some(error), _) => error.exit_code(),
            (None, Some(signal)) => u8::try_from(128 + signal).unwrap_or(1),
            (None, None) => 1,
        }
    }

    /// Whether a second signal ended the stop before it was complete.
    pub fn is_forced(&self) -> bool {
        self.report.forced.is_some()
    }

    /// Whether some service did not end by its deadline.
    pub fn is_stuck(&self) -> bool {
        !self.report.stuck.is_empty()
    }

    pub(crate) fn signals(error: &std::io::Error) -> Self {
        let failure = RunFailure::Returned(format!("signals cannot be handled: {error}").into());
        let cause = StartCause::Service(ServiceFailure { name: "host".to_owned(), failure });
        StartError { cause, report: Box::default() }.into()
    }

    /// Whether the host never finished starting.
    pub fn is_start(&self) -> bool {
        self.during_start.is_some()
    }
}

impl From<StartError> for RunError {
    fn from(error: StartError) -> Self {
        Self { report: Box::default(), during_start: Some(Box::new(error)) }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = &self.during_start {
            return error.fmt(f);
        }
        match (self.report.failures.first(), self.report.forced) {
            (Some(failure), _) => write!(f, "service {failure}")?,
            (None, Some(_)) => {
                f.write_str("a second signal ended the stop before it was complete; hooks, disposers and what takes leftovers were skipped")?;
            }
            (None, None) => f.write_str("the host did not stop cleanly")?,
        }
        self.report.fmt_others(f, 1)
    }
}

impl Error for RunError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.during_start {
            Some(error) => error.source(),
            None => self.report.failures.first()?.source(),
        }
    }
}
