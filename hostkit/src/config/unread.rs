//! What is set and nobody reads: sections, keys, services that are not there, environment variables.
//!
//! # Invariants
//!
//! 1. Files and the environment are shared with other binaries, so what nobody reads in them is a warning; a section is an
//!    error with `strict`, a service never.
//! 2. What stands in `.set()` or `--set` is meant for this program and no other, so there it is an error.
//! 3. Every environment variable that begins with hostkit's name is read, or said to be unread.

use super::layers::Stray;
use super::reference::options;
use super::suggest::nearest;
use super::tree::{self, Node, Table, Value};
use super::{Configuration, ITEM_SECTIONS, OWN_SECTIONS, Origin, own_section, suggest};
use crate::component::Field;
use crate::error::Problem;

/// What there is to configure in this program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'k> {
    /// The attribute and the name of every annotated function.
    pub(crate) items: &'k [(&'static str, &'static str)],
    /// The sections that `#[options]` structs read, with their keys.
    pub(crate) sections: &'k [(&'static str, &'static [Field])],
}

impl Known<'_> {
    /// The dotted path of every key.
    fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        let mut add = |section: &str, keys: &mut dyn Iterator<Item = &'static str>| {
            paths.extend(keys.map(|key| format!("{section}.{key}")));
        };
        for section in OWN_SECTIONS {
            add(section, &mut options(section).iter().map(|option| option.name));
        }
        for (attribute, name) in self.items {
            add(&format!("{attribute}.{name}"), &mut either_way(attribute).map(|option| option.name));
        }
        for (section, fields) in self.sections {
            add(section, &mut fields.iter().map(|field| field.name));
        }
        paths
    }
}

/// What nobody reads.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    /// What keeps the host from being built.
    pub(crate) problems: Vec<Problem>,
    /// What may be meant for another program.
    pub(crate) warnings: Vec<Problem>,
}

impl Configuration {
    /// Everything that is set and that nobody reads, and what was probably meant.
    pub(crate) fn unread(&self, known: Known<'_>) -> Unread {
        let paths = known.paths();
        let mut unread = Unread { warnings: self.warnings.clone(), ..Unread::default() };
        for stray in &self.strays {
            // Two underscores in a row are nobody else's habit.
            let is_ours = stray.name["HOSTKIT".len()..].contains("__");
            let list = if is_ours { &mut unread.problems } else { &mut unread.warnings };
            list.push(stray_variable(stray, &paths));
        }
        self.services(known.items, &mut unread);
        self.sections(&self.root, "", &paths, &mut unread);
        unread
    }

    /// Sections of functions that are not there.
    fn services(&self, items: &[(&'static str, &'static str)], unread: &mut Unread) {
        for attribute in ITEM_SECTIONS {
            let Some(sections) = self.root.get(attribute).and_then(Node::table) else { continue };
            for (name, node) in sections.iter() {
                if node.table().is_none() || items.iter().any(|(a, n)| a == attribute && tree::same(n, name)) {
                    continue;
                }
                let problem = Problem::new(format!(
                    "nothing reads section [{attribute}.{name}]: this program has no {} `{name}`",
                    noun(attribute)
                ));
                let names = items.iter().filter(|(a, _)| a == attribute).map(|(_, name)| *name);
                let help = if let Some((other, name)) = items.iter().find(|(_, n)| tree::same(n, name)) {
                    format!("`{name}` is a {}: write [{other}.{name}]", noun(other))
                } else if let Some(meant) = suggest(name, names) {
                    format!("did you mean [{attribute}.{meant}]?")
                } else {
                    "`list` shows the services of this program".to_owned()
                };
                unread.add(problem.help(help), node, Otherwise::Warning);
            }
        }
    }

    /// Sections and lone keys.
    fn sections(&self, table: &Table, above: &str, paths: &[String], unread: &mut Unread) {
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
                self.sections(inner, &path, paths, unread);
                continue;
            }
            let what = if node.table().is_some() { format!("section [{path}]") } else { format!("`{path}`") };
            let problem = Problem::new(format!("nothing reads {what}"));
            let problem = match self.meant(&path, node, paths) {
                Some(meant) => problem.help(format!("did you mean {meant}?")),
                None => problem,
            };
            unread.add(problem, node, if self.strict { Otherwise::Problem } else { Otherwise::Warning });
        }
    }

    /// What a section or a lone key was probably meant to be.
    fn meant(&self, path: &str, node: &Node, paths: &[String]) -> Option<String> {
        if let Origin::Environment(variable) | Origin::SecretFile { variable, .. } = &node.origin {
            let word = plain(&variable["HOSTKIT".len()..]);
            let elsewhere = ELSEWHERE.iter().find(|(known, _)| *known == word).and_then(|(_, meant)| *meant);
            if let Some(meant) = meant_variable(variable, paths).or(elsewhere.map(ToOwned::to_owned)) {
                return Some(meant);
            }
        }
        let sections =
            self.declared.iter().map(String::as_str).chain(OWN_SECTIONS.iter().chain(ITEM_SECTIONS).copied());
        if let Some(section) = suggest(path, sections) {
            return Some(format!("[{section}]"));
        }
        let key = nearest(&plain(path), paths.iter().map(|path| (plain(path), path)))?.1;
        Some(format!("`{key}`"))
    }
}

