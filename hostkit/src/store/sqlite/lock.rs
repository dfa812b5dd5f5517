//! How a process knows that another is dead: each that runs jobs holds a lock on a file of its own, which the system lets go of
//! however the process ends.
//!
//! # Invariants
//! 1. An owner's row is written when its process already has its lock, and the disk the lock's name. So a lock that is free and
//!    named by a row belongs to the dead, also after the power was cut.
//! 2. Whoever removes a file has its lock. Whoever makes one looks, once it has the lock, whether the file is still there.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::super::JobId;
use super::super::crash::crash_point;
#[cfg(unix)]
use super::files::sync;
use super::files::{identity, make, make_directory, named};

/// The locks of all processes that use one file of jobs.
#[derive(Debug, Clone)]
pub(super) struct Locks(PathBuf);

/// The lock of this process. Dropping it removes the file.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    pub(super) name: String,
    _held: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Nobody is harmed by a file that stays: the next sweep takes it away.
        let _ = fs::remove_file(&self.path);
    }
}

/// The lock of a dead process, held so that nobody else buries it as well.
#[derive(Debug)]
pub(super) struct Buried {
    path: PathBuf,
    _held: File,
}

impl Buried {
    /// Removes the file: nobody names it any more.
    pub(super) fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Locks {
    pub(super) fn beside(file: &Path) -> Self {
        let mut directory = file.as_os_str().to_owned();
        directory.push("-owners");
        Self(directory.into())
    }

    /// Makes and takes a lock for this process.
    pub(super) fn take(&self) -> io::Result<Lock> {
        make_directory(&self.0)?;
        loop {
            let name = JobId::new().to_string();
            let path = self.0.join(&name);
            let file = make(&path)?;
            crash_point!("register.lock_made");
            match file.try_lock() {
                Ok(()) => {}
                // Somebody took it for one that a dead process left (invariant 2).
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(error),
            }
            if named(&path) == Some(identity(&file.metadata()?)) {
                #[cfg(unix)]
                sync(&self.0)?;
                return Ok(Lock { path, name, _held: file });
            }
        }
    }

    /// The lock of this name, if its process is certainly dead.
    pub(super) fn bury(&self, name: &str) -> Option<Buried> {
        let path = self.0.join(name);
        let file = File::open(&path).ok()?;
        file.try_lock().ok()?;
        Some(Buried { path, _held: file })
    }

    /// Removes the files of processes that died before anybody named them.
    pub(super) fn tidy(&self, is_named: impl Fn(&str) -> bool) {
        let Ok(entries) = fs::read_dir(&self.0) else { return };
        for entry in entries.flatten() {
            if let Some(name) = entry.file_name().to_str().filter(|name| !is_named(name))
                && let Some(dead) = self.bury(name)
            {
                dead.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_dead_are_buried() {
        let directory = std::env::temp_dir().join(format!("hostkit-locks-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let locks = Locks::beside(&directory.join("jobs.db"));
        let alive = locks.take().unwrap();
        let other = locks.take().unwrap();
        assert_ne!(alive.name, other.name);
        assert!(locks.bury(&alive.name).is_none());
        // Looking has not taken the lock away.
        assert!(locks.bury(&alive.name).is_none());
        let dead = fs::write(locks.0.join("dead"), "").map(|()| locks.bury("dead").unwrap()).unwrap();
        assert!(locks.bury("dead").is_none(), "it is buried once");
        drop(dead);
        locks.tidy(|_| false);
        let left = fs::read_dir(&locks.0).unwrap().count();
        assert_eq!(left, 2);
        drop((alive, other));
        assert_eq!(fs::read_dir(&locks.0).unwrap().count(), 0);
        fs::remove_dir_all(directory).unwrap();
    }
}
