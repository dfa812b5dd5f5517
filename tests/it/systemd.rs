//! What a program tells systemd, read from a socket of the test's own.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use crate::child::{Program, Running};
use crate::support::{SECOND, directory};

const STUBBORN: &str = env!("CARGO_BIN_EXE_stubborn");

/// The place of systemd.
struct Manager {
    socket: UnixDatagram,
    name: String,
}

impl Manager {
    fn on_a_path(test: &str) -> Self {
        let path = directory(test).join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Self { socket, name: path.to_str().unwrap().to_owned() }
    }

    fn on_an_abstract_name(test: &str) -> Self {
        let name = format!("hostkit/{}/{test}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Self { socket, name: format!("@{name}") }
    }

    fn start(&self, test: &str, path: &str, variables: &[(&str, &str)]) -> Running {
        let mut program = Program::new(path, &directory(test)).variable("NOTIFY_SOCKET", &self.name);
        for (name, value) in variables {
            program = program.variable(name, value);
        }
        program.start()
    }

    /// The lines of the next message, if one comes in this time.
    fn next(&self, within: Duration) -> Option<Vec<String>> {
        self.socket.set_read_timeout(Some(within)).unwrap();
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..length].to_vec()).unwrap().lines().map(ToOwned::to_owned).collect())
    }

    /// Every line until one of these, which comes soon.
    fn until(&self, last: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let more = self.next(20 * SECOND).unwrap_or_else(|| panic!("in vain for `{last}`: {lines:?}"));
            lines.extend(more);
            if lines.iter().any(|line| line == last) {
                return lines;
            }
        }
    }

    /// Every line that has come, once whoever says them is gone.
    fn rest(&self) -> Vec<String> {
        std::iter::from_fn(|| self.next(SECOND / 10)).flatten().collect()
    }

    /// When each sign of life came during this time.
    fn signs_of_life(&self, during: Duration) -> Vec<Duration> {
        let began = Instant::now();
        let mut signs = Vec::new();
        while let Some(left) = during.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
            let lines = self.next(left).unwrap_or_default();
            if lines.iter().any(|line| line == "WATCHDOG=1") {
                signs.push(began.elapsed());
            }
        }
        signs
    }
}

fn of<'l>(lines: &'l [String], key: &str) -> Vec<&'l str> {
    lines.iter().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

#[test]
fn it_is_told_of_readiness_and_of_the_stop_on_either_kind_of_socket() {
    for manager in [Manager::on_a_path("either_path"), Manager::on_an_abstract_name("either")] {
        let running = manager.start("either_kind", STUBBORN, &[("HOSTKIT__HOST__DRAIN_DELAY", "2500ms")]);
        let start = manager.until("READY=1");
        assert_eq!(start[0], "STATUS=starting");
        assert!(of(&start, "STOPPING").is_empty(), "{start:?}");
        running.signal("TERM");
        running.ended().with_code(0);
        let stop = manager.rest();
        assert_eq!(of(&stop, "STOPPING"), ["1"]);
        assert!(of(&stop, "READY").is_empty() && of(&start, "WATCHDOG").is_empty(), "{start:?} {stop:?}");
        let extended: Vec<u64> = of(&stop, "EXTEND_TIMEOUT_USEC").iter().map(|time| time.parse().unwrap()).collect();
        assert!((2..=4).contains(&extended.len()), "once a second: {stop:?}");
        assert!(extended.iter().all(|time| *time == 10_000_000), "{extended:?}");
    }
}

#[test]
fn the_status_says_who_is_waited_for() {
    let manager = Manager::on_a_path("status_manager");
    let starting = manager.start("status_start", STUBBORN, &[("HOSTKIT__APP__BLOCKS", "late")]);
    manager.until("STATUS=starting: waiting for late");
    starting.signal("TERM");
    manager.until("STOPPING=1");
    starting.ended().with_code(0);

    let stopping = manager.start("status_stop", env!("CARGO_BIN_EXE_worker"), &[("HOSTKIT__APP__MODE", "slow")]);
    let start = manager.until("READY=1");
    assert_eq!(of(&start, "STATUS").last(), Some(&"running: 3 services"));
    stopping.signal("TERM");
    // The queue stays open for as long as somebody may enqueue.
    manager.until("STATUS=stopping: waiting for process, serve");
    stopping.signal("TERM");
    stopping.ended().with_code(143);
}

