//! A program on one thread, which may be blocked.

#[path = "../blocking.rs"]
mod blocking;

hostkit::main!(flavor = "current_thread", link(self = none));
