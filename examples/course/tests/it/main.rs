//! Runs each program of the course and checks what it did.

mod durable_invoices;
mod enqueue_from_web;
mod nightly_report;
mod polling_worker;
mod queue_consumer;
mod smallest;
mod standalone_worker;
mod task_queue;
mod timed_cleanup;

use driver::{Directory, Program, Sqlite};

/// A directory with a database for one program.
struct Place {
    directory: Directory,
}

impl Place {
    fn new() -> Self {
        Self { directory: Directory::new() }
    }

    /// Starts a program with its database here.
    fn start(&self, program: &str, arguments: &[&str]) -> Program {
        let database = format!("database.url=sqlite:{}", self.directory.join("data.db").display());
        Program::start(program, &self.directory, ["--set", &database].into_iter().chain(arguments.iter().copied()))
    }

    fn database(&self) -> Sqlite {
        Sqlite::open(&self.directory.join("data.db"))
    }
}
