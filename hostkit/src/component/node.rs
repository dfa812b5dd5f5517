//! What a component attribute leaves behind: a [`Node`] with its edges, readable by the compiler and by the host.
//!
//! # Invariants
//!
//! 1. A [`NodePtr`] is only ever made from a `&'static Node`, so reading through it is always valid.
//! 2. Edges hold a pointer and not a reference: the compiler follows references when it validates a constant, and a
//!    dependency cycle would then become a page of its own query cycles instead of our one sentence.
//! 3. A `Node` has no interior mutability, so sharing the pointer between threads is sharing `&'static Node`.
//!
//! This is the one file of hostkit that contains `unsafe`.
#![allow(unsafe_code, reason = "the two lines below; invariants 1 and 3 are why they are sound")]

use super::{Lifetime, Recipe, Want};
use crate::registry::Source;

/// One provider of the program: a component or a `fn` provider.
#[derive(Debug)]
pub struct Node {
    /// The name as the user wrote it, without its module.
    pub name: &'static str,
    /// Where the attribute stands.
    pub source: Source,
    /// How long a built value lives.
    pub lifetime: Lifetime,
    /// What its constructor asks for, in the order of its parameters.
    pub edges: &'static [Edge],
    /// Whether it is generic: its name then stands for many nodes.
    pub generic: bool,
    /// How to build and dispose it.
    pub recipe: Recipe,
}

/// One parameter of a constructor or of a service.
#[derive(Debug)]
pub struct Edge {
    /// The parameter's or field's name.
    pub parameter: &'static str,
    /// The provider with this key and no other, if any.
    pub key: Option<&'static str>,
    /// What is asked for.
    pub want: Want,
}

/// The address of a node, comparable and readable in constants.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct NodePtr(*const Node);

// SAFETY: invariants 1 and 3.
unsafe impl Send for NodePtr {}
// SAFETY: invariants 1 and 3.
unsafe impl Sync for NodePtr {}

impl NodePtr {
    /// The address of a static node.
    pub const fn of(node: &'static Node) -> Self {
        Self(node)
    }

    /// The node itself.
    pub const fn read(self) -> &'static Node {
        // SAFETY: invariant 1.
        unsafe { &*self.0 }
    }
}

impl std::fmt::Debug for NodePtr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The edges may form a cycle, so only the name is shown.
        f.debug_tuple("NodePtr").field(&self.read().name).finish()
    }
}
