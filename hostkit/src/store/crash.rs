//! Points at which a test makes the process kill itself, as if the machine's plug were pulled between two lines.
//!
//! `crash_point!("module.what_was_just_done")` is nothing unless the feature `crash-points` is on. Then the process kills itself
//! with SIGKILL where the variable `HOSTKIT_CRASH_AT` says: `finish.job_moved`, or `finish.job_moved:3` for the third time.

/// Kills the process here if a test wants it.
macro_rules! crash_point {
    ($name:literal) => {
        #[cfg(feature = "crash-points")]
        crate::store::crash::reached($name);
    };
}

pub(in crate::store) use crash_point;

/// Kills this process if this is where and when it should die.
#[cfg(feature = "crash-points")]
pub(in crate::store) fn reached(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static WANTED: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static TIMES: AtomicU32 = AtomicU32::new(0);

    let wanted = WANTED.get_or_init(|| {
        let wanted = std::env::var("HOSTKIT_CRASH_AT").ok()?;
        let (name, times) = wanted.split_once(':').unwrap_or((&wanted, "1"));
        Some((name.to_owned(), times.parse().ok()?))
    });
    if let Some((wanted, times)) = wanted
        && wanted == name
        && TIMES.fetch_add(1, Ordering::SeqCst) + 1 == *times
    {
        // What other threads were told too early, they have a moment to act upon.
        std::thread::sleep(std::time::Duration::from_millis(10));
        let this = rustix::process::getpid();
        let killed = rustix::process::kill_process(this, rustix::process::Signal::KILL);
        // A signal to oneself is there before the call returns.
        unreachable!("a process can kill itself: {killed:?}");
    }
}
