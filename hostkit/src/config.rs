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
mod suggest;
mod tree;

#[cfg(test)]
mod tests;

pub(crate) use bind::Bound;
pub(crate) use host::HostOptions;
pub use options::{Validate, problems};
pub(crate) use origin::Origin;
pub(crate) use reference::options as reference;
#[cfg(any(feature = "cli", test))]
pub(crate) use sample::{SampleKey, SampleSection, sample};
pub use secret::Secret;
pub(crate) use settings::Settings;
pub(crate) use suggest::suggest;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use self::layers::Layers;
use self::settings::Subject;
use self::tree::{Node, Table, Value};
use crate::error::Problem;
use crate::registry::{Setting, Source};

/// The environment when nobody names one: the careful choice.
const DEFAULT_ENVIRONMENT: &str = "production";

/// Sections that hostkit reads itself; `#[options]` may not take them.
const OWN_SECTIONS: &[&str] = &["host", "task_queue"];

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
    /// Paths that were bound into a [`Secret`], whatever their keys are called.
    secrets: Mutex<BTreeSet<String>>,
}

impl Configuration {
    /// Reads all layers. What is wrong with them is listed in full, and the rest of them is in the configuration.
    pub(crate) fn load(sources: &Sources) -> (Self, Vec<Problem>) {
        let (environment, mut problems) = environment(sources);
        let Layers { root, problems: faults, incomplete, .. } = Layers::read(sources, &environment);
        problems.extend(faults);
        let strict = matches!(root.at("host.strict"), Some(Node { value: Value::Flag(true), .. }));
        let configuration = Self {
            environment,
            root,
            strict,
            incomplete,
            wiring_only: sources.wiring_only,
            declared: Vec::new(),
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

    /// Sections of items that are not there, which is a warning: binaries share files.
    pub(crate) fn unknown_services(&self, known: &[(&str, &str)]) -> Vec<Problem> {
        let mut warnings = Vec::new();
        for attribute in ITEM_SECTIONS {
            let Some(sections) = self.root.get(attribute).and_then(Node::table) else { continue };
            for (name, node) in sections.iter() {
                if node.table().is_none() || known.iter().any(|(a, n)| a == attribute && tree::same(n, name)) {
                    continue;
                }
                let names = known.iter().filter(|(a, _)| a == attribute).map(|(_, name)| *name);
                let elsewhere = known.iter().find(|(_, n)| tree::same(n, name));
                let mut warning =
                    Problem::new(format!("section [{attribute}.{name}] belongs to no {attribute} of this program"))
                        .at(node.origin.detail());
                if let Some((other, name)) = elsewhere {
                    warning = warning.help(format!("`{name}` is {other}: write [{other}.{name}]"));
                } else if let Some(meant) = suggest(name, names) {
                    warning = warning.help(format!("did you mean [{attribute}.{meant}]?"));
                }
                warnings.push(warning);
            }
        }
        warnings
    }

    /// Sections and lone keys that nobody reads, which is a warning: binaries share files.
    pub(crate) fn unclaimed(&self) -> Vec<Problem> {
        self.unclaimed_in(&self.root, "")
    }

    fn unclaimed_in(&self, table: &Table, above: &str) -> Vec<Problem> {
        let mut warnings = Vec::new();
        for (key, node) in table.iter() {
            let path = if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") };
            let read = |section: &String| tree::same(section, &path);
            let leads_on = |section: &String| {
                section.get(..path.len()).is_some_and(|start| tree::same(start, &path))
                    && section[path.len()..].starts_with('.')
            };
            if (above.is_empty() && own_section(key).is_some()) || self.declared.iter().any(read) {
                continue;
            }
            if let (true, Some(inner)) = (self.declared.iter().any(leads_on), node.table()) {
                warnings.extend(self.unclaimed_in(inner, &path));
                continue;
            }
            let what = if node.table().is_some() { format!("section [{path}]") } else { format!("`{path}`") };
            let mut warning = Problem::new(format!("nothing reads {what}")).at(node.origin.detail());
            let sections =
                self.declared.iter().map(String::as_str).chain(OWN_SECTIONS.iter().chain(ITEM_SECTIONS).copied());
            if let Some(meant) = suggest(&path, sections) {
                warning = warning.help(format!("did you mean [{meant}]?"));
            }
            warnings.push(warning);
        }
        warnings
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
