//! `[store] url`: which store, read before anything is opened.

use std::path::PathBuf;
use std::time::Duration;

use super::OpenError;
use crate::config::suggest;
use crate::time::parse_duration;

/// A store's URL, read and understood; nothing has been opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreUrl(pub(super) Place);

/// Where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Memory,
    Sqlite(SqliteUrl),
}

/// A SQLite file and how to use it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "it is read all the same, to say what is wrong with it"))]
pub(super) struct SqliteUrl {
    pub(super) path: PathBuf,
    pub(super) synchronous: Synchronous,
    /// How long to wait for the write lock.
    pub(super) busy_timeout: Duration,
}

impl SqliteUrl {
    /// A file that is used as usual.
    fn of(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), synchronous: Synchronous::Full, busy_timeout: Duration::from_secs(5) }
    }
}

/// When SQLite waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Synchronous {
    /// Before anything is said to be stored.
    Full,
    /// Now and then, so that a power cut may lose what was stored last.
    Normal,
}

const SCHEMES: [&str; 5] = ["sqlite", "memory", "postgres", "postgresql", "nats"];
const PARAMETERS: [&str; 2] = ["synchronous", "busy_timeout"];

/// The URL without its options.
impl std::fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Place::Memory => f.write_str("memory://"),
            Place::Sqlite(url) => write!(f, "sqlite://{}", url.path.display()),
        }
    }
}

impl StoreUrl {
    /// Whether its jobs are in a SQLite file.
    #[cfg(feature = "sqlite")]
    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.0, Place::Sqlite(_))
    }

    /// Why this program cannot use it, if it cannot.
    pub(crate) fn unsupported(&self) -> Option<&'static str> {
        match &self.0 {
            Place::Sqlite(_) if cfg!(not(feature = "sqlite")) => {
                Some("this program was built without SQLite; add the feature `sqlite` to hostkit in its Cargo.toml")
            }
            _ => None,
        }
    }

    /// `sqlite://hostkit.db`, which holds when nobody names a store.
    pub(crate) fn unnamed() -> Self {
        Self(Place::Sqlite(SqliteUrl::of("hostkit.db")))
    }

    /// `memory://`, which holds in a host under test when nobody names a store.
    #[cfg(feature = "testing")]
    pub(crate) fn memory() -> Self {
        Self(Place::Memory)
    }

    /// Reads a URL: `sqlite://jobs.db` (relative to the current directory), `sqlite:///var/lib/app/jobs.db`, or `memory://`.
    ///
    /// After a `?`, SQLite takes `synchronous=full` (the default) or `normal`, which is faster and may lose what was stored
    /// last in a power cut; and `busy_timeout=5s` (the default), how long to wait for a write lock that another has. A `?`, `#` or
    /// `%` in a path is written `%3F`, `%23`, `%25`.
    ///
    /// # Errors
    /// Fails for what no store understands, and says what was probably meant.
    pub fn parse(url: &str) -> Result<Self, OpenError> {
        let url = url.trim();
        let Some((scheme, rest)) = url.split_once("://") else {
            let what = if url.contains(':') { "has no `://`".to_owned() } else { "has no scheme".to_owned() };
            let path = url.rsplit(':').next().unwrap_or_default();
            return Err(OpenError::configuration(match path {
                "" | "memory" => format!("the store's url {what}; write `sqlite://hostkit.db` or `memory://`"),
                path => format!("the store's url {what}; write `sqlite://{path}`"),
            }));
        };
        match scheme {
            "memory" if rest.is_empty() => Ok(Self(Place::Memory)),
            "memory" => Err(OpenError::configuration("`memory://` takes nothing after it")),
            "sqlite" => sqlite(rest).map(|url| Self(Place::Sqlite(url))),
            "postgres" | "postgresql" | "nats" => Err(OpenError::configuration(format!(
                "this hostkit cannot store jobs in `{scheme}://` yet; use `sqlite://`"
            ))),
            other => Err(OpenError::configuration(match suggest(other, SCHEMES) {
                Some(known) => format!("no store is called `{other}://`; did you mean `{known}://`?"),
                None => format!("no store is called `{other}://`; use `sqlite://` or `memory://`"),
            })),
        }
    }

    /// Whether what it holds is gone with the process.
    pub fn is_memory(&self) -> bool {
        self.0 == Place::Memory
    }
}

impl std::str::FromStr for StoreUrl {
    type Err = OpenError;

    fn from_str(text: &str) -> Result<Self, OpenError> {
        Self::parse(text)
    }
}

