//! The walk over the dependency graph that the compiler does: cycles and captive dependencies become compile errors.
//!
//! # Invariants
//!
//! 1. A fault is reported once: a cycle by its least member (in the order of module, line and name), a captive
//!    dependency by the one who captures; whoever merely reaches the fault is silent.
//! 2. A walk visits a node once; without that a ladder of diamonds would cost exponential time.
//! 3. A node is its module, line and name. The many nodes of a generic definition share one identity, so they are not
//!    marked as visited; instead a definition may occur [`GENERIC_DEPTH`] times on one path.
//! 4. A walk that runs out of room ends silently: building the host does the same checks without a limit.

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

/// Fails the compilation, in a constant of the user's crate, with the fault that the edge leads to.
///
/// # Panics
/// Panics with that fault.
#[track_caller]
pub const fn check(owner: Owner, edge: &'static Edge) {
    let Want::Component(node, take) = &edge.want else {
        return;
    };
    let node = node.read();
    if matches!(take, Take::Owned) {
        check_owned(node);
    }
    if matches!(take, Take::Fresh) {
        return;
    }
    match owner {
        Owner::Component(owner) => {
            check_cycle(owner, node);
            if matches!(owner.lifetime, Lifetime::Singleton) {
                check_captive(Some(owner.name), node);
            }
        }
        Owner::HostLong => check_captive(None, node),
        Owner::Run => {}
    }
}

#[track_caller]
const fn check_owned(node: &'static Node) {
    let mut text = Text::new();
    match node.lifetime {
        Lifetime::Transient if node.recipe.dispose.is_none() => return,
        Lifetime::Transient => {
            text.push("`")
                .push(node.name)
                .push("` has a `dispose`, so it cannot be owned: take it as `&T` or `Arc<T>`");
        }
        Lifetime::Singleton => {
            text.push("`")
                .push(node.name)
                .push("` is a singleton: only a transient can be taken as `&mut T` or `Box<T>`");
        }
        Lifetime::Scoped => {
            text.push("`").push(node.name).push("` is scoped: only a transient can be taken as `&mut T` or `Box<T>`");
        }
    }
    panic!("{}", text.as_str())
}

#[track_caller]
const fn check_cycle(owner: &'static Node, first: &'static Node) {
    let mut walk = Walk::from(first);
    while let Some(node) = walk.top() {
        if same(node, owner) {
            if walk.is_least(owner) {
                let mut text = Text::new();
                text.push("dependency cycle: ").push(owner.name);
                walk.write(&mut text);
                panic!("{}", text.as_str())
            }
            walk.pop();
        } else {
            walk.step(false);
        }
    }
}

#[track_caller]
const fn check_captive(singleton: Option<&str>, first: &'static Node) {
    let mut walk = Walk::from(first);
    while let Some(node) = walk.top() {
        match node.lifetime {
            Lifetime::Singleton => walk.pop(),
            Lifetime::Transient => walk.step(true),
            Lifetime::Scoped => {
                let mut text = Text::new();
                match singleton {
                    Some(owner) => {
                        text.push("captive dependency: ").push(owner);
                        walk.write(&mut text);
                        text.push(": the singleton `").push(owner).push("` would keep the scoped `").push(node.name);
                        text.push("` for ever; take `Scopes<")
                            .push(first.name)
                            .push(">` and open a scope when it is needed");
                    }
                    None => {
                        text.push("captive dependency: the service");
                        walk.write(&mut text);
                        text.push(": a background service lives as long as the host and would keep the scoped `");
                        text.push(node.name).push("`; take `Scopes<").push(first.name);
                        text.push(">`, or say `scope = \"whole-run\"` if the service is finite");
                    }
                }
                panic!("{}", text.as_str())
            }
        }
    }
}