/// What becomes of something unread that files or the environment set.
#[derive(Debug, Clone, Copy)]
enum Otherwise {
    Problem,
    Warning,
}

impl Unread {
    fn add(&mut self, problem: Problem, node: &Node, otherwise: Otherwise) {
        // Invariant 2.
        match (by_hand(node), otherwise) {
            (Some(origin), _) => self.problems.push(problem.at(origin.detail())),
            (None, Otherwise::Problem) => self.problems.push(problem.at(node.origin.detail())),
            (None, Otherwise::Warning) => self.warnings.push(problem.at(node.origin.detail())),
        }
    }
}

/// The code or the command line, if any value in it comes from there.
fn by_hand(node: &Node) -> Option<&Origin> {
    match &node.value {
        Value::Table(table) if table.iter().next().is_some() => table.iter().find_map(|(_, node)| by_hand(node)),
        _ => matches!(node.origin, Origin::Code | Origin::Set).then_some(&node.origin),
    }
}

/// The options of an attribute, of durable functions as well.
fn either_way(attribute: &str) -> impl Iterator<Item = &'static super::reference::Opt> + use<> {
    options(attribute).iter().chain(options(&format!("{attribute} durable")))
}

/// What the functions of an attribute are called.
fn noun(attribute: &str) -> &str {
    match attribute {
        "background_service" => "background service",
        "periodic" => "periodic function",
        "queued" => "queued function",
        "on_start" => "hook of the start",
        "on_started" => "hook after the start",
        "on_stopping" => "hook of the stop",
        "on_stopped" => "hook after the stop",
        "health_check" => "health check",
        _ => attribute,
    }
}

/// What people call, in other programs, what hostkit has elsewhere.
const ELSEWHERE: &[(&str, Option<&str>)] = &[
    ("env", Some("HOSTKIT_ENV")),
    ("environment", Some("HOSTKIT_ENV")),
    ("profile", Some("HOSTKIT_ENV")),
    ("log", Some("RUST_LOG")),
    ("log_level", Some("RUST_LOG")),
    // Only `--config` has it.
    ("config", None),
    ("config_file", None),
];

fn stray_variable(stray: &Stray, paths: &[String]) -> Problem {
    let name = &stray.name;
    let problem = Problem::new(format!("nothing reads environment variable {name}"));
    if let Some(meant) = meant_variable(name, paths) {
        return problem.help(format!("did you mean {meant}?"));
    }
    let word = plain(&name["HOSTKIT".len()..]);
    if let Some((_, help)) = nearest(&word, ELSEWHERE.iter().map(|(word, help)| ((*word).to_owned(), help))) {
        return problem.help(match help {
            Some(meant) => format!("did you mean {meant}?"),
            None => "`--config FILE` names a configuration file, no variable does".to_owned(),
        });
    }
    // Not a key that is known here, but written as nothing is.
    let rest = name["HOSTKIT".len()..].trim_start_matches('_');
    match rest.split_once("__") {
        Some((first, key)) if first.to_uppercase().starts_with("FILE_") => {
            problem.help(format!("did you mean HOSTKIT_FILE__{}__{key}?", &first["FILE_".len()..]))
        }
        Some((first, key)) if suggest(first, ["file"]).is_some() => {
            problem.help(format!("did you mean HOSTKIT_FILE__{key}?"))
        }
        Some(_) => problem.help(format!("did you mean HOSTKIT__{rest}?")),
        None => problem.help("hostkit reads HOSTKIT_ENV, HOSTKIT__SECTION__KEY and HOSTKIT_FILE__SECTION__KEY"),
    }
}

/// The variable of a known key that a variable was probably meant to be.
fn meant_variable(name: &str, paths: &[String]) -> Option<String> {
    let word = plain(&name["HOSTKIT".len()..]);
    let known = || paths.iter().map(|path| (plain(path), path));
    let of_file = word.split_once('_').filter(|(first, _)| suggest(first, ["file"]).is_some());
    let value = nearest(&word, known()).map(|(distance, path)| (distance, "HOSTKIT__", path));
    let file = of_file.and_then(|(_, rest)| nearest(rest, known()));
    let file = file.map(|(distance, path)| (distance, "HOSTKIT_FILE__", path));
    let (_, prefix, path) = value.into_iter().chain(file).min_by_key(|(distance, ..)| *distance)?;
    let path = path.replace('.', "__").replace('-', "_").to_uppercase();
    Some(format!("{prefix}{path}"))
}

/// A path or a variable without what people get wrong: case, and how many underscores or dots stand between words.
fn plain(path: &str) -> String {
    let words: Vec<_> = path.split(['.', '-', '_']).filter(|word| !word.is_empty()).collect();
    words.join("_").to_lowercase()
}
