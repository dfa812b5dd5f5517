//! What every operation's error is made of.

use std::error::Error;

/// Any error of a user's function.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// One fault found while the host was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What is wrong, in one sentence without a full stop.
    pub(crate) message: String,
    /// Indented lines below it: where it was declared, where the value came from, the chain.
    pub(crate) details: Vec<String>,
    /// What to do about it, where that is certain.
    pub(crate) help: Option<String>,
}

impl Problem {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), details: Vec::new(), help: None }
    }

    pub(crate) fn at(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl std::fmt::Display for Problem {
    /// One line: the message, then the details.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        for detail in &self.details {
            write!(f, "; {detail}")?;
        }
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}
