//! The attribute macros of hostkit.
