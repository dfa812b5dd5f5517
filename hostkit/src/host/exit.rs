//! Exit codes for people with a `main` of their own.

use std::process::{ExitCode, Termination};

use super::{BuildError, RunError, StartError};

macro_rules! exits {
    ($($error:ty),*) => {$(
        impl From<$error> for ExitCode {
            fn from(error: $error) -> Self {
                Self::from(error.exit_code())
            }
        }

        impl Termination for $error {
            fn report(self) -> ExitCode {
                tracing::error!(target: "hostkit::host", "{self}");
                self.into()
            }
        }
    )*};
}

exits!(BuildError, StartError, RunError);
