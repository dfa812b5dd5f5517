//! Points at which a test makes the process kill itself, as if the machine's plug were pulled between two lines, or a
//! thread panic, as if we had made a mistake.
//!
//! `crash_point!("module.what_was_just_done")` is nothing unless the feature `crash-points` is on. Then the process kills itself
//! with SIGKILL where the variable `HOSTKIT_CRASH_AT` says: `finish.job_moved`, or `finish.job_moved:3` for the third time.
//! `HOSTKIT_PANIC_AT` has the thread panic there.

/// Kills the process here, or panics, if a test wants it.
macro_rules! crash_point {
    ($name:literal) => {
        #[cfg(feature = "crash-points")]
        crate::store::crash::reached($name);
    };
}

pub(in crate::store) use crash_point;

/// Where and when something should happen, as a variable says.
#[cfg(feature = "crash-points")]
struct Trap {
    variable: &'static str,
    wanted: std::sync::OnceLock<Option<(String, u32)>>,
    times: std::sync::atomic::AtomicU32,
}

#[cfg(feature = "crash-points")]
impl Trap {
    const fn new(variable: &'static str) -> Self {
        Self { variable, wanted: std::sync::OnceLock::new(), times: std::sync::atomic::AtomicU32::new(0) }
    }

    /// Whether this is where and when.
    fn is_here(&self, name: &str) -> bool {
        let wanted = self.wanted.get_or_init(|| {
            let wanted = std::env::var(self.variable).ok()?;
            let (name, times) = wanted.split_once(':').unwrap_or((&wanted, "1"));
            Some((name.to_owned(), times.parse().ok()?))
        });
        wanted.as_ref().is_some_and(|(wanted, times)| {
            wanted == name && self.times.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1 == *times
        })
    }
}

/// Kills this process, or panics, if this is where and when it should.
#[cfg(feature = "crash-points")]
pub(in crate::store) fn reached(name: &str) {
    static KILL: Trap = Trap::new("HOSTKIT_CRASH_AT");
    static PANIC: Trap = Trap::new("HOSTKIT_PANIC_AT");

    assert!(!PANIC.is_here(name), "a test wants a panic at `{name}`");
    if KILL.is_here(name) {
        // What other threads were told too early, they have a moment to act upon.
        std::thread::sleep(std::time::Duration::from_millis(10));
        let this = rustix::process::getpid();
        let killed = rustix::process::kill_process(this, rustix::process::Signal::KILL);
        // A signal to oneself is there before the call returns.
        unreachable!("a process can kill itself: {killed:?}");
    }
}
