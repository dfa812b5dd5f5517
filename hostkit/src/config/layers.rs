//! Reads the layers, lowest first, and lays each over the ones before.
//!
//! Nothing here fails: what cannot be read becomes a problem, and the rest is read on, so that one start reports
//! everything.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::tree::{Node, Table, Value};
use super::{DEFAULT_ENVIRONMENT, ITEM_SECTIONS, Origin, Sources, own_section, suggest};
use crate::error::Problem;

/// A configuration file or a secret beyond this is a mistake; reading `/dev/zero` has to end.
const LARGEST: u64 = 16 * 1024 * 1024;

/// The merged tree and what went wrong on the way.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) root: Table,
    pub(super) problems: Vec<Problem>,
    /// What may be as it should.
    pub(super) warnings: Vec<Problem>,
    /// Variables that look like hostkit's and are none.
    pub(super) strays: Vec<Stray>,
    /// Some file could not be read whole, so that a missing value may only seem to be missing.
    pub(super) incomplete: bool,
    depth: usize,
}

impl Layers {
    pub(super) fn read(sources: &Sources, environment: &str) -> Self {
        let mut layers = Self::default();
        if !sources.wiring_only {
            for (path, named) in files(sources, environment) {
                layers.file(&sources.directory, &path, named);
            }
            layers.warnings = misspelt_environments(sources, environment);
            layers.variables(sources);
        }
        layers.pairs(sources.code.iter().map(|(key, value)| (key.as_str(), value.as_str())), &Origin::Code);
        layers.sets(&sources.sets);
        layers
    }

    /// Lays one layer over those before it, with the keys of hostkit's own sections in one spelling.
    fn push(&mut self, table: Table) {
        let mut problems = Vec::new();
        self.root.merge(canonical(table, &mut problems));
        self.problems.append(&mut problems);
    }

    fn next_depth(&mut self) -> usize {
        self.depth += 1;
        self.depth
    }

    fn file(&mut self, directory: &Path, path: &Path, named: bool) {
        let layer = self.next_depth();
        let shown = path.display().to_string();
        let text = match read_text(&directory.join(path)) {
            Ok(text) => text,
            Err(Unreadable::Missing) if !named => return,
            Err(unreadable) => {
                self.incomplete = true;
                let mut problem = unreadable.problem(&format!("configuration file `{shown}`"), &shown);
                if matches!(unreadable, Unreadable::Missing) {
                    problem = problem.help("only a file that is named has to exist: name another, or create it");
                }
                self.problems.push(problem);
                return;
            }
        };
        let document = Document { shown: &shown, text: &text, layer };
        let (table, mut faults) = document.read();
        self.incomplete |= !faults.is_empty();
        self.problems.append(&mut faults);
        self.push(table);
    }

    /// `HOSTKIT__A__B=value` and `HOSTKIT_FILE__A__B=/path`.
    fn variables(&mut self, sources: &Sources) {
        let layer = self.next_depth();
        let mut found: Vec<Set> = Vec::new();
        for (name, value) in sorted(&sources.variables) {
            let Some(variable) = Variable::of(name) else {
                self.strays.extend(Stray::of(name, value));
                continue;
            };
            let set = match variable.read(value, &sources.directory) {
                Ok(set) => set,
                Err(problem) => {
                    self.incomplete = true;
                    self.problems.push(problem);
                    continue;
                }
            };
            if let Some(other) = found.iter().find(|other| other.path == set.path) {
                let problem = Problem::new(format!("`{}` is set by two environment variables", set.path));
                let problem = problem.at(other.origin.detail()).at(set.origin.detail());
                self.problems.push(problem.help("keep one of them"));
                continue;
            }
            found.push(set);
        }
        // Shorter paths first: HOSTKIT__A='{ b = 1 }' is laid under HOSTKIT__A__C.
        found.sort_by(|a, b| a.path.cmp(&b.path));
        for Set { path, origin, text } in found {
            let exact = matches!(origin, Origin::SecretFile { .. });
            let leaf = read_value(&text, &origin, layer, exact);
            self.push(nest(&path, leaf, &origin, layer, Table::insert_loose));
        }
    }

