//! A built program as a child process, killed by its id when a test is done with it.

use std::ffi::OsStr;
use std::io::{ErrorKind, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A slow machine is no failure, a program that hangs is.
const PATIENCE: Duration = Duration::from_mins(1);
/// How many programs run side by side where it takes many.
const AT_ONCE: usize = 8;

/// A program that is to be started.
pub(crate) struct Program(Command);

/// One that runs. Dropping it kills it.
pub(crate) struct Running {
    child: Child,
    stdout: Stream,
    stderr: Stream,
}

/// One that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

struct Stream {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                match pipe.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => sink.lock().unwrap().extend(&buffer[..count]),
                    // A signal of another test's.
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => panic!("what it says cannot be read: {error}"),
                }
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    fn whole(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.text()
    }
}

/// Sends a signal, such as `TERM`, to a process.
pub(crate) fn signal(process: &str, name: &str) {
    let status = Command::new("sh").arg("-c").arg(format!("kill -{name} {process}")).status().unwrap();
    assert!(status.success());
}

/// Plays the rounds with these numbers, several at a time.
#[track_caller]
pub(crate) fn side_by_side(rounds: usize, round: impl Fn(usize) -> Result<(), String> + Sync) {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= rounds {
                        break;
                    }
                    let ended = round(number);
                    failed.lock().unwrap().extend(ended.err());
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {rounds}\n{}", failed.len(), failed.join("\n"));
}

impl Program {
    /// A program of this package, in an empty directory and with nothing of hostkit's in its environment.
    pub(crate) fn new(path: &str, directory: &Path) -> Self {
        let mut command = Command::new(path);
        command.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HOSTKIT") || name == "RUST_LOG" || name == "NOTIFY_SOCKET" {
                command.env_remove(name);
            }
        }
        Self(command)
    }

    pub(crate) fn arguments<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.0.args(arguments);
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub(crate) fn start(mut self) -> Running {
        let mut child = self.0.spawn().unwrap();
        let (stdout, stderr) = (Stream::of(child.stdout.take().unwrap()), Stream::of(child.stderr.take().unwrap()));
        Running { child, stdout, stderr }
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Ended {
        self.start().ended()
    }
}

impl Running {
    /// Waits until it has said something on standard error.
    pub(crate) fn has_said(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.stderr.text().contains(text) {
            if let Some(status) = self.child.try_wait().unwrap() {
                let said = self.stderr.whole();
                assert!(said.contains(text), "ended with {status} and without `{text}`:\n{said}");
                return;
            }
            assert!(Instant::now() < deadline, "in vain for `{text}`:\n{}", self.stderr.text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it has printed something on standard output, and returns what follows on that line.
    pub(crate) fn has_printed(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let printed = self.stdout.text();
            if let Some((_, rest)) = printed.split_once(text)
                && let Some((line, _)) = rest.split_once('\n')
            {
                return line.trim().to_owned();
            }
            assert!(Instant::now() < deadline, "in vain for `{text}`:\n{printed}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The time that it has spent on processors so far, and whether it has ended.
    #[cfg(target_os = "linux")]
    fn spent(&self) -> (Duration, bool) {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name before may hold anything but ends with the last parenthesis. Times are in hundredths of a second.
        let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        (Duration::from_millis(10 * ticks), fields[0] == "Z")
    }

    /// Sends a signal; the time that it spends on processors from there to its end, and the time that this takes.
    #[cfg(target_os = "linux")]
    pub(crate) fn spends_until_its_end(&self, signal: &str) -> (Duration, Duration) {
        let (began, (before, _)) = (Instant::now(), self.spent());
        self.signal(signal);
        loop {
            let (spent, ended) = self.spent();
            if ended {
                return (spent.saturating_sub(before), began.elapsed());
            }
            assert!(began.elapsed() < PATIENCE, "it does not end:\n{}", self.stderr.text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it handles SIGTERM.
    #[cfg(target_os = "linux")]
    pub(crate) fn listens(&self) {
        let deadline = Instant::now() + PATIENCE;
        let caught = || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
            let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0").trim().to_owned();
            u64::from_str_radix(&mask, 16).unwrap_or(0) & (1 << 14) != 0
        };
        while !caught() {
            assert!(Instant::now() < deadline, "it does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child.id().to_string(), name);
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.stderr.text());
            std::thread::sleep(Duration::from_millis(5));
        };
        Ended { status, stdout: self.stdout.whole(), stderr: self.stderr.whole() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Ended {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    pub(crate) fn killed_by(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Checks the exit code; everything it said is in the message if that is another.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code(), Some(code), "{self:#?}");
        self
    }

    /// What it said at the end, which is no log line.
    pub(crate) fn report(&self) -> &str {
        self.stderr.find("hostkit: ").map_or("", |start| &self.stderr[start..])
    }
}
