//! The program that `hostkit::main!()` stands for: read the command line, set the host up, do one command, exit.
//!
//! # Invariants
//!
//! 1. Data is printed on standard output, everything else on standard error. Neither being closed is a panic.
//! 2. The user's setup comes before the command line, so that what is asked for there has the last word.
//! 3. The subscriber listens to the setup, and becomes the program's own only if the setup has not installed another.
//! 4. When the command is done the process ends, whatever its threads are doing. When it cannot be, because the runtime
//!    is blocked, a second signal or the deadline of the stop ends the process (`host/force`).

#[cfg(not(feature = "cli"))]
mod bare;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::process::ExitCode;

#[cfg(not(feature = "cli"))]
use self::bare::Invocation;
#[cfg(feature = "cli")]
use crate::cli::Invocation;
use crate::function::{Ended, IntoEnded};
use crate::host::{BuildError, Host, HostBuilder, ProcessOwner, RunError, claim_end};

/// What the expansion of `main` says about the program.
#[derive(Debug)]
pub struct Program {
    /// The package's name.
    pub name: &'static str,
    /// The package's version.
    pub version: &'static str,
    /// The library crates that were linked by name.
    pub linked: &'static [&'static str],
    /// The runtime it wants.
    pub runtime: Runtime,
}

/// The tokio runtime of a program.
#[derive(Debug, Clone, Copy)]
pub struct Runtime {
    /// `flavor = "…"`
    pub flavor: Flavor,
    /// `worker_threads = 4`; without it, one per core.
    pub worker_threads: Option<usize>,
}

/// Which of tokio's schedulers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    /// Tasks run on worker threads.
    MultiThread,
    /// Everything runs on the main thread.
    CurrentThread,
}

impl Runtime {
    fn build(self) -> io::Result<tokio::runtime::Runtime> {
        let mut builder = match self.flavor {
            Flavor::MultiThread => tokio::runtime::Builder::new_multi_thread(),
            Flavor::CurrentThread => tokio::runtime::Builder::new_current_thread(),
        };
        if let Some(threads) = self.worker_threads {
            builder.worker_threads(threads);
        }
        builder.enable_all().build()
    }
}

type SettingUp<'h> = Pin<Box<dyn Future<Output = Ended> + 'h>>;

/// The body of the user's `main`.
pub struct Setup(Option<Box<Body>>);

type Body = dyn for<'h> FnOnce(&'h mut HostBuilder) -> SettingUp<'h>;

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Setup").field(&self.0.is_some()).finish()
    }
}

impl Setup {
    /// There is no body: `hostkit::main!()`.
    pub fn none() -> Self {
        Self(None)
    }

    /// A synchronous function.
    pub fn plain<R: IntoEnded>(setup: impl FnOnce(&mut HostBuilder) -> R + 'static) -> Self {
        Self(Some(Box::new(move |host| Box::pin(std::future::ready(setup(host).into_ended())))))
    }

    /// An asynchronous function. It runs on the main thread, so its future need not be `Send`.
    pub fn asynchronous<R: IntoEnded + 'static>(
        setup: impl for<'h> FnOnce(&'h mut HostBuilder) -> Pin<Box<dyn Future<Output = R> + 'h>> + 'static,
    ) -> Self {
        Self(Some(Box::new(move |host| {
            let setup = setup(host);
            Box::pin(async move { setup.await.into_ended() })
        })))
    }

    async fn apply(self, builder: &mut HostBuilder) -> Result<(), Failure> {
        match self.0 {
            None => Ok(()),
            Some(setup) => setup(builder).await.map_err(|error| Failure::setup(&*error)),
        }
    }
}

/// Why a command ended the program, as it is printed, and the exit code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) report: String,
    pub(crate) code: u8,
}

impl Failure {
    /// The command line asks for something that cannot be had.
    #[cfg(feature = "cli")]
    pub(crate) fn usage(report: impl Into<String>) -> Self {
        Self { report: report.into(), code: 2 }
    }

    /// Anything that has no code of its own.
    pub(crate) fn other(report: impl Into<String>) -> Self {
        Self { report: report.into(), code: 1 }
    }

    fn setup(error: &(dyn Error + 'static)) -> Self {
        let mut report = format!("`main` failed while it set up the host: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            report.push_str("\n  caused by: ");
            report.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::other(report)
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self { report: error.to_string(), code: error.exit_code() }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self { report: error.to_string(), code: error.exit_code() }
    }
}

/// The generated `main`.
pub fn main(program: &'static Program, setup: Setup) -> ExitCode {
    let invocation = match Invocation::of_process(program) {
        Ok(invocation) => invocation,
        Err(code) => return code,
    };
    let runtime = match program.runtime.build() {
        Ok(runtime) => runtime,
        Err(error) => {
            say(&format!("the tokio runtime cannot be started: {error}"));
            return ExitCode::from(75);
        }
    };
    let result = runtime.block_on(perform(program, setup, invocation));
    claim_end();
    let code = match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { report, code }) => {
            say(&report);
            ExitCode::from(code)
        }
    };
    // Dropping the runtime would wait for its blocking threads (invariant 4).
    runtime.shutdown_background();
    match crate::tasks::blocking_calls().len() {
        0 => {}
        1 => say("1 blocking function is still running and was left behind"),
        left => say(&format!("{left} blocking functions are still running and were left behind")),
    }
    code
}

async fn perform(program: &'static Program, setup: Setup, invocation: Invocation) -> Result<(), Failure> {
    let mut builder = Host::builder();
    builder.owner = ProcessOwner::Program;
    #[cfg(feature = "log")]
    let listening = crate::log::listen(&invocation.logging(), program.name);
    setup.apply(&mut builder).await?;
    #[cfg(feature = "log")]
    listening.install();
    invocation.configure(&mut builder);
    invocation.perform(program, builder).await
}

/// Checks the wiring of a program and the literals in its attributes, without reading any configuration.
///
/// # Panics
/// With the report of everything that is wrong.
#[track_caller]
pub fn check_wiring(program: &'static Program, setup: Setup) {
    let runtime =
        program.runtime.build().unwrap_or_else(|error| panic!("the tokio runtime cannot be started: {error}"));
    let checked = runtime.block_on(async {
        let mut builder = Host::builder();
        setup.apply(&mut builder).await?;
        builder.sources().wiring_only = true;
        // One of them names the environment.
        builder.sources().variables.clear();
        Ok(builder.build().await?)
    });
    runtime.shutdown_background();
    match checked {
        Ok(Host { .. }) => {}
        Err(Failure { report, .. }) => panic!("{report}"),
    }
}

/// Prints one message on standard error. That it cannot be written is no reason to fail: there is nobody to tell.
pub(crate) fn say(message: &str) {
    drop(writeln!(io::stderr().lock(), "hostkit: {message}"));
}
