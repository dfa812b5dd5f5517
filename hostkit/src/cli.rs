//! The generated program's command line: what is asked for, and one file per command.
//!
//! Results go to standard output and nothing else does, so that they can be piped; a reader that closes the pipe is
//! content, and that is no failure.

mod arguments;
#[cfg(feature = "durable")]
mod durable;
mod graph;
mod list;
mod names;
mod sample;
mod stdout;
mod table;
#[cfg(test)]
mod tests;
mod trigger;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::config::Item;
use crate::host::{Host, HostBuilder};
use crate::program::{Failure, Program};
use crate::queue::TaskQueue;
use crate::registry::ServiceEntry;

/// What the command line says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Invocation {
    command: Command,
    common: Common,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Command {
    /// Also what a bare call means.
    #[default]
    Run,
    List(list::Form),
    Check,
    Graph(graph::Language),
    Trigger {
        name: String,
        /// The payload of a durable function.
        json: Option<String>,
    },
    Enqueue {
        name: String,
        json: String,
        wishes: trigger::Wishes,
    },
    ConfigShow,
    ConfigSample,
    #[cfg(feature = "durable")]
    Durable(durable::Request),
}

/// The options of every command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Common {
    files: Vec<PathBuf>,
    environment: Option<String>,
    sets: Vec<String>,
    only: Vec<String>,
    except: Vec<String>,
    filter: Option<String>,
    json_log: Option<bool>,
}

impl Invocation {
    /// Reads the arguments of this process. What is printed instead of a command, such as help, is printed here.
    ///
    /// # Errors
    /// Returns the exit code if there is no command to perform.
    pub(crate) fn of_process(program: &'static Program) -> Result<Self, ExitCode> {
        arguments::parse(program, std::env::args_os()).map_err(|error| {
            // Help that nobody reads is no failure.
            drop(error.print());
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
        })
    }

    /// How this command should be logged.
    #[cfg(feature = "log")]
    pub(crate) fn logging(&self) -> crate::log::Wishes {
        use crate::log::{Format, Level, Wishes};
        let level = match self.command {
            Command::Run | Command::Check | Command::Trigger { .. } => Level::Info,
            _ => Level::Warn,
        };
        let format = self.common.json_log.map(|json| if json { Format::Json } else { Format::Compact });
        Wishes { filter: self.common.filter.clone(), format, level }
    }

    /// Tells the builder what the options say. It comes after the user's setup: whoever calls the program decides.
    pub(crate) fn configure(&self, builder: &mut HostBuilder) {
        let Common { files, environment, sets, only, except, filter: _, json_log: _ } = &self.common;
        let sources = builder.sources();
        sources.files.extend(files.iter().cloned());
        sources.sets.extend(sets.iter().cloned());
        if environment.is_some() {
            sources.environment.clone_from(environment);
        }
        if !only.is_empty() {
            builder.only_these(only.clone());
        }
        builder.except(except);
    }

    /// Does what was asked for.
    pub(crate) async fn perform(self, program: &'static Program, mut builder: HostBuilder) -> Result<(), Failure> {
        match self.command {
            Command::Run => Ok(builder.build().await?.run().await?),
            Command::List(form) => stdout::print(&list::render(program, &builder.build().await?, form)),
            Command::Check => stdout::print(&checked(&builder.build().await?)),
            Command::Graph(language) => stdout::print(&graph::render(&builder.build().await?, language)),
            Command::Trigger { name, json } => trigger::trigger(builder, &name, json).await,
            Command::Enqueue { name, json, wishes } => trigger::enqueue(builder, &name, json, wishes).await,
            Command::ConfigShow => stdout::print(&shown(&builder.build().await?)),
            #[cfg(feature = "durable")]
            Command::Durable(request) => request.perform(&builder).await,
            Command::ConfigSample => stdout::print(&sample::render(&builder.registered())),
        }
    }
}

fn checked(host: &Host) -> String {
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let services = counted(host.services.len(), "service");
    let components = counted(host.container.graph.components().count(), "component");
    format!("ok: {services}, {components}\n")
}

fn shown(host: &Host) -> String {
    let item = |(name, entry): (&'static str, &'static ServiceEntry)| Item {
        attribute: entry.kind.attribute(),
        name,
        options: entry.options,
        reference: entry.kind.options(),
        source: entry.source,
    };
    // What is left out may be so because of a value, which is then the one to be looked for.
    let built_in = host.services.iter().map(|service| (service.name, service.entry));
    let built_in = built_in.filter(|(_, entry)| std::ptr::eq(*entry, TaskQueue::ENTRY));
    let items: Vec<_> = host.known.iter().copied().chain(built_in).map(item).collect();
    host.configuration.show(&items)
}
