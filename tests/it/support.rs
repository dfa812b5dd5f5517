//! What the tests share: a log that services write to, what hostkit logs, files, and a way to wait.

use std::cell::RefCell;
use std::fmt::Display;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use hostkit::{BuildError, Host, HostBuilder, RunningHost};
use tracing::{Level, Metadata};
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

/// What services say, in the order in which they say it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn say(&self, line: impl Display) {
        self.0.lock().unwrap().push(line.to_string());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// The lines so far, and none of them later.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// What hostkit and its services log on this thread, as text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traced(Arc<Mutex<Vec<u8>>>);

thread_local! {
    static LISTENER: RefCell<Option<(Level, Traced)>> = const { RefCell::new(None) };
}

/// Listens on this thread until it is dropped.
pub(crate) struct Listening(());

impl Traced {
    /// Listens to what is logged on this thread, from this level up.
    pub(crate) fn listen(level: Level) -> (Self, Listening) {
        static INSTALLED: Once = Once::new();
        // One subscriber for all threads: what several of them cache about a log line depends on who comes first.
        INSTALLED.call_once(|| {
            let heard = |metadata: &Metadata<'_>| {
                LISTENER.with_borrow(|listener| listener.as_ref().is_some_and(|(level, _)| metadata.level() <= level))
            };
            let lines = fmt::layer().with_ansi(false).without_time().with_writer(|| Sink);
            let lines = lines.with_filter(dynamic_filter_fn(move |metadata, _| heard(metadata)));
            tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines)).unwrap();
        });
        let traced = Self::default();
        LISTENER.set(Some((level, traced.clone())));
        (traced, Listening(()))
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.0.lock().unwrap()).lines().map(ToOwned::to_owned).collect()
    }

    pub(crate) fn containing(&self, text: &str) -> Vec<String> {
        self.lines().into_iter().filter(|line| line.contains(text)).collect()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENER.set(None);
    }
}

struct Sink;

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LISTENER.with_borrow(|listener| {
            if let Some((_, Traced(text))) = listener {
                text.lock().unwrap().extend(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Builds a host of which nothing is wrong.
pub(crate) async fn built(builder: &mut HostBuilder) -> Host {
    builder.build().await.unwrap_or_else(|error| panic!("{error}"))
}

/// Builds and starts a host of which nothing is wrong.
pub(crate) async fn started(builder: &mut HostBuilder) -> RunningHost {
    built(builder).await.start().await.unwrap_or_else(|error| panic!("{error}"))
}

/// The report of a host that cannot be built.
pub(crate) async fn refused(builder: &mut HostBuilder) -> BuildError {
    match builder.build().await {
        Ok(_) => panic!("the host was built"),
        Err(error) => error,
    }
}

/// Waits until something is so. With a paused clock it waits no longer than the virtual time; else ten seconds at most.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let polling = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, polling).await.unwrap_or_else(|_| panic!("waited for long: {what}"));
}

/// A fresh, empty directory of this test's own.
pub(crate) fn directory(test: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{test}", std::process::id()));
    if path.exists() {
        std::fs::remove_dir_all(&path).unwrap();
    }
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// A text with every `file.rs:12` of the tests as `file.rs:LINE`.
pub(crate) fn without_lines(text: &str) -> String {
    let mut parts = text.split(".rs:");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        plain.push_str(".rs:LINE");
        plain.push_str(rest);
    }
    plain
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);
