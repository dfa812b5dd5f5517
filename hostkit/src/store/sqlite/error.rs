//! What SQLite's errors mean to whoever uses a store.

use rusqlite::{Error, ErrorCode};

use super::super::error::ErrorKind;
use super::super::{OpenError, StoreError};

/// SQLite's number for a file that was moved while it was in use.
const READONLY_DBMOVED: i32 = 8 | (4 << 8);

/// SQLite's number for memory that connections share and that could not be made larger. It is a file, so the disk is full. While
/// a transaction is committed that is no excuse: its last page may be on the disk.
const IOERR_SHMSIZE: i32 = 0x0a | (0x13 << 8);

/// What is the matter.
pub(super) fn kind(error: &Error) -> ErrorKind {
    let Error::SqliteFailure(failure, _) = error else { return ErrorKind::Internal };
    if failure.extended_code == READONLY_DBMOVED {
        return ErrorKind::Gone;
    }
    match failure.code {
        ErrorCode::DiskFull => ErrorKind::Full,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => ErrorKind::Locked,
        ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => ErrorKind::ReadOnly,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => ErrorKind::Corrupt,
        ErrorCode::SystemIoFailure => ErrorKind::Io,
        _ => ErrorKind::Internal,
    }
}

/// An error of something that was certainly not done.
pub(super) fn not_done(operation: &'static str, error: Error) -> StoreError {
    StoreError::new(operation, kind(&error)).because(error)
}

/// Why a store cannot be opened.
pub(super) fn open_error(what: &str, error: Error) -> OpenError {
    let kind = match error.sqlite_error() {
        Some(failure) if failure.extended_code == IOERR_SHMSIZE => ErrorKind::Full,
        _ => kind(&error),
    };
    let found = OpenError::store(format!("{what}: {kind}"));
    if kind == ErrorKind::Corrupt { found.corrupt() } else { found }.because(error)
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn a_disk_that_is_full_when_a_file_is_opened_has_not_failed() {
        let failure = |extended_code| Error::SqliteFailure(ffi::Error::new(extended_code), None);
        let error = open_error("cannot use it", failure(ffi::SQLITE_IOERR_SHMSIZE));
        assert!(error.to_string().starts_with("cannot use it: the disk is full"), "{error}");
        assert_eq!(kind(&failure(ffi::SQLITE_IOERR_SHMSIZE)), ErrorKind::Io, "once it is open that is another matter");
        for (code, is_corrupt) in
            [(ffi::SQLITE_CORRUPT, true), (ffi::SQLITE_NOTADB, true), (ffi::SQLITE_CANTOPEN, false)]
        {
            assert_eq!(open_error("", failure(code)).is_corrupt(), is_corrupt, "{code}");
        }
    }
}
