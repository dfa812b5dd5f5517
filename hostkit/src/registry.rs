//! What the annotated items hand to the host: plain data.

mod collect;

use std::any::TypeId;

use crate::component::{Edge, NodePtr};

pub use collect::register;
pub(crate) use collect::registered;

/// The crates that have contributed something to the program.
#[cfg(feature = "testing")]
pub(crate) fn registered_crates() -> std::collections::BTreeSet<&'static str> {
    let of = |registration| match registration {
        Registration::Node(node) => Some(node.read().source.crate_name()),
        Registration::Service(entry) => Some(entry.source.crate_name()),
        Registration::Linked(_) => None,
    };
    registered().into_iter().filter_map(of).collect()
}

/// Where an item was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The file as the compiler names it.
    pub file: &'static str,
    /// The line of the attribute, from 1.
    pub line: u32,
    /// The module path; its first segment is the crate.
    pub module: &'static str,
}

impl Source {
    /// The crate that declared the item, with underscores.
    pub fn crate_name(&self) -> &'static str {
        self.module.split("::").next().unwrap_or(self.module)
    }
}

/// The place of the attribute in whose expansion this stands; the compiler knows all of it but the module.
#[track_caller]
pub const fn here(module: &'static str) -> Source {
    let place = std::panic::Location::caller();
    Source { file: place.file(), line: place.line(), module }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One registered item.
#[derive(Debug, Clone, Copy)]
pub enum Registration {
    /// A component, a `fn` provider or an options struct.
    Node(NodePtr),
    /// A background service, periodic or queued function, or a hook.
    Service(&'static ServiceEntry),
    /// A library crate was linked by name: `hostkit::link!` or `link(…)`; the crate's name.
    Linked(&'static str),
}

/// A function the host runs.
#[derive(Debug)]
pub struct ServiceEntry {
    /// Unique in the program.
    pub name: &'static str,
    /// The first paragraph of the doc comment; empty without one.
    pub description: &'static str,
    /// Where the attribute stands.
    pub source: Source,
    /// The handle type that names it.
    pub handle: fn() -> TypeId,
    /// What it asks for, without the payload.
    pub edges: &'static [Edge],
    /// The services or hooks that must be ready before it starts.
    pub after: &'static [After],
    /// The options of the attribute that configuration may override: the lowest layer of its section.
    pub options: &'static [(&'static str, Setting)],
    /// Which attribute, and how to run it.
    pub kind: crate::__private::Kind,
}

/// One name in `after = [..]`.
#[derive(Debug, Clone, Copy)]
pub struct After {
    /// The handle type of the predecessor.
    pub handle: fn() -> TypeId,
    /// As the user wrote it.
    pub name: &'static str,
}

/// The value of an attribute option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// `every = "1h"`
    Text(&'static str),
    /// `capacity = 100`
    Integer(i64),
    /// `run_at_start = true`
    Flag(bool),
}
