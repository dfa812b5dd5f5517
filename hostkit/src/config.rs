//! Configuration: one tree out of all layers, in which every value remembers where it came from.
//!
//! Later wins: the options in an attribute, `hostkit.toml`, `hostkit.<environment>.toml`, environment variables
//! `HOSTKIT__SECTION__KEY` (`HOSTKIT_FILE__SECTION__KEY` names a file that holds the value), `.set()` on the builder,
//! `--set` on the command line. Tables are united key by key, everything else is replaced. Files that are named take the
//! place of `hostkit.toml`; the file of the environment is looked for beside each.
//!
//! Files are read with the `toml` crate rather than through `config`, which loses line numbers, and bound with
//! a deserializer of our own: it knows the origin of a faulty or unknown key, and it hands a text over as it was written
//! where a text is wanted, so that a password of digits in the environment stays a password.

mod bind;
mod host;
mod layers;
mod options;
mod origin;
mod reference;
mod sample;
mod secret;
mod settings;
mod show;
mod store;
mod suggest;
mod tree;
mod unread;

#[cfg(test)]
mod tests;

pub(crate) use bind::Bound;
pub(crate) use host::HostOptions;
pub use options::{Validate, problems};
pub(crate) use origin::Origin;
#[cfg(feature = "cli")]
pub(crate) use reference::options as reference;
#[cfg(any(feature = "cli", test))]
pub(crate) use sample::{SampleKey, SampleSection, sample};
pub use secret::Secret;
pub(crate) use settings::Settings;
#[cfg(feature = "durable")]
pub(crate) use store::StoreOptions;
pub(crate) use suggest::suggest;
pub(crate) use unread::{Known, Unread};

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use self::layers::{Layers, Stray};
use self::settings::Subject;
use self::tree::{Node, Table, Value};
use crate::error::Problem;
use crate::registry::{Setting, Source};

/// The environment when nobody names one: the careful choice.
const DEFAULT_ENVIRONMENT: &str = "production";

/// Sections that hostkit reads itself; `#[options]` may not take them.
const OWN_SECTIONS: &[&str] = &["host", "store", "task_queue"];

/// Sections that hold one section per annotated item.
const ITEM_SECTIONS: &[&str] = &[
    "background_service",
    "periodic",
    "queued",
    "on_start",
    "on_started",
    "on_stopping",
    "on_stopped",
    "singleton",
    "scoped",
    "transient",
    "health_check",
];

/// Everything the configuration is read from, collected by the builder.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    /// `.environment("…")` or `--env`; without it, `HOSTKIT_ENV` decides.
    pub(crate) environment: Option<String>,
    /// `.config_file(path)` and `--config`, in order, in the place of `hostkit.toml`.
    pub(crate) files: Vec<PathBuf>,
    /// `.set("key", "value")`, in order.
    pub(crate) code: Vec<(String, String)>,
    /// `--set key=value` as written, in order.
    pub(crate) sets: Vec<String>,
    /// The environment variables; others than hostkit's are ignored.
    pub(crate) variables: Vec<(OsString, OsString)>,
    /// Where relative paths start.
    pub(crate) directory: PathBuf,
    /// Reads none of it but what the code sets, and binds no options: only the wiring is of interest.
    pub(crate) wiring_only: bool,
    /// Reads only those files that are named.
    pub(crate) named_files_only: bool,
}

impl Sources {
    /// Sources with the variables of this process: the one place that reads them.
    pub(crate) fn of_process() -> Self {
        Self { variables: std::env::vars_os().collect(), ..Self::default() }
    }
}

/// One annotated item, as far as its configuration goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item {
    /// The attribute without its `#`, such as `periodic`.
    pub(crate) attribute: &'static str,
    /// The name of the service.
    pub(crate) name: &'static str,
    /// What the attribute says.
    pub(crate) options: &'static [(&'static str, Setting)],
    /// Under which name its options are in the reference of them.
    pub(crate) reference: &'static str,
    /// Where the attribute stands.
    pub(crate) source: Source,
}

