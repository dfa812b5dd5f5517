//! A program that compiles a file of its library a second time.

#[path = "../jobs.rs"]
mod jobs;

hostkit::main!();
