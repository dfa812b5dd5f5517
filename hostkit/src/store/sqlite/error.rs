//! What SQLite's errors mean to whoever uses a store.

use rusqlite::{Error, ErrorCode};

use super::super::error::ErrorKind;
use super::super::{OpenError, StoreError};

/// SQLite's number for a file that was moved while it was in use.
const READONLY_DBMOVED: i32 = 8 | (4 << 8);

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
    let kind = kind(&error);
    OpenError::store(format!("{what}: {kind}")).because(error)
}
