//! What hostkit does, seen from outside.
//!
//! Most tests build a host of a few annotated functions and start it in this process, on a paused clock where time
//! matters. What needs signals, exit codes or an environment of its own runs a program of `src/bin` as a child process.

#![allow(clippy::needless_pass_by_value, reason = "what hostkit passes by value is taken by value")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod support;

mod blocking;
mod build;
mod child;
#[cfg(target_os = "linux")]
mod clock;
#[cfg(target_os = "linux")]
mod crash;
mod durable;
mod failure;
mod inject;
mod life;
mod liveness;
mod periodic;
mod program;
mod queue;
mod races;
#[cfg(target_os = "linux")]
mod signals;
mod store;
#[cfg(target_os = "linux")]
mod systemd;
mod testing;
mod testing_durable;
mod web;
