//! Values that are never printed, and the rule by which printed configuration hides what looks like one.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Visitor};

/// What stands in the place of a hidden value.
pub(super) const MASK: &str = "***";

/// The name under which [`Secret`] tells hostkit's own deserializer what it is.
pub(super) const MARKER: &str = "$hostkit::Secret";

/// A value that is never printed: `Debug` and `Display` write `***`.
///
/// Use it in an `#[options]` struct for passwords and tokens. `config show` and every message about the configuration
/// hide it as well, whatever its key is called. It deserializes like the value inside and has no `Serialize`, so it
/// cannot slip into a response or a log. It does not wipe its memory.
///
/// # Examples
///
/// ```
/// use hostkit::Secret;
///
/// #[derive(Debug)]
/// struct MailOptions {
///     user: String,
///     password: Secret<String>,
/// }
///
/// let options = MailOptions { user: "app".to_owned(), password: Secret::from("hunter2".to_owned()) };
/// assert_eq!(format!("{options:?}"), r#"MailOptions { user: "app", password: *** }"#);
/// assert_eq!(options.password.expose(), "hunter2");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself: whoever calls this sees to it that it is not printed.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself, owned.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Formats pass a newtype through, so only hostkit's own deserializer notices the name.
        deserializer.deserialize_newtype_struct(MARKER, SecretVisitor(PhantomData))
    }
}

struct SecretVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for SecretVisitor<T> {
    type Value = Secret<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        T::deserialize(deserializer).map(Secret)
    }
}

/// Whether a key names something secret: it ends in password, secret, token or key. A queue's `per_key` is a number.
pub(super) fn is_secret_key(key: &str) -> bool {
    if key == "per_key" {
        return false;
    }
    let key = key.to_lowercase();
    ["password", "secret", "token", "key"].iter().any(|end| key.ends_with(end))
}

/// Hides what is secret inside a text: the password of `postgres://user:password@host`, and whatever stands after the
/// `=` in connection strings and queries such as `host=localhost password=hunter2`.
pub(super) fn mask(text: &str) -> String {
    mask_parameters(&mask_urls(text))
}

fn mask_urls(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (url, after) = rest.split_at(end);
    // The last `@`: a password that nobody escaped may contain anything, and hiding too much does no harm.
    let url = match url.rsplit_once('@') {
        None => url.to_owned(),
        Some((user_part, host)) => match user_part.split_once(':') {
            Some((user, _)) if !user.contains('/') => format!("{user}:{MASK}@{host}"),
            _ => format!("{MASK}@{host}"),
        },
    };
    format!("{scheme}://{url}{}", mask_urls(after))
}

fn mask_parameters(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('=') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let key = before.rsplit(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).next().unwrap_or_default();
        masked.push_str(before);
        masked.push('=');
        rest = after;
        if !key.is_empty() && is_secret_key(key) {
            masked.push_str(MASK);
            // A quoted value may contain what otherwise ends one.
            let quoted = after.starts_with(['"', '\'']);
            let end = after.find(|c: char| matches!(c, '&' | ';' | ',') || c.is_whitespace()).filter(|_| !quoted);
            rest = &after[end.unwrap_or(after.len())..];
        }
    }
    masked + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("hunter2".to_owned());
        assert_eq!(format!("{secret} {secret:?} {secret:#?} {secret:>20}"), "*** *** *** ***");
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(secret.into_exposed(), "hunter2");
    }

    #[test]
    fn a_secret_is_read_like_the_value_inside() {
        assert_eq!(serde_json::from_str::<Secret<u8>>("5").unwrap(), Secret::new(5));
        assert_eq!(serde_json::from_str::<Option<Secret<String>>>("null").unwrap(), None);
        let table: std::collections::BTreeMap<String, Secret<String>> = toml::from_str("a = 'x'").unwrap();
        assert_eq!(table["a"].expose(), "x");
    }

    #[test]
    fn keys_are_secret_by_their_end() {
        for (key, secret) in [
            ("password", true),
            ("DB_PASSWORD", true),
            ("client-secret", true),
            ("apiKey", true),
            ("access_token", true),
            ("key_file", false),
            ("per_key", false),
            ("user", false),
            ("tokens", false),
        ] {
            assert_eq!(is_secret_key(key), secret, "{key}");
        }
    }

    #[test]
    fn what_is_secret_inside_a_text_is_hidden() {
        for (text, expected) in [
            ("plain text", "plain text"),
            ("postgres://app:hunter2@db/orders", "postgres://app:***@db/orders"),
            ("postgres://app@db/orders", "postgres://***@db/orders"),
            ("postgres://db:5432/orders", "postgres://db:5432/orders"),
            ("postgres://app:hun/t@er2@db/orders", "postgres://app:***@db/orders"),
            ("https://ghp_abc@github.com/x", "https://***@github.com/x"),
            ("nats://a:1@x,nats://b:2@y", "nats://a:***@y"),
            ("see redis://:pw@one and redis://u:pw@two", "see redis://:***@one and redis://u:***@two"),
            ("https://host/a?token=abc&page=2", "https://host/a?token=***&page=2"),
            ("host=localhost user=app password=hunter2 port=5432", "host=localhost user=app password=*** port=5432"),
            ("Server=db;Password='a b;c'", "Server=db;Password=***"),
            ("a=1", "a=1"),
        ] {
            assert_eq!(mask(text), expected);
        }
    }
}
