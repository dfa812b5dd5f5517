//! `config show`: every value and where it came from.
#![cfg_attr(not(feature = "cli"), allow(dead_code, reason = "`config show` is a command"))]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::reference::{Unset, options};
use super::tree::{Node, Table, Value};
use super::{Configuration, Item, OWN_SECTIONS, Origin, secret};

/// The comments stand in one column, unless a line is longer than this.
const WIDEST: usize = 60;

/// What is shown of each path: its value and its origin.
type Lines = BTreeMap<Vec<String>, (String, Origin)>;

impl Configuration {
    /// Every value that is in effect, one line each, sorted, as TOML with its origin as the comment. Options that have no
    /// value when nobody sets them are left out.
    ///
    /// Hidden are values whose keys end in password, secret, token or key, user parts of URLs, and what was bound into
    /// a [`Secret`](super::Secret). The type of a value that was never bound cannot be known, so for it the rule about
    /// keys has to do.
    pub(crate) fn show(&self, items: &[Item]) -> String {
        let mut lines = Lines::new();
        self.collect(&self.root, &[], &mut lines);
        complete("host", &["host".to_owned()], &mut lines);
        complete("store", &["store".to_owned()], &mut lines);
        for item in items {
            // The tree has underscores where the name may have hyphens.
            if OWN_SECTIONS.contains(&item.attribute) {
                complete(item.attribute, &[item.attribute.to_owned()], &mut lines);
                continue;
            }
            let spelled = [item.attribute.to_owned(), item.name.replace('-', "_")];
            lines.retain(|path, _| !path.starts_with(&spelled));
            let mut settings = self.settings(item);
            settings.one_of(&["every", "cron"]);
            for (key, node) in settings.values() {
                let path = vec![item.attribute.to_owned(), item.name.to_owned(), key.to_owned()];
                let literal = self.literal(&path.join("."), key, node);
                lines.insert(path, (literal, node.origin.clone()));
            }
            complete(item.reference, &[item.attribute.to_owned(), item.name.to_owned()], &mut lines);
        }
        let lines: Vec<_> = lines
            .into_iter()
            .map(|(path, (literal, origin))| (format!("{} = {literal}", dotted(&path)), origin))
            .collect();
        let width =
            lines.iter().map(|(line, _)| line.chars().count()).filter(|width| *width <= WIDEST).max().unwrap_or(0);
        let mut shown = format!("# environment: {}\n", self.environment);
        for (line, origin) in lines {
            // A path may contain what a comment may not.
            let origin = origin.to_string().replace(char::is_control, "\u{fffd}");
            let _ = writeln!(shown, "{line:width$}  # {origin}");
        }
        shown
    }

    fn collect(&self, table: &Table, above: &[String], lines: &mut Lines) {
        for (key, node) in table.iter() {
            let path = [above, &[key.to_owned()]].concat();
            match node.table() {
                Some(table) if !self.is_secret(&path.join(".")) => self.collect(table, &path, lines),
                _ => {
                    let literal = self.literal(&path.join("."), key, node);
                    lines.insert(path, (literal, node.origin.clone()));
                }
            }
        }
    }

    fn literal(&self, path: &str, key: &str, node: &Node) -> String {
        if self.is_secret(path) || secret::is_secret_key(key) {
            return quoted(secret::MASK);
        }
        match &node.value {
            Value::Array(nodes) => {
                let elements =
                    nodes.iter().enumerate().map(|(index, node)| self.literal(&format!("{path}[{index}]"), key, node));
                format!("[{}]", elements.collect::<Vec<_>>().join(", "))
            }
            Value::Table(table) => {
                let entry = |(key, node): (&str, &Node)| {
                    format!("{} = {}", bare(key), self.literal(&format!("{path}.{key}"), key, node))
                };
                braced(table.iter().map(entry))
            }
            Value::Text(text) => quoted(&secret::mask(text)),
            _ => literal(node),
        }
    }
}

/// Adds the defaults of one of hostkit's own sections to what is set in it.
fn complete(section: &str, path: &[String], lines: &mut Lines) {
    for option in options(section) {
        if let Unset::Is(default) = option.unset {
            let path = [path, &[option.name.to_owned()]].concat();
            lines.entry(path).or_insert_with(|| (default.to_owned(), Origin::Default));
        }
    }
}

/// A value as TOML on one line, with nothing hidden.
pub(super) fn literal(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => quoted(text),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) if number.is_nan() => "nan".to_owned(),
        Value::Float(number) => format!("{number:?}"),
        Value::Flag(flag) => flag.to_string(),
        Value::Moment(moment) => moment.clone(),
        Value::Array(nodes) => format!("[{}]", nodes.iter().map(literal).collect::<Vec<_>>().join(", ")),
        Value::Table(table) => braced(table.iter().map(|(key, node)| format!("{} = {}", bare(key), literal(node)))),
    }
}

fn braced(entries: impl Iterator<Item = String>) -> String {
    let entries: Vec<_> = entries.collect();
    if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
}

/// A text as a TOML string on one line.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A key as TOML, quoted only where it has to be.
pub(super) fn bare(key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if plain { key.to_owned() } else { quoted(key) }
}

fn dotted(path: &[String]) -> String {
    path.iter().map(|key| bare(key)).collect::<Vec<_>>().join(".")
}
