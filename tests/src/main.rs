//! A program that compiles a file of its library a second time.

mod jobs;

hostkit::main!();