#[test]
fn a_program_that_is_done_at_once_was_ready_all_the_same() {
    let manager = Manager::on_a_path("done_manager");
    for _ in 0..10 {
        let program = Program::new(env!("CARGO_BIN_EXE_worker"), &directory("done_systemd"));
        let program = program.arguments(["--only", "serve", "--set", "app.mode=done"]);
        program.variable("NOTIFY_SOCKET", &manager.name).run().with_code(0);
        let lines = manager.until("STOPPING=1");
        assert_eq!(of(&lines, "READY"), ["1"]);
        while manager.next(Duration::from_millis(1)).is_some() {}
    }
}

#[test]
fn the_watchdog_is_fed_at_half_its_interval() {
    let manager = Manager::on_a_path("watchdog_manager");
    let _running = manager.start("watchdog", STUBBORN, &[("WATCHDOG_USEC", "2000000")]);
    manager.until("READY=1");
    let signs = manager.signs_of_life(5 * SECOND);
    assert!((4..=6).contains(&signs.len()), "{signs:?}");
    let gaps = signs.windows(2).map(|pair| pair[1].checked_sub(pair[0]).unwrap());
    assert!(gaps.max().unwrap() < 2 * SECOND, "{signs:?}");
}

#[test]
fn the_watchdog_is_not_fed_while_the_runtime_is_blocked() {
    let manager = Manager::on_a_path("blocked_manager");
    let blocks =
        [("WATCHDOG_USEC", "400000"), ("HOSTKIT__APP__BLOCKS", "serve"), ("HOSTKIT__APP__MILLISECONDS", "7000")];
    let _running = manager.start("blocked_watchdog", STUBBORN, &blocks);
    let signs = manager.signs_of_life(9 * SECOND);
    let between = |from: u64, to: u64| {
        signs.iter().filter(|at| (from..to).contains(&u64::try_from(at.as_millis()).unwrap())).count()
    };
    assert!(between(0, 2000) > 5, "{signs:?}");
    assert_eq!(between(5500, 6900), 0, "{signs:?}");
    assert!(between(8500, 9000) > 0, "it is fed again: {signs:?}");
}

#[test]
fn a_watchdog_of_another_process_is_left_alone() {
    let manager = Manager::on_a_path("other_manager");
    let running = manager.start("other_watchdog", STUBBORN, &[("WATCHDOG_USEC", "100000"), ("WATCHDOG_PID", "1")]);
    manager.until("READY=1");
    assert_ne!(running.id(), 1);
    assert_eq!(manager.signs_of_life(SECOND), []);
}

#[test]
fn a_socket_that_nobody_listens_on_is_a_warning() {
    for name in ["/nonexistent/notify", "@hostkit/nobody", "vsock:2:1234"] {
        let program = Program::new(STUBBORN, &directory("nobody_listens")).variable("NOTIFY_SOCKET", name);
        let mut running = program.start();
        running.has_said("every service is ready");
        running.signal("TERM");
        let ended = running.ended().with_code(0);
        assert_eq!(ended.stderr.matches("systemd cannot be told anything").count(), 1, "{ended:#?}");
    }
}

/// Needs `systemd-analyze`.
#[test]
fn the_unit_in_the_documentation_is_one() {
    if std::env::var_os("CI").is_none()
        && std::process::Command::new("systemd-analyze").arg("--version").output().is_err()
    {
        eprintln!("skipped: the_unit_in_the_documentation_is_one needs `systemd-analyze`");
        return;
    }
    let page = include_str!("../../hostkit/src/docs/deployment.md");
    let (unit, _) = page.split_once("```ini\n").unwrap().1.split_once("```").unwrap();
    let path = directory("unit").join("orders.service");
    std::fs::write(&path, unit.replace("/usr/local/bin/orders", "/bin/true")).unwrap();
    let verified = std::process::Command::new("systemd-analyze").arg("verify").arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    // Units of the machine may have faults of their own.
    let of_ours: Vec<_> = said.lines().filter(|line| line.contains("orders")).collect();
    assert!(verified.status.success() && of_ours.is_empty(), "{said}");
}
