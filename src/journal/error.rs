//! What the journal can fail with, and which failures are worth waiting for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;

/// A failed call of the journal. Cloneable, because one failed commit fails many callers.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// Folder, file or thread could not be made.
    #[error("cannot set up the journal {}: {source}", .path.display())]
    Setup {
        /// The journal's file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// The disk (or the file's page limit) is full; nothing was written.
    #[error("no room for the journal {}: {source}", .path.display())]
    Full {
        /// The journal's file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// Reading, writing or locking the file failed, or it is read-only.
    #[error("the journal {} cannot be read or written: {source}", .path.display())]
    Io {
        /// The journal's file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// Another process held the write lock for longer than we wait.
    #[error("the journal {} is locked by another process: {source}", .path.display())]
    Busy {
        /// The journal's file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// The file was removed or replaced while we had it open: what is written to it is lost.
    #[error("the journal {} was removed or replaced while it was open", .path.display())]
    Gone {
        /// The journal's file.
        path: PathBuf,
    },
    /// The file is no SQLite database, or a damaged one. It is left as it is.
    #[error(
        "the journal {} is damaged ({reason}): move it away to start with an empty one, which \
         forgets the commands that were under way", .path.display()
    )]
    Corrupt {
        /// The journal's file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// The cause, where SQLite gave one.
        #[source]
        source: Option<Arc<rusqlite::Error>>,
    },
    /// The file is a SQLite database of something else. It is left as it is.
    #[error("{} is the SQLite database of something else, not a journal", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version of this service. It is left as it is.
    #[error(
        "the journal {} has schema version {found}, this version knows {known}: run the newer \
         version", .path.display()
    )]
    Newer {
        /// The journal's file.
        path: PathBuf,
        /// Schema version in the file.
        found: i64,
        /// Newest schema version that we know.
        known: i64,
    },
    /// The journal's thread is gone.
    #[error("the journal {} is closed", .path.display())]
    Closed {
        /// The journal's file.
        path: PathBuf,
    },
    /// Anything else SQLite reports; not worth a repeat.
    #[error("the journal {}: {source}", .path.display())]
    Other {
        /// The journal's file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Arc<rusqlite::Error>,
    },
}

impl JournalError {
    /// Whether the same call may succeed later, once somebody has made room, repaired the disk
    /// or released the lock: worth waiting for.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Full { .. } | Self::Io { .. } | Self::Busy { .. } | Self::Gone { .. } => true,
            Self::Setup { source, .. } => {
                use std::io::ErrorKind as Kind;
                matches!(
                    source.kind(),
                    Kind::StorageFull | Kind::QuotaExceeded | Kind::ReadOnlyFilesystem
                )
            }
            _ => false,
        }
    }

    /// Whether nothing else can be written either. One row that cannot be read back, in which
    /// SQLite itself sees no fault, hurts its own command only.
    pub(super) fn stops_writing(&self) -> bool {
        match self {
            Self::Corrupt {
                source: Some(source),
                ..
            } => source.sqlite_error_code().is_some(),
            _ => self.is_outage(),
        }
    }

    pub(super) fn setup(path: &Path, source: impl Into<std::io::Error>) -> Self {
        Self::Setup {
            path: path.to_owned(),
            source: Arc::new(source.into()),
        }
    }

    pub(super) fn new(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let reason = source.to_string();
        let code = source.sqlite_error_code();
        let source = Arc::new(source);
        let Some(code) = code else {
            return match *source {
                // what we wrote reads otherwise
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..) => Self::Corrupt {
                    path,
                    reason,
                    source: Some(source),
                },
                _ => Self::Other { path, source },
            };
        };
        match code {
            ErrorCode::DiskFull => Self::Full { path, source },
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy { path, source },
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Corrupt {
                path,
                reason,
                source: Some(source),
            },
            ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::AuthorizationForStatementDenied
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::NoLargeFileSupport
            | ErrorCode::OutOfMemory => Self::Io { path, source },
            _ => Self::Other { path, source },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn of(code: i32) -> JournalError {
        let code = rusqlite::ffi::Error::new(code);
        let error = rusqlite::Error::SqliteFailure(code, None);
        JournalError::new(Path::new("/j"), error)
    }

    #[test]
    fn outages_are_told_from_what_waiting_does_not_mend() {
        use rusqlite::ffi;
        for code in [
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_CANTOPEN,
        ] {
            let error = of(code);
            assert!(matches!(error, JournalError::Io { .. }), "{error:?}");
            assert!(error.is_outage() && error.stops_writing());
        }
        assert!(matches!(of(ffi::SQLITE_FULL), JournalError::Full { .. }));
        assert!(of(ffi::SQLITE_FULL).is_outage());
        assert!(matches!(
            of(ffi::SQLITE_BUSY_RECOVERY),
            JournalError::Busy { .. }
        ));
        assert!(of(ffi::SQLITE_BUSY_RECOVERY).is_outage());
        let damaged = of(ffi::SQLITE_CORRUPT);
        assert!(matches!(damaged, JournalError::Corrupt { .. }));
        assert!(!damaged.is_outage() && damaged.stops_writing());
        let refused = of(ffi::SQLITE_CONSTRAINT_NOTNULL);
        assert!(matches!(refused, JournalError::Other { .. }));
        assert!(!refused.is_outage() && !refused.stops_writing());
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert!(JournalError::setup(Path::new("/j"), full).is_outage());
    }
}