    fn sets(&mut self, sets: &[String]) {
        let (pairs, faulty): (Vec<_>, Vec<_>) =
            sets.iter().map(|set| set.split_once('=').ok_or(set)).partition(Result::is_ok);
        for set in faulty.into_iter().filter_map(Result::err) {
            self.problems.push(
                Problem::new(format!("`--set {set}` has no `=`"))
                    .help("write a key and a value, such as --set periodic.cleanup.every=5m"),
            );
        }
        self.pairs(pairs.into_iter().flatten(), &Origin::Set);
    }

    /// Dotted keys with their values.
    fn pairs<'a>(&mut self, pairs: impl Iterator<Item = (&'a str, &'a str)>, origin: &Origin) {
        let layer = self.next_depth();
        for (key, value) in pairs {
            let path: Vec<_> = key.split('.').map(str::trim).collect();
            if path.iter().any(|part| part.is_empty()) {
                self.problems.push(
                    Problem::new(format!("the key `{key}` has an empty part"))
                        .at(origin.detail())
                        .help("write the section and the key with dots between, such as periodic.cleanup.every"),
                );
                continue;
            }
            let leaf = read_value(value, origin, layer, false);
            self.push(nest(&path.join("."), leaf, origin, layer, Table::insert));
        }
    }
}

/// The files to read, lowest first, and whether each has to exist.
fn files(sources: &Sources, environment: &str) -> Vec<(PathBuf, bool)> {
    let named = !sources.files.is_empty();
    base_files(sources)
        .into_iter()
        .flat_map(|file| [(file.clone(), named), (beside(&file, environment), false)])
        .collect()
}

/// The files without those of the environment.
fn base_files(sources: &Sources) -> Vec<PathBuf> {
    match (sources.files.is_empty(), sources.named_files_only) {
        (true, true) => Vec::new(),
        (true, false) => vec![PathBuf::from("hostkit.toml")],
        (false, _) => sources.files.clone(),
    }
}

/// The file of an environment, `hostkit.production.toml` of `hostkit.toml`.
fn beside(file: &Path, environment: &str) -> PathBuf {
    let mut name = file.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{environment}"));
    if let Some(extension) = file.extension() {
        name.push(".");
        name.push(extension);
    }
    file.with_file_name(name)
}

/// Files that are there for an environment whose name is nearly that of the chosen one, which has none.
fn misspelt_environments(sources: &Sources, environment: &str) -> Vec<Problem> {
    let warning = |file: PathBuf| {
        let wanted = beside(&file, environment);
        // An empty path is the current directory to everybody but those who list it.
        let folder = Path::new(".").join(&sources.directory).join(&file).parent()?.to_owned();
        // A folder that cannot be listed has no file that could be read.
        let entries = std::fs::read_dir(folder).ok()?;
        let names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        let stem = format!("{}.", file.file_stem()?.to_str()?);
        let end =
            file.extension().map_or(Some(String::new()), |extension| Some(format!(".{}", extension.to_str()?)))?;
        let of = |name: &'_ String| Some(name.strip_prefix(&stem)?.strip_suffix(&end)?.to_owned());
        let there: Vec<_> = names.iter().filter_map(of).filter(|name| !name.is_empty()).collect();
        if there.iter().any(|name| name == environment) {
            return None;
        }
        let near = suggest(environment, there.iter().map(String::as_str))?;
        let problem = Problem::new(format!("environment `{environment}` has no configuration file of its own"));
        let problem =
            problem.at(format!("`{}` does not exist, and `{}` does", wanted.display(), beside(&file, near).display()));
        Some(if environment == DEFAULT_ENVIRONMENT {
            problem.help(format!("rename the file, or name environment `{near}` with HOSTKIT_ENV or --env"))
        } else {
            problem.help(format!("did you mean environment `{near}`?"))
        })
    };
    base_files(sources).into_iter().filter_map(warning).collect()
}

/// What a variable sets.
struct Set {
    path: String,
    origin: Origin,
    text: String,
}