/// A walk in depth: the path from the first node to the current one, and whom it has seen.
struct Walk {
    path: [Option<&'static Node>; ROOM],
    /// For each node on the path, the edge to follow next.
    next: [usize; ROOM],
    depth: usize,
    visited: [Option<&'static Node>; ROOM],
    count: usize,
}

impl Walk {
    const fn from(first: &'static Node) -> Self {
        let mut walk = Self { path: [None; ROOM], next: [0; ROOM], depth: 0, visited: [None; ROOM], count: 0 };
        walk.push(first);
        walk
    }

    const fn top(&self) -> Option<&'static Node> {
        if self.depth == 0 { None } else { self.path[self.depth - 1] }
    }

    const fn push(&mut self, node: &'static Node) {
        if self.depth < ROOM && self.count < ROOM / 2 && self.visit(node) {
            self.path[self.depth] = Some(node);
            self.next[self.depth] = 0;
            self.depth += 1;
        }
    }

    const fn pop(&mut self) {
        self.depth -= 1;
    }

    /// Goes on to the next node that the current one holds, or back.
    const fn step(&mut self, captives: bool) {
        let Some(node) = self.top() else { return };
        let edge = self.next[self.depth - 1];
        if edge == node.edges.len() {
            self.pop();
            return;
        }
        self.next[self.depth - 1] = edge + 1;
        if let Want::Component(next, take) = &node.edges[edge].want {
            let followed = !matches!(take, Take::Fresh);
            // A singleton cannot capture for someone else.
            if followed && !(captives && matches!(next.read().lifetime, Lifetime::Singleton)) {
                self.push(next.read());
            }
        }
    }

    /// Whether the node is new to this walk.
    const fn visit(&mut self, node: &'static Node) -> bool {
        if node.generic {
            let mut times = 0;
            let mut i = 0;
            while i < self.depth {
                if let Some(other) = self.path[i] {
                    times += same(node, other) as usize;
                }
                i += 1;
            }
            return times < GENERIC_DEPTH;
        }
        // An open-addressed table: half of it stays free, so the search ends.
        let mut slot = (node.source.line as usize * 31 + node.name.len() * 7 + node.source.module.len()) % ROOM;
        while let Some(other) = self.visited[slot] {
            if same(node, other) {
                return false;
            }
            slot = (slot + 1) % ROOM;
        }
        self.visited[slot] = Some(node);
        self.count += 1;
        true
    }

    /// Whether no node on the path comes before this one.
    const fn is_least(&self, node: &'static Node) -> bool {
        let mut i = 0;
        while i < self.depth {
            if let Some(other) = self.path[i]
                && precedes(other, node)
            {
                return false;
            }
            i += 1;
        }
        true
    }

    const fn write(&self, text: &mut Text) {
        let mut i = 0;
        while i < self.depth {
            if let Some(node) = self.path[i] {
                text.push(" -> ").push(node.name);
            }
            i += 1;
        }
    }
}

const fn same(a: &Node, b: &Node) -> bool {
    a.source.line == b.source.line && compare(a.name, b.name) == 0 && compare(a.source.module, b.source.module) == 0
}

const fn precedes(a: &Node, b: &Node) -> bool {
    match compare(a.source.module, b.source.module) {
        0 if a.source.line == b.source.line => compare(a.name, b.name) < 0,
        0 => a.source.line < b.source.line,
        order => order < 0,
    }
}

/// Negative, zero or positive, as `a` comes before, with or after `b`.
const fn compare(a: &str, b: &str) -> i32 {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() {
        if a[i] != b[i] {
            return a[i] as i32 - b[i] as i32;
        }
        i += 1;
    }
    if a.len() == b.len() {
        0
    } else if a.len() < b.len() {
        -1
    } else {
        1
    }
}

/// A message put together at compile time; cut off where it grows too long.
struct Text {
    bytes: [u8; 1024],
    len: usize,
}

impl Text {
    const fn new() -> Self {
        Self { bytes: [0; 1024], len: 0 }
    }

    const fn push(&mut self, text: &str) -> &mut Self {
        let text = text.as_bytes();
        if self.len + text.len() <= self.bytes.len() {
            let mut i = 0;
            while i < text.len() {
                self.bytes[self.len] = text[i];
                self.len += 1;
                i += 1;
            }
        }
        self
    }

    const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "dependency fault",
        }
    }
}
