//! The tree that all layers merge into; every node remembers its origin.
//!
//! # Invariants
//!
//! 1. Keys of files, `.set()` and `--set` are kept as written. A key that came from the environment is *loose*: it lost
//!    its case and its hyphens, and it stands for any key that differs from it in nothing else.
//! 2. A table never holds a loose key beside an exact one that it stands for: merging unites them under the exact one.
//! 3. A node's `layer` grows with precedence, so two nodes tell which of them was set later.

use std::collections::BTreeMap;

use super::Origin;

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(super) value: Value,
    pub(super) origin: Origin,
    pub(super) layer: usize,
    /// What was written, where the value was read out of plain text: a text is wanted as it was written, even if it
    /// looks like a number.
    pub(super) written: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Integer(i128),
    Float(f64),
    Flag(bool),
    /// A TOML date or time, in its own notation.
    Moment(String),
    Array(Vec<Node>),
    Table(Table),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Table {
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    loose: bool,
    node: Node,
}

impl Node {
    pub(super) fn table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The kind of the value, with its article.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a text",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a float",
            Value::Flag(_) => "a boolean",
            Value::Moment(_) => "a date or time",
            Value::Array(_) => "an array",
            Value::Table(_) => "a table",
        }
    }

    fn merge(&mut self, later: Self) {
        match (&mut self.value, later.value) {
            (Value::Table(table), Value::Table(later)) => table.merge(later),
            (value, later_value) => {
                *value = later_value;
                self.origin = later.origin;
                self.layer = later.layer;
                self.written = later.written;
            }
        }
    }
}

impl Table {
    pub(super) fn insert(&mut self, key: impl Into<String>, node: Node) {
        self.entries.insert(key.into(), Entry { loose: false, node });
    }

    /// Inserts a key that came from the environment.
    pub(super) fn insert_loose(&mut self, key: impl Into<String>, node: Node) {
        self.entries.insert(key.into(), Entry { loose: true, node });
    }

    /// Lays a later table over this one (invariant 2).
    pub(super) fn merge(&mut self, later: Self) {
        for (key, later) in later.entries {
            let known = if self.entries.contains_key(&key) {
                Some(key.clone())
            } else {
                self.entries
                    .iter()
                    .find(|(known, entry)| (later.loose || entry.loose) && same(known, &key))
                    .map(|(known, _)| known.clone())
            };
            let Some((known, mut entry)) = known.and_then(|known| self.entries.remove_entry(&known)) else {
                self.entries.insert(key, later);
                continue;
            };
            entry.node.merge(later.node);
            let key = if later.loose { known } else { key };
            entry.loose &= later.loose;
            self.entries.insert(key, entry);
        }
    }

    /// The node under a key; loose keys are found by any spelling they stand for.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        let exact = self.entries.get(key);
        exact
            .or_else(|| self.entries.iter().find(|(known, entry)| entry.loose && same(known, key)).map(|(_, e)| e))
            .map(|e| &e.node)
    }

    /// The node under a dotted path.
    pub(super) fn at(&self, path: &str) -> Option<&Node> {
        match path.split_once('.') {
            None => self.get(path),
            Some((first, rest)) => self.get(first)?.table()?.at(rest),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), &entry.node))
    }

    /// The entries with each loose key under the one of `fields` that it stands for.
    pub(super) fn named_after(&self, fields: &[&'static str]) -> Vec<(String, &Node)> {
        let spelled = |key: &str, entry: &Entry| match fields.iter().find(|field| entry.loose && same(key, field)) {
            Some(field) => (*field).to_owned(),
            None => key.to_owned(),
        };
        self.entries.iter().map(|(key, entry)| (spelled(key, entry), &entry.node)).collect()
    }

    /// Renames every key; what two keys become one is given to `twice`, and the first of them is kept.
    pub(super) fn rename(self, name: impl Fn(&str) -> String, mut twice: impl FnMut(&str, &Node, &Node)) -> Self {
        let mut renamed = Self::default();
        for (key, entry) in self.entries {
            let key = name(&key);
            match renamed.entries.get(&key) {
                Some(first) => twice(&key, &first.node, &entry.node),
                None => {
                    renamed.entries.insert(key, entry);
                }
            }
        }
        renamed
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&str, &Node) -> bool) {
        self.entries.retain(|key, entry| keep(key, &entry.node));
    }

    /// Passes each node through `change`.
    pub(super) fn map(self, mut change: impl FnMut(&str, Node) -> Node) -> Self {
        let entries = self.entries.into_iter().map(|(key, Entry { loose, node })| {
            let node = change(&key, node);
            (key, Entry { loose, node })
        });
        Self { entries: entries.collect() }
    }
}

/// Whether two keys differ in nothing but case and hyphens.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes()
            .zip(b.bytes())
            .all(|(a, b)| a.eq_ignore_ascii_case(&b) || (matches!(a, b'-' | b'_') && matches!(b, b'-' | b'_')))
}
