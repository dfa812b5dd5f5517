//! Words for whole expressions.

use crate::error::ExpressionError;

const NICKNAMES: [(&str, &str); 7] = [
    ("@YEARLY", "0 0 1 1 *"),
    ("@ANNUALLY", "0 0 1 1 *"),
    ("@MONTHLY", "0 0 1 * *"),
    ("@WEEKLY", "0 0 * * 0"),
    ("@DAILY", "0 0 * * *"),
    ("@MIDNIGHT", "0 0 * * *"),
    ("@HOURLY", "0 * * * *"),
];

/// The expression that a nickname stands for, and any other text as it is.
pub(crate) fn expanded(text: &str) -> Result<&str, ExpressionError> {
    if !text.starts_with('@') {
        return Ok(text);
    }
    match NICKNAMES.iter().find(|(name, _)| *name == text) {
        Some((_, meaning)) => Ok(meaning),
        None => Err(ExpressionError::nickname(text)),
    }
}
