//! The fields of cron expressions, read as the host reads them.

/// What is wrong with the fields of an expression, if they are checked here.
#[cfg(feature = "cron")]
pub(crate) fn fields(text: &str) -> Result<(), String> {
    hostkit_cron::Expression::parse(text).map(drop).map_err(|error| error.to_string())
}

/// Nothing: who does without cron need not compile a parser for it.
#[cfg(not(feature = "cron"))]
#[allow(clippy::unnecessary_wraps, reason = "the other form fails")]
pub(crate) fn fields(_text: &str) -> Result<(), String> {
    Ok(())
}

#[cfg(all(test, feature = "cron"))]
mod tests {
    use super::fields;

    #[test]
    fn an_expression_names_the_element_that_is_wrong_and_comes_some_time() {
        assert_eq!(fields("0 3 * * *"), Ok(()));
        assert!(fields("0 24 * * *").is_err_and(|error| error.starts_with("`24` is no hour")));
        assert!(fields("0 0 31 2 *").is_err_and(|error| error.contains("never comes")));
    }
}
