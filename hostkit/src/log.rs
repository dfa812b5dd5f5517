//! The default subscriber: compact on a terminal, JSON elsewhere, always on standard error.

use std::io::{self, IsTerminal as _};

use tracing::Dispatch;
use tracing::dispatcher::{self, DefaultGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// The variable that says what to log, as everywhere in Rust.
const VARIABLE: &str = "RUST_LOG";

/// What the command line says about the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// `--log`; above `RUST_LOG`.
    pub(crate) filter: Option<String>,
    /// `--log-format`; otherwise it depends on who reads.
    pub(crate) format: Option<Format>,
    /// What is logged when nobody says anything.
    pub(crate) level: Level,
}

/// How much is logged by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Level {
    /// The life of the host: a dozen lines per start.
    #[default]
    Info,
    /// Only what somebody should look at: for commands whose result is what they print.
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "only the command line has such commands"))]
    Warn,
}

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Compact,
    /// For log collectors: one object per line.
    Json,
}

/// A subscriber that listens on this thread, ready to listen everywhere.
pub(crate) struct Listening {
    subscriber: Dispatch,
    complaint: Option<String>,
    guard: DefaultGuard,
}

/// Listens on this thread. The program's subscriber is still free to be set by somebody else.
pub(crate) fn listen(wishes: &Wishes) -> Listening {
    let variable = std::env::var_os(VARIABLE);
    let (filter, complaint) = filter(wishes, variable.map(|value| value.to_string_lossy().into_owned()).as_deref());
    let terminal = io::stderr().is_terminal();
    let format = wishes.format.unwrap_or(if terminal { Format::Compact } else { Format::Json });
    let subscriber = subscriber(filter, format, terminal);
    let guard = dispatcher::set_default(&subscriber);
    Listening { subscriber, complaint, guard }
}

impl Listening {
    /// Listens everywhere, unless another subscriber was installed meanwhile.
    pub(crate) fn install(self) {
        let Self { subscriber, complaint, guard } = self;
        // The error says that another one is installed, which is what was asked for.
        drop(dispatcher::set_global_default(subscriber));
        drop(guard);
        if let Some(complaint) = complaint {
            tracing::warn!(target: "hostkit::host", "{complaint}");
        }
    }
}

/// Whether a filter can be read, for the command line.
#[cfg(feature = "cli")]
pub(crate) fn check_filter(text: &str) -> Result<String, String> {
    match EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("{error}; write a level or targets with levels, such as info,sqlx=warn")),
    }
}

/// The filter, and what is to be said about a variable that cannot be read: a service does not stay down for that.
fn filter(wishes: &Wishes, variable: Option<&str>) -> (EnvFilter, Option<String>) {
    let default = || {
        EnvFilter::new(match wishes.level {
            Level::Info => "info",
            Level::Warn => "warn",
        })
    };
    let given = match (&wishes.filter, variable) {
        (Some(filter), _) => filter,
        (None, Some(variable)) if !variable.trim().is_empty() => variable,
        (None, _) => return (default(), None),
    };
    match EnvFilter::builder().parse(given) {
        Ok(filter) => (filter, None),
        Err(error) => (default(), Some(format!("`{given}` in {VARIABLE} is no filter and is ignored: {error}"))),
    }
}

fn subscriber(filter: EnvFilter, format: Format, terminal: bool) -> Dispatch {
    // A standard error that is closed is no reason to say so on standard error.
    let builder = fmt().with_env_filter(filter).with_writer(io::stderr).log_internal_errors(false);
    match (format, terminal) {
        (Format::Json, _) => builder.json().flatten_event(true).with_span_list(false).into(),
        // Colours are the default only where some crate asked for them.
        (Format::Compact, true) => builder.compact().into(),
        (Format::Compact, false) => builder.compact().with_ansi(false).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Level, Wishes, filter};

    #[test]
    fn the_command_line_outranks_the_variable_and_a_faulty_variable_is_reported() {
        for (option, variable, level, expected, complains) in [
            (None, None, Level::Info, "info", false),
            (None, None, Level::Warn, "warn", false),
            (None, Some(""), Level::Info, "info", false),
            (None, Some("debug"), Level::Info, "debug", false),
            (None, Some("debug"), Level::Warn, "debug", false),
            (Some("warn"), Some("debug"), Level::Info, "warn", false),
            (None, Some("hostkit=loud"), Level::Info, "info", true),
        ] {
            let wishes = Wishes { filter: option.map(str::to_owned), format: None, level };
            let (filter, complaint) = filter(&wishes, variable);
            assert_eq!(filter.to_string(), expected, "{option:?} {variable:?}");
            assert_eq!(complaint.is_some(), complains, "{complaint:?}");
        }
    }
}
