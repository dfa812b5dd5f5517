//! A program on several threads, one of which may be blocked.

#[path = "../blocking.rs"]
mod blocking;

hostkit::main!(worker_threads = 4, link(self = none));