/// A variable of hostkit's.
struct Variable<'a> {
    name: &'a str,
    /// What follows the prefix.
    key: &'a str,
    names_a_file: bool,
}

impl<'a> Variable<'a> {
    fn of(name: &'a str) -> Option<Self> {
        let after = |prefix: &str| {
            let (start, key) = name.split_at_checked(prefix.len())?;
            start.eq_ignore_ascii_case(prefix).then_some(key)
        };
        let variable = |names_a_file| move |key| Self { name, key, names_a_file };
        after("HOSTKIT__").map(variable(false)).or_else(|| after("HOSTKIT_FILE__").map(variable(true)))
    }

    fn read(&self, value: &OsStr, directory: &Path) -> Result<Set, Problem> {
        let name = self.name.to_owned();
        let Some(path) = loose_path(self.key) else {
            return Err(Problem::new(format!("environment variable {name} has an empty part"))
                .help("name a section and a key, such as HOSTKIT__DATABASE__URL"));
        };
        let Some(value) = value.to_str() else {
            return Err(Problem::new(format!("the value of environment variable {name} is not UTF-8")));
        };
        if !self.names_a_file {
            return Ok(Set { path, origin: Origin::Environment(name), text: value.to_owned() });
        }
        let what = || format!("the file `{value}` that environment variable {name} names");
        let text = read_secret(directory, value).map_err(|unreadable| unreadable.problem(&what(), value))?;
        Ok(Set { path, origin: Origin::SecretFile { variable: name, path: value.to_owned() }, text })
    }
}

/// A variable with hostkit's name at its beginning that is none of hostkit's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stray {
    pub(super) name: String,
}

impl Stray {
    fn of(name: &str, value: &OsStr) -> Option<Self> {
        let is_ours = name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
        let is_read = name.eq_ignore_ascii_case("HOSTKIT_ENV");
        (is_ours && !is_read && !is_service_link(name, value)).then(|| Self { name: name.to_owned() })
    }
}

const PREFIX: &str = "HOSTKIT";

/// Whether Kubernetes sets it, in every pod beside a service whose name begins like hostkit: `X_SERVICE_HOST`,
/// `X_SERVICE_PORT`, `X_SERVICE_PORT_NAME`, `X_PORT=tcp://…`, `X_PORT_80_TCP…`.
fn is_service_link(name: &str, value: &OsStr) -> bool {
    let after_port = |rest: &str| {
        let number = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        number.len() < rest.len() && ["_TCP", "_UDP", "_SCTP"].iter().any(|protocol| number.starts_with(protocol))
    };
    let address = |value: &str| ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || name.split_once("_PORT_").is_some_and(|(_, rest)| after_port(rest))
        || (name.ends_with("_PORT") && value.to_str().is_some_and(address))
}

/// The variables with readable names, in an order that does not depend on the process.
fn sorted(variables: &[(OsString, OsString)]) -> Vec<(&str, &OsStr)> {
    let mut sorted: Vec<_> =
        variables.iter().filter_map(|(name, value)| Some((name.to_str()?, value.as_os_str()))).collect();
    sorted.sort_unstable();
    sorted
}

/// `PERIODIC__MY_JOB__EVERY` as `periodic.my_job.every`.
fn loose_path(variable: &str) -> Option<String> {
    let parts: Vec<_> = variable.split("__").collect();
    let whole = parts.iter().all(|part| !part.is_empty());
    whole.then(|| parts.join(".").to_lowercase().replace('-', "_"))
}

fn nest(path: &str, leaf: Node, origin: &Origin, layer: usize, insert: fn(&mut Table, String, Node)) -> Table {
    let mut parts = path.rsplit('.');
    let mut table = Table::default();
    insert(&mut table, parts.next().unwrap_or_default().to_owned(), leaf);
    for part in parts {
        let inner = Node { value: Value::Table(table), origin: origin.clone(), layer, written: None };
        table = Table::default();
        insert(&mut table, part.to_owned(), inner);
    }
    table
}