/// The merged configuration.
#[derive(Debug)]
pub(crate) struct Configuration {
    environment: String,
    root: Table,
    strict: bool,
    incomplete: bool,
    wiring_only: bool,
    declared: Vec<String>,
    strays: Vec<Stray>,
    /// What the layers look like and may not be.
    warnings: Vec<Problem>,
    /// Paths that were bound into a [`Secret`], whatever their keys are called.
    secrets: Mutex<BTreeSet<String>>,
}

impl Configuration {
    /// Reads all layers. What is wrong with them is listed in full, and the rest of them is in the configuration.
    pub(crate) fn load(sources: &Sources) -> (Self, Vec<Problem>) {
        let (environment, mut problems) = environment(sources);
        let Layers { root, problems: faults, warnings, strays, incomplete, .. } = Layers::read(sources, &environment);
        problems.extend(faults);
        let strict = matches!(root.at("host.strict"), Some(Node { value: Value::Flag(true), .. }));
        let configuration = Self {
            environment,
            root,
            strict,
            incomplete,
            wiring_only: sources.wiring_only,
            declared: Vec::new(),
            strays,
            warnings,
            secrets: Mutex::default(),
        };
        (configuration, problems)
    }

    /// The name of the environment, such as `production`.
    pub(crate) fn environment(&self) -> &str {
        &self.environment
    }

    /// The `[host]` section.
    pub(crate) fn host_options(&self) -> (HostOptions, Vec<Problem>) {
        HostOptions::read(self.own("host"))
    }

    /// Says which sections `#[options]` structs read, before any of them is bound: a nested one is no unknown key of the
    /// outer one. Returns the names that are not free.
    pub(crate) fn declare(&mut self, sections: &[&str]) -> Vec<Problem> {
        self.declared = sections.iter().map(|section| (*section).to_owned()).collect();
        let taken = |section: &&&str| own_section(section.split('.').next().unwrap_or_default()).is_some();
        let problem = |section: &&str| {
            Problem::new(format!("section [{section}] is hostkit's own")).help("give the options another section")
        };
        sections.iter().filter(taken).map(problem).collect()
    }

    /// The options of one annotated item: what its attribute says, overlaid with its section.
    pub(crate) fn settings(&self, item: &Item) -> Settings {
        let sections = self.root.get(item.attribute).and_then(Node::table);
        let section = sections.and_then(|sections| sections.at(&item.name.replace('-', "_"))?.table());
        Settings::new(item, section)
    }

    /// A section of hostkit's own that belongs to no item, such as `[host]`.
    pub(crate) fn own(&self, section: &'static str) -> Settings {
        Settings::of_section(Subject::Section(section), self.own_table(section))
    }

    /// A section of hostkit's own; the layers hold its keys with underscores.
    fn own_table(&self, section: &str) -> Option<&Table> {
        self.root.at(&section.replace('-', "_"))?.table()
    }

    fn is_secret(&self, path: &str) -> bool {
        // Bound under the names of the fields, which may differ in hyphens from the keys of the environment.
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|secret| tree::same(secret, path))
    }
}

/// The section of hostkit's own that a key means.
fn own_section(key: &str) -> Option<&'static str> {
    OWN_SECTIONS.iter().chain(ITEM_SECTIONS).copied().find(|own| tree::same(own, key))
}

/// The environment's name and what is wrong with it.
fn environment(sources: &Sources) -> (String, Vec<Problem>) {
    let variable =
        sources.variables.iter().find(|(name, _)| name.eq_ignore_ascii_case("HOSTKIT_ENV")).map(|(_, value)| value);
    let (name, from) = match (&sources.environment, variable) {
        (Some(name), _) => (name.clone(), "given to the host"),
        // An empty variable is how compose files and shells say that there is none.
        (None, Some(value)) if !value.is_empty() => {
            (value.to_string_lossy().into_owned(), "set by environment variable HOSTKIT_ENV")
        }
        (None, _) => return (DEFAULT_ENVIRONMENT.to_owned(), Vec::new()),
    };
    // It becomes part of a file name.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(plain) {
        return (name, Vec::new());
    }
    let problem = Problem::new(format!("`{name}` is not a name for an environment"))
        .at(from)
        .help("write letters, digits, `-` and `_`, such as `production`");
    (DEFAULT_ENVIRONMENT.to_owned(), vec![problem])
}
