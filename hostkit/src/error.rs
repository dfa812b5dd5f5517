//! What every operation's error is made of.

use std::error::Error;

/// Any error of a user's function.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// An error and everything that caused it on one line, for reports that end here.
///
/// Many errors repeat their source in their own text; a cause that has just been said is not said again.
pub(crate) struct WithCauses<'a>(pub(crate) &'a (dyn Error + 'static));

impl std::fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !said.ends_with(&text) {
                write!(f, ": {text}")?;
                said = text;
            }
            source = cause.source();
        }
        Ok(())
    }
}

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

#[cfg(test)]
mod tests {
    use super::WithCauses;

    #[derive(Debug, thiserror::Error)]
    enum Layered {
        #[error("the shop is closed")]
        Plain(#[source] std::num::ParseIntError),
        #[error("the shop is closed: {0}")]
        Repeating(#[source] std::num::ParseIntError),
        #[error(transparent)]
        Transparent(Box<Layered>),
    }

    #[test]
    fn every_cause_is_said_once() {
        let number = || "x".parse::<u8>().unwrap_err();
        let expected = "the shop is closed: invalid digit found in string";
        for error in [
            Layered::Plain(number()),
            Layered::Repeating(number()),
            Layered::Transparent(Box::new(Layered::Plain(number()))),
        ] {
            assert_eq!(WithCauses(&error).to_string(), expected, "{error:?}");
        }
    }
}
