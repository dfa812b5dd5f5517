//! Why a text is no expression.

use crate::field::Field;

/// Why a text is no cron expression, as the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct ExpressionError(Kind);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Kind {
    #[error(
        "a cron expression has five fields (minute hour day month weekday) or six with seconds first, this one has {0}"
    )]
    Count(usize),
    #[error("`{element}` is no {}: {reason} (it takes {})", field.noun(), field.range())]
    Element { field: Field, element: String, reason: String },
    #[error("this time never comes: none of its months has such a day")]
    Never,
    #[error("`@reboot` is no time: write `run_at_start = true` beside a schedule")]
    Reboot,
    #[error(
        "unknown cron nickname `{0}` (one of `@yearly`, `@annually`, `@monthly`, `@weekly`, `@daily`, `@midnight`, `@hourly`)"
    )]
    Nickname(String),
}

impl ExpressionError {
    pub(crate) fn count(count: usize) -> Self {
        Self(Kind::Count(count))
    }

    pub(crate) fn element(field: Field, element: &str, reason: impl Into<String>) -> Self {
        Self(Kind::Element { field, element: element.to_owned(), reason: reason.into() })
    }

    pub(crate) fn never() -> Self {
        Self(Kind::Never)
    }

    pub(crate) fn nickname(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        Self(if name == "@reboot" { Kind::Reboot } else { Kind::Nickname(name) })
    }
}
