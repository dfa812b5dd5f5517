//! The default subscriber: compact on a terminal, JSON elsewhere, always on standard error.

use std::io::{self, IsTerminal as _};

use tracing::Dispatch;
use tracing::dispatcher::{self, DefaultGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::suggest;
use crate::registry::{Registration, registered};

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
    complaint: Option<Complaint>,
    guard: DefaultGuard,
}

/// What is to be said about the filter, and to whom: the filter itself might not let it through.
struct Complaint {
    text: String,
    subscriber: Dispatch,
}

/// Listens on this thread. The program's subscriber is still free to be set by somebody else.
///
/// `program` is the name of the program's package.
pub(crate) fn listen(wishes: &Wishes, program: &str) -> Listening {
    let variable = std::env::var_os(VARIABLE);
    let crates = crates(program);
    let (filter, complaint) =
        filter(wishes, variable.map(|value| value.to_string_lossy().into_owned()).as_deref(), &crates);
    let terminal = io::stderr().is_terminal();
    let format = wishes.format.unwrap_or(if terminal { Format::Compact } else { Format::Json });
    let complaint = complaint.map(|text| {
        let subscriber = subscriber(EnvFilter::new("warn"), format, terminal);
        Complaint { text, subscriber }
    });
    let subscriber = subscriber(filter, format, terminal);
    let guard = dispatcher::set_default(&subscriber);
    Listening { subscriber, complaint, guard }
}

impl Listening {
    /// Listens everywhere, unless another subscriber was installed meanwhile.
    pub(crate) fn install(self) {
        let Self { subscriber, complaint, guard } = self;
        // An error says that another one is installed, which is what was asked for, and whose filter is not ours.
        let is_ours = dispatcher::set_global_default(subscriber).is_ok();
        drop(guard);
        if let (true, Some(Complaint { text, subscriber })) = (is_ours, complaint) {
            dispatcher::with_default(&subscriber, || tracing::warn!(target: "hostkit::host", "{text}"));
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

/// The crates of this program as far as hostkit knows them: those that registered something, and its own.
fn crates(program: &str) -> Vec<String> {
    let name = |registration| match registration {
        Registration::Node(node) => node.read().source.crate_name(),
        Registration::Service(entry) => entry.source.crate_name(),
        Registration::Linked(name) => name,
    };
    let known = registered().into_iter().map(name).chain(["hostkit"]).map(ToOwned::to_owned);
    known.chain([program.replace('-', "_")]).collect()
}

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// What is to be said about a filter that names targets only, one of them a bare word that is no crate known here: a
/// misspelt level is a target without any events, and silences everything.
fn misspelt(filter: &str, crates: &[String]) -> Option<String> {
    let directives: Vec<_> = filter.split(',').map(str::trim).filter(|directive| !directive.is_empty()).collect();
    let is_level = |word: &str| {
        LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word)) || word.parse().is_ok_and(|number: u8| number <= 5)
    };
    if directives.iter().any(|directive| is_level(directive)) {
        return None;
    }
    let is_bare = |word: &&str| !word.contains(['=', '[', ':']);
    let word = directives.iter().copied().filter(is_bare).find(|word| !crates.iter().any(|known| known == word))?;
    let meant = suggest(word, LEVELS).map(|level| format!(" (did you mean `{level}`?)")).unwrap_or_default();
    let others = if directives.len() == 1 { "nothing else" } else { "nothing but the targets of the filter" };
    let levels = LEVELS.join(", ");
    Some(format!("`{word}` is no level{meant}: it is taken for a target, and {others} is logged; levels are {levels}"))
}

/// The filter, and what is to be said about a variable that cannot be read: a service does not stay down for that.
fn filter(wishes: &Wishes, variable: Option<&str>, crates: &[String]) -> (EnvFilter, Option<String>) {
    let default = || {
        EnvFilter::new(match wishes.level {
            Level::Info => "info",
            Level::Warn => "warn",
        })
    };
    let (given, from) = match (&wishes.filter, variable) {
        (Some(filter), _) => (filter.as_str(), "--log"),
        (None, Some(variable)) if !variable.trim().is_empty() => (variable, VARIABLE),
        (None, _) => return (default(), None),
    };
    match EnvFilter::builder().parse(given) {
        Ok(filter) => (filter, misspelt(given, crates).map(|complaint| format!("{from}: {complaint}"))),
        Err(error) => (default(), Some(format!("`{given}` in {from} is no filter and is ignored: {error}"))),
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
    use super::{Level, Wishes, filter, misspelt};

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
            (None, Some("dbug"), Level::Info, "dbug=trace", true),
            (Some("dbug"), None, Level::Info, "dbug=trace", true),
            (None, Some("info,sqlx"), Level::Info, "sqlx=trace,info", false),
            (None, Some("app"), Level::Info, "app=trace", false),
            (None, Some("app::web"), Level::Info, "app::web=trace", false),
            (None, Some("app=debug"), Level::Info, "app=debug", false),
            (None, Some("DEBUG"), Level::Info, "debug", false),
        ] {
            let wishes = Wishes { filter: option.map(str::to_owned), format: None, level };
            let (filter, complaint) = filter(&wishes, variable, &["app".to_owned()]);
            assert_eq!(filter.to_string(), expected, "{option:?} {variable:?}");
            assert_eq!(complaint.is_some(), complains, "{complaint:?}");
        }
    }

    #[test]
    fn a_misspelt_level_is_named_with_the_levels() {
        assert_eq!(
            misspelt("dbug", &[]).as_deref(),
            Some(
                "`dbug` is no level (did you mean `debug`?): it is taken for a target, and nothing else is logged; \
                 levels are error, warn, info, debug, trace, off"
            )
        );
    }
}
