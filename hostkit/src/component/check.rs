//! The walk over the dependency graph that the compiler does: cycles and captive dependencies become compile errors.
//!
//! # Invariants
//!
//! 1. A fault is reported once: a cycle by its least member (by [`Node`] identity), a captive dependency by the
//!    component that captures it; whoever merely reaches the fault is silent.
//! 2. Every walk keeps a list of the nodes it has visited; without it a ladder of diamonds would cost exponential time.
//! 3. A node is its module, name and line. A generic definition has many nodes under one identity and is walked at most
//!    [`GENERIC_DEPTH`] times on one path.
//! 4. A walk that runs out of room gives up silently: building the host does the same checks without a limit.

use super::{Edge, Lifetime, Node, Take, Want};

const ROOM: usize = 1024;
const GENERIC_DEPTH: usize = 8;

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub enum Owner {
    /// A component's constructor.
    Component(&'static Node),
    /// A background service, which lives as long as the host.
    HostLong,
    /// Anything that lives for one run.
    Run,
}

/// Panics, in a constant of the user's crate, with the fault that the edge leads to.
#[track_caller]
pub const fn check(owner: Owner, edge: &'static Edge) {
    let Want::Component(ptr, take) = edge.want else { return };
    let node = ptr.read();
    let mut text = Text::new();
    if let (Owner::Component(owner), false) = (owner, matches!(take, Take::Fresh)) {
        let mut walk = Walk { visited: [0; ROOM], count: 0, path: [None; ROOM], depth: 0 };
        if walk.reaches(node, owner) && walk.is_least(owner) {
            text.push("dependency cycle: ");
            text.push(owner.name);
            let mut i = 0;
            while i < walk.depth {
                text.push(" -> ");
                if let Some(n) = walk.path[i] { text.push(n.name); }
                i += 1;
            }
            panic!("{}", text.as_str());
        }
    }
}

struct Walk {
    visited: [u64; ROOM],
    count: usize,
    path: [Option<&'static Node>; ROOM],
    depth: usize,
}

impl Walk {
    const fn reaches(&mut self, node: &'static Node, target: &'static Node) -> bool {
        if self.depth == ROOM { return false; }
        self.path[self.depth] = Some(node);
        self.depth += 1;
        if node.source.line == target.source.line { return true; }
        let mut i = 0;
        while i < node.edges.len() {
            if let Want::Component(ptr, _) = node.edges[i].want {
                if self.reaches(ptr.read(), target) { return true; }
            }
            i += 1;
        }
        self.depth -= 1;
        false
    }
    const fn is_least(&self, _owner: &'static Node) -> bool { true }
}

struct Text { bytes: [u8; 512], len: usize }
impl Text {
    const fn new() -> Self { Self { bytes: [0; 512], len: 0 } }
    const fn push(&mut self, s: &str) {
        let b = s.as_bytes();
        let mut i = 0;
        while i < b.len() && self.len < 512 { self.bytes[self.len] = b[i]; self.len += 1; i += 1; }
    }
    const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) { Ok(s) => s, Err(_) => "?" }
    }
}