/// Reads a plain text as TOML, else as the text it is. An `exact` text stays what it is wherever a text is wanted.
fn read_value(text: &str, origin: &Origin, layer: usize, exact: bool) -> Node {
    let document = Document { shown: "", text, layer };
    let value = match DeValue::parse(text.trim()) {
        Ok(parsed) => document.value(parsed.into_inner(), &|_| origin.clone()).ok(),
        Err(_) => None,
    };
    let value = value.unwrap_or_else(|| Value::Text(text.to_owned()));
    let written = match value {
        Value::Text(_) | Value::Array(_) | Value::Table(_) if !exact => None,
        _ => Some(text.to_owned()),
    };
    Node { value, origin: origin.clone(), layer, written }
}

/// Hostkit's own sections have one spelling of each key, the one with underscores, and are tables: what is none would
/// only hide what lower layers say.
fn canonical(table: Table, problems: &mut Vec<Problem>) -> Table {
    let own = |key: &str| own_section(key).unwrap_or(key).to_owned();
    let mut table = rename(table, "", &own, problems);
    table.retain(|key, node| {
        let Some(section) = own_section(key) else { return true };
        let example = if ITEM_SECTIONS.contains(&section) { format!("[{key}.<name>]") } else { format!("[{key}]") };
        is_section(key, node, &format!("write a section {example}"), problems)
    });
    table.map(|key, node| if own_section(key).is_some() { spelled(node, key, 2, problems) } else { node })
}

fn is_section(path: &str, node: &Node, help: &str, problems: &mut Vec<Problem>) -> bool {
    let is_section = node.table().is_some();
    if !is_section {
        let problem = Problem::new(format!("`{path}` is {}, not a section", node.kind()));
        problems.push(problem.at(node.origin.detail()).help(help));
    }
    is_section
}

fn spelled(mut node: Node, path: &str, depth: usize, problems: &mut Vec<Problem>) -> Node {
    node.value = match node.value {
        Value::Table(table) if depth > 0 => {
            let mut table = rename(table, path, &|key| key.replace('-', "_"), problems);
            if ITEM_SECTIONS.contains(&path) {
                let help = format!("options stand in the section of one item: [{path}.<name>]");
                table.retain(|key, node| is_section(&format!("{path}.{key}"), node, &help, problems));
            }
            Value::Table(table.map(|key, inner| spelled(inner, &format!("{path}.{key}"), depth - 1, problems)))
        }
        other => other,
    };
    node
}

fn rename(table: Table, path: &str, name: &dyn Fn(&str) -> String, problems: &mut Vec<Problem>) -> Table {
    table.rename(name, |key, first, second| {
        let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        problems.push(
            Problem::new(format!("`{path}` is set twice, with `-` and with `_`"))
                .at(first.origin.detail())
                .at(second.origin.detail())
                .help("keep one of them"),
        );
    })
}

/// A TOML text on its way into the tree.
struct Document<'a> {
    shown: &'a str,
    text: &'a str,
    layer: usize,
}

