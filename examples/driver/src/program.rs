//! A built program as a child process.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Directory, eventually};

/// What hostkit promises, with a little for the process itself.
const STOP_TIMEOUT: Duration = Duration::from_secs(25 + 3);

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub struct Program {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    readers: Option<(JoinHandle<()>, JoinHandle<Vec<u8>>)>,
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code, unless a signal killed it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// The lines that it wrote to standard error.
    pub log: Vec<String>,
}

impl Program {
    /// Starts a program in a directory.
    ///
    /// # Panics
    /// Panics when it cannot be started.
    pub fn start<'a>(path: &str, directory: &Directory, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let mut command = Command::new(path);
        command.current_dir(directory.path()).args(arguments);
        Self::spawn(command)
    }

    /// Starts a program as the command says. Of what the environment says to hostkit, only what the command sets counts.
    ///
    /// # Panics
    /// Panics when it cannot be started.
    pub fn spawn(mut command: Command) -> Self {
        let set: Vec<_> = command.get_envs().map(|(name, _)| name.to_owned()).collect();
        for (name, _) in std::env::vars_os() {
            let is_ours = |name: &str| name.starts_with("HOSTKIT") || name == "RUST_LOG";
            if !set.contains(&name) && name.to_str().is_some_and(is_ours) {
                command.env_remove(name);
            }
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program has been built");
        let (stdout, stderr) = (child.stdout.take().expect("it is piped"), child.stderr.take().expect("it is piped"));
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let log_reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                lines.lock().expect("nobody panics with it").push(line);
            }
        });
        let output_reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = BufReader::new(stdout).read_to_end(&mut bytes);
            bytes
        });
        Self { child, log, readers: Some((log_reader, output_reader)) }
    }

    /// Runs a program to its end.
    ///
    /// # Panics
    /// Panics when it cannot be started, or does not end in time.
    pub fn run<'a>(path: &str, directory: &Directory, arguments: impl IntoIterator<Item = &'a str>) -> Ended {
        Self::start(path, directory, arguments).ended()
    }

    /// The lines that it has written to standard error so far.
    ///
    /// # Panics
    /// Panics when reading them panicked.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().expect("nobody panics with it").clone()
    }

    /// Waits for a log line with this message and returns its fields.
    ///
    /// # Panics
    /// Panics when there is none in time, or the program ends without it.
    pub fn event(&mut self, message: &str) -> Value {
        let what = format!("a log line with the message {message:?}");
        let found = eventually(&what, || {
            let ended = self.child.try_wait().expect("it is our child").is_some();
            let found = find(&self.log(), message);
            (found.is_some() || ended).then_some(found)
        });
        // It may have been the last line of a program that has just ended.
        found
            .or_else(|| {
                self.join_log();
                find(&self.log(), message)
            })
            .unwrap_or_else(|| panic!("ended without {what}:\n{}", self.log().join("\n")))
    }

    /// Asks it to stop: SIGTERM.
    ///
    /// # Panics
    /// Panics where there are no signals.
    pub fn terminate(&self) {
        let script = format!("kill -TERM {}", self.child.id());
        let status = Command::new("sh").args(["-c", &script]).status().expect("there is a shell");
        assert!(status.success(), "the signal was not sent");
    }

    /// Kills it as a power cut would: SIGKILL.
    ///
    /// # Panics
    /// Panics when it cannot be killed.
    pub fn kill(mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// Panics when it does not end in time.
    pub fn ended(mut self) -> Ended {
        let status = eventually("the end of the program", || self.child.try_wait().expect("it is our child"));
        self.join_log();
        let (_, output) = self.readers.take().expect("nobody else takes it");
        let stdout = output.join().expect("reading does not panic");
        Ended { code: status.code(), stdout, log: self.log() }
    }

    /// Sends SIGTERM and waits for the end.
    ///
    /// # Panics
    /// Panics when it takes longer than a host may: 25 seconds, unless it is configured otherwise.
    pub fn stopped(self) -> Ended {
        let began = Instant::now();
        self.terminate();
        let ended = self.ended();
        let took = began.elapsed();
        assert!(took < STOP_TIMEOUT, "it took {took:?} to stop: {:#?}", ended.log);
        ended
    }

    fn join_log(&self) {
        if let Some((reader, _)) = &self.readers {
            eventually("the end of standard error", || reader.is_finished().then_some(()));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// The fields of the log line with this message.
    pub fn event(&self, message: &str) -> Option<Value> {
        find(&self.log, message)
    }
}

/// hostkit logs JSON when standard error is no terminal: one object per line.
fn find(log: &[String], message: &str) -> Option<Value> {
    let mut lines = log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.find(|line| line["message"] == message)
}