fn sqlite(rest: &str) -> Result<SqliteUrl, OpenError> {
    if rest.contains('#') {
        return Err(OpenError::configuration("a `#` in the path of a store is written `%23`"));
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = decoded(path)?;
    if path == ":memory:" {
        return Err(OpenError::configuration(
            "`sqlite://:memory:` would keep nothing; write `memory://` if that is meant",
        ));
    }
    if path.is_empty() || path.ends_with('/') {
        return Err(OpenError::configuration("the store's url names no file; write `sqlite://hostkit.db`"));
    }
    let mut url = SqliteUrl::of(path);
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name {
            "synchronous" => {
                url.synchronous = match value {
                    "full" => Synchronous::Full,
                    "normal" => Synchronous::Normal,
                    other => {
                        let hint = match suggest(other, ["full", "normal"]) {
                            Some(known) => format!("did you mean `{known}`?"),
                            None => "it is `full` or `normal`".to_owned(),
                        };
                        return Err(OpenError::configuration(format!(
                            "`synchronous={other}` is nothing that a store can be; {hint}"
                        )));
                    }
                };
            }
            "busy_timeout" => {
                url.busy_timeout = parse_duration(value).map_err(|error| {
                    OpenError::configuration(format!("`busy_timeout={value}` is not a duration such as `5s`: {error}"))
                })?;
            }
            other => {
                return Err(OpenError::configuration(match suggest(other, PARAMETERS) {
                    Some(known) => format!("a store in SQLite has no parameter `{other}`; did you mean `{known}`?"),
                    None => {
                        format!("a store in SQLite has no parameter `{other}`; it has `synchronous` and `busy_timeout`")
                    }
                }));
            }
        }
    }
    Ok(url)
}

/// Reads `%20` and the like.
fn decoded(text: &str) -> Result<String, OpenError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let byte = byte.ok_or_else(|| OpenError::configuration("a `%` in the path of a store is written `%25`"))?;
        bytes.push(byte);
        rest = &after[2..];
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|path| !path.contains('\0'))
        .ok_or_else(|| OpenError::configuration("the path of the store is no text in UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_people_write_them() {
        let file = |path: &str| SqliteUrl::of(path);
        let normal = SqliteUrl { synchronous: Synchronous::Normal, ..file("a.db") };
        for (text, expected) in [
            ("memory://", Place::Memory),
            ("sqlite://hostkit.db", Place::Sqlite(file("hostkit.db"))),
            (" sqlite:///var/lib/a.db ", Place::Sqlite(file("/var/lib/a.db"))),
            ("sqlite://data/my%20jobs%3F.db?", Place::Sqlite(file("data/my jobs?.db"))),
            ("sqlite://a.db?synchronous=normal", Place::Sqlite(normal.clone())),
            (
                "sqlite://a.db?busy_timeout=250ms&synchronous=normal",
                Place::Sqlite(SqliteUrl { busy_timeout: Duration::from_millis(250), ..normal }),
            ),
        ] {
            assert_eq!(StoreUrl::parse(text).unwrap(), StoreUrl(expected), "{text}");
        }
        assert_eq!(StoreUrl::parse("sqlite://hostkit.db").unwrap(), StoreUrl::unnamed());
    }

    #[test]
    fn what_is_no_url_says_what_was_probably_meant() {
        for (text, expected) in [
            ("", "the store's url has no scheme; write `sqlite://hostkit.db` or `memory://`"),
            ("jobs.db", "the store's url has no scheme; write `sqlite://jobs.db`"),
            ("sqlite:jobs.db", "the store's url has no `://`; write `sqlite://jobs.db`"),
            ("sqlte://jobs.db", "no store is called `sqlte://`; did you mean `sqlite://`?"),
            ("redis://localhost", "no store is called `redis://`; use `sqlite://` or `memory://`"),
            ("postgres://a:hunter2@b/c", "this hostkit cannot store jobs in `postgres://` yet; use `sqlite://`"),
            ("memory://x", "`memory://` takes nothing after it"),
            ("sqlite://", "the store's url names no file; write `sqlite://hostkit.db`"),
            ("sqlite:///var/lib/", "the store's url names no file; write `sqlite://hostkit.db`"),
            ("sqlite://:memory:", "`sqlite://:memory:` would keep nothing; write `memory://` if that is meant"),
            ("sqlite://a.db?sync=full", "has no parameter `sync`; it has `synchronous` and `busy_timeout`"),
            ("sqlite://a.db?syncronous=full", "has no parameter `syncronous`; did you mean `synchronous`?"),
            (
                "sqlite://a.db?synchronous=fulll",
                "`synchronous=fulll` is nothing that a store can be; did you mean `full`?",
            ),
            ("sqlite://a.db?synchronous=off", "is nothing that a store can be; it is `full` or `normal`"),
            ("sqlite://a.db?busy_timeout=5", "`busy_timeout=5` is not a duration such as `5s`"),
            ("sqlite://100%.db", "a `%` in the path of a store is written `%25`"),
            ("sqlite://a#b.db", "a `#` in the path of a store is written `%23`"),
            ("sqlite://%00.db", "the path of the store is no text in UTF-8"),
        ] {
            let error = StoreUrl::parse(text).expect_err(text);
            assert!(error.to_string().contains(expected), "{text}: {error}");
            assert!(error.is_configuration());
        }
    }
}
