//! Where a value came from.

use std::fmt;

use crate::registry::Source;

/// Where a value came from, readable enough to go and change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody set it.
    Default,
    /// The attribute in the source code.
    Attribute(Source),
    /// A configuration file.
    File {
        /// As the user would write it.
        path: String,
        /// The line of the key, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A file that an environment variable names.
    SecretFile {
        /// The variable.
        variable: String,
        /// The file it names.
        path: String,
    },
    /// `.set()` on the builder.
    Code,
    /// `--set` on the command line.
    Set,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Attribute(source) => source.fmt(f),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Environment(variable) => write!(f, "environment variable {variable}"),
            Self::SecretFile { variable, path } => write!(f, "file {path} (environment variable {variable})"),
            Self::Code => f.write_str("`.set()`"),
            Self::Set => f.write_str("--set"),
        }
    }
}

impl Origin {
    /// The line under a problem that says where the faulty value stands.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Default => "the default".to_owned(),
            Self::Attribute(_) | Self::File { .. } => format!("set at {self}"),
            Self::Environment(_) | Self::Code | Self::Set => format!("set by {self}"),
            Self::SecretFile { .. } => format!("read from {self}"),
        }
    }
}