impl Document<'_> {
    /// What can be read of the text, without the lines that cannot.
    fn read(&self) -> (Table, Vec<Problem>) {
        let (parsed, errors) = DeTable::parse_recoverable(self.text);
        let mut faulty_lines = Vec::new();
        let mut problems = Vec::new();
        for error in errors {
            let (line, column) = self.position(error.span().map_or(self.text.len(), |span| span.start));
            // The parser reports what follows from the first error of a line as well.
            if !faulty_lines.contains(&line) {
                faulty_lines.push(line);
                let message = error.message().trim();
                problems.push(
                    Problem::new(format!("`{}` is not valid TOML: {message}", self.shown))
                        .at(format!("{}:{line}:{column}", self.shown)),
                );
            }
        }
        let table = self.table(parsed.into_inner(), &mut problems, &faulty_lines);
        (table, problems)
    }

    fn table(&self, table: DeTable<'_>, problems: &mut Vec<Problem>, faulty_lines: &[usize]) -> Table {
        let mut read = Table::default();
        for (key, value) in table {
            let (line, column) = self.position(key.span().start);
            let last_line = self.position(value.span().end).0;
            let is_table = value.get_ref().is_table();
            if !is_table && faulty_lines.iter().any(|faulty| (line..=last_line).contains(faulty)) {
                continue;
            }
            let key = key.into_inner().into_owned();
            let origin = Origin::File { path: self.shown.to_owned(), line };
            let value = match value.into_inner() {
                DeValue::Table(table) => Ok(Value::Table(self.table(table, problems, faulty_lines))),
                value => {
                    self.value(value, &|span| Origin::File { path: self.shown.to_owned(), line: self.position(span).0 })
                }
            };
            match value {
                Ok(value) => read.insert(key, Node { value, origin, layer: self.layer, written: None }),
                Err(reason) => problems
                    .push(Problem::new(format!("`{key}` {reason}")).at(format!("{}:{line}:{column}", self.shown))),
            }
        }
        read
    }

    /// A value whose inner nodes come from where `origin` says, given their place in the text.
    fn value(&self, value: DeValue<'_>, origin: &dyn Fn(usize) -> Origin) -> Result<Value, &'static str> {
        let node = |start, value| -> Result<Node, &'static str> {
            Ok(Node { value: self.value(value, origin)?, origin: origin(start), layer: self.layer, written: None })
        };
        Ok(match value {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Integer(integer) => Value::Integer(
                i128::from_str_radix(integer.as_str(), integer.radix())
                    .or(Err("is an integer too large for anything"))?,
            ),
            DeValue::Float(float) => {
                Value::Float(float.as_str().parse().or(Err("is a number too large for anything"))?)
            }
            DeValue::Boolean(flag) => Value::Flag(flag),
            DeValue::Datetime(moment) => Value::Moment(moment.to_string()),
            DeValue::Array(array) => Value::Array(
                array
                    .into_iter()
                    .map(|element| node(element.span().start, element.into_inner()))
                    .collect::<Result<_, _>>()?,
            ),
            DeValue::Table(table) => {
                let mut read = Table::default();
                for (key, value) in table {
                    read.insert(key.get_ref().as_ref(), node(key.span().start, value.into_inner())?);
                }
                Value::Table(read)
            }
        })
    }

    /// Line and column of a byte, both from 1.
    fn position(&self, byte: usize) -> (usize, usize) {
        let before = &self.text[..self.text.floor_char_boundary(byte)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// Why a file could not be read.
enum Unreadable {
    Missing,
    Directory,
    TooLarge,
    NotText { line: usize, column: usize },
    Failed(io::Error),
}

impl Unreadable {
    fn problem(&self, what: &str, shown: &str) -> Problem {
        match self {
            Self::Missing => Problem::new(format!("{what} does not exist")),
            Self::Directory => Problem::new(format!("{what} is a directory, not a file")),
            Self::TooLarge => Problem::new(format!("{what} is larger than {} MiB", LARGEST >> 20)),
            Self::NotText { line, column } => {
                Problem::new(format!("{what} is not UTF-8 text")).at(format!("{shown}:{line}:{column}"))
            }
            Self::Failed(error) => Problem::new(format!("{what} cannot be read: {error}")),
        }
    }
}

fn read_text(path: &Path) -> Result<String, Unreadable> {
    if path.is_dir() {
        return Err(Unreadable::Directory);
    }
    let failed = |error: io::Error| {
        if error.kind() == io::ErrorKind::NotFound { Unreadable::Missing } else { Unreadable::Failed(error) }
    };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Unreadable::TooLarge);
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let text = String::from_utf8_lossy(valid);
        let (line, column) = Document { shown: "", text: &text, layer: 0 }.position(text.len());
        Unreadable::NotText { line, column }
    })?;
    // Editors on Windows put a byte order mark in front.
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), ToOwned::to_owned))
}

/// A secret, without the newline that editors and `echo` leave at its end.
fn read_secret(directory: &Path, path: &str) -> Result<String, Unreadable> {
    if path.is_empty() {
        return Err(Unreadable::Missing);
    }
    let mut text = read_text(&directory.join(path))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}
