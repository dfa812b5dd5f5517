//! The command line of a program built without the feature `cli`: there is none.

use std::process::ExitCode;

use super::{Failure, Program, say};
use crate::host::HostBuilder;

/// The only thing such a program does: run.
#[derive(Debug)]
pub(super) struct Invocation;

impl Invocation {
    pub(super) fn of_process(program: &'static Program) -> Result<Self, ExitCode> {
        match std::env::args_os().nth(1) {
            None => Ok(Self),
            Some(argument) => {
                say(&format!(
                    "`{}` takes no arguments, and was given `{}`: it was built without hostkit's feature `cli`",
                    program.name,
                    argument.display(),
                ));
                Err(ExitCode::from(2))
            }
        }
    }

    #[cfg(feature = "log")]
    #[allow(clippy::unused_self, reason = "the same shape as with the feature")]
    pub(super) fn logging(&self) -> crate::log::Wishes {
        crate::log::Wishes::default()
    }

    #[allow(clippy::unused_self, reason = "the same shape as with the feature")]
    pub(super) fn configure(&self, _builder: &mut HostBuilder) {}

    pub(super) async fn perform(self, _program: &'static Program, mut builder: HostBuilder) -> Result<(), Failure> {
        Ok(builder.build().await?.run().await?)
    }
}
