//! What a database call can fail with, and which failures pass by themselves.

use sea_orm::sqlx;
use sea_orm::sqlx::mysql::MySqlDatabaseError;
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

/// The outcome of every fallible call of this room.
pub type Result<T, E = DbError> = std::result::Result<T, E>;

/// A failed database call.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// No live row has this id (or it was there and is deleted).
    #[error("{table} {id} is not in the database")]
    NotFound {
        /// Table the row was looked for in.
        table: &'static str,
        /// Id or key that was looked for.
        id: String,
    },
    /// A unique key refused the row.
    #[error("the database refused a duplicate row")]
    Duplicate(#[source] DbErr),
    /// The engine gave up on a lock (deadlock, lock wait, SQLite busy); nothing was written.
    #[error("the database gave up waiting for a lock")]
    Deadlock(#[source] DbErr),
    /// The server cannot be reached, refuses connections or does not answer in time.
    #[error("the database is not available: {reason}")]
    Unavailable {
        /// What was tried or noticed.
        reason: String,
        /// The driver's error, where there is one.
        #[source]
        source: Option<DbErr>,
    },
    /// A reservation would pass the project's limits; nothing was reserved.
    #[error("quota exceeded for project {project_id}: {}", names(.over))]
    OverQuota {
        /// The project that is charged.
        project_id: String,
        /// Each resource that would pass its limit.
        over: Vec<OverUse>,
    },
    /// A reservation would pass what the usage column can hold (2^31 - 1).
    #[error("quota usage of project {project_id} would overflow for {}", .resources.join(", "))]
    QuotaOverflow {
        /// The project that is charged.
        project_id: String,
        /// The resources that would overflow.
        resources: Vec<String>,
    },
    /// A type-scoped quota resource of a volume type that is deleted.
    #[error("quota resource of volume type {volume_type} is unknown")]
    UnknownQuotaResource {
        /// Name of the volume type.
        volume_type: String,
    },
    /// A volume has the same glance metadata key with another value already.
    #[error("volume {volume_id} has glance metadata {key} with another value")]
    GlanceMetadataExists {
        /// The volume.
        volume_id: String,
        /// The key in question.
        key: String,
    },
    /// The row breaks a rule of the schema: too long, out of range, missing parent, null.
    #[error("the database refused the data")]
    Data(#[source] DbErr),
    /// `[database]` cannot be used as configured.
    #[error("[database] {0}")]
    Config(String),
    /// Anything else; not worth a repeat.
    #[error("database error")]
    Other(#[source] DbErr),
}

/// One resource that a reservation would take over its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverUse {
    /// Quota resource, such as `gigabytes_gold`.
    pub resource: String,
    /// What was asked for (GiB or pieces).
    pub requested: i64,
    /// What is in use.
    pub in_use: i64,
    /// What is reserved by others.
    pub reserved: i64,
    /// The project's limit.
    pub limit: i64,
}

fn names(over: &[OverUse]) -> String {
    let names: Vec<_> = over.iter().map(|o| o.resource.as_str()).collect();
    names.join(", ")
}

impl DbError {
    /// Whether the same call may succeed later without anybody's help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Deadlock(_) | Self::Unavailable { .. })
    }

    /// Whether the server, or every connection to it, said nothing for too long.
    pub(super) fn is_mute(&self) -> bool {
        match self {
            Self::Unavailable { source: None, .. } => true,
            Self::Unavailable {
                source: Some(source),
                ..
            } => match source {
                DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => true,
                DbErr::Conn(RuntimeErr::SqlxError(e)) => matches!(**e, sqlx::Error::PoolTimedOut),
                _ => false,
            },
            _ => false,
        }
    }

    pub(super) fn not_found(table: &'static str, id: impl Into<String>) -> Self {
        Self::NotFound {
            table,
            id: id.into(),
        }
    }
}

impl From<DbErr> for DbError {
    fn from(error: DbErr) -> Self {
        let kind = match &error {
            DbErr::ConnectionAcquire(_) => Kind::Unavailable,
            DbErr::Conn(RuntimeErr::SqlxError(e))
            | DbErr::Exec(RuntimeErr::SqlxError(e))
            | DbErr::Query(RuntimeErr::SqlxError(e)) => classify(e),
            _ => Kind::Other,
        };
        match kind {
            Kind::Duplicate => Self::Duplicate(error),
            Kind::Deadlock => Self::Deadlock(error),
            Kind::Data => Self::Data(error),
            Kind::Other => Self::Other(error),
            Kind::Unavailable => Self::Unavailable {
                reason: error.to_string(),
                source: Some(error),
            },
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Duplicate,
    Deadlock,
    Unavailable,
    Data,
    Other,
}

fn classify(error: &sqlx::Error) -> Kind {
    let database = match error {
        sqlx::Error::Database(database) => database,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => return Kind::Unavailable,
        _ => return Kind::Other,
    };
    if let Some(mysql) = database.try_downcast_ref::<MySqlDatabaseError>() {
        return mysql_kind(mysql.number(), mysql.code().unwrap_or_default());
    }
    let code = database.code().unwrap_or_default();
    if database
        .try_downcast_ref::<sqlx::sqlite::SqliteError>()
        .is_some()
    {
        return code.parse().map_or(Kind::Other, sqlite_kind);
    }
    sqlstate_kind(&code)
}

/// Error numbers of MySQL and MariaDB.
fn mysql_kind(number: u16, state: &str) -> Kind {
    match number {
        // ER_CHECKREAD, ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK, ER_XA_RBDEADLOCK
        1020 | 1205 | 1213 | 1614 => Kind::Deadlock,
        1062 | 1586 => Kind::Duplicate,
        // too many connections, no host, shutdown, node not ready, read only (during fail-over),
        // out of resources, killed
        1040 | 1041 | 1042 | 1047 | 1053 | 1077 | 1079 | 1129 | 1203 | 1226 | 1290 | 1317
        | 1836 | 1927 | 2006 | 2013 | 3159 => Kind::Unavailable,
        // no default, null, out of range, truncated, wrong value, check failed
        1048 | 1264 | 1265 | 1292 | 1364 | 1366 | 1406 | 1451 | 1452 | 3819 | 4025 => Kind::Data,
        _ => match sqlstate_kind(state) {
            // class 23 without a known number says nothing about which key
            Kind::Duplicate => Kind::Data,
            other => other,
        },
    }
}

/// SQLSTATE of PostgreSQL (and the classes other engines share).
fn sqlstate_kind(state: &str) -> Kind {
    match state {
        "40001" | "40P01" | "55P03" => Kind::Deadlock,
        "23505" => Kind::Duplicate,
        "57P01" | "57P02" | "57P03" | "57014" | "25006" => Kind::Unavailable,
        _ => match state.get(..2) {
            Some("08" | "53") => Kind::Unavailable,
            Some("22" | "23") => Kind::Data,
            _ => Kind::Other,
        },
    }
}

/// Extended result codes of SQLite; the low byte is the class.
fn sqlite_kind(code: i32) -> Kind {
    match code {
        1555 | 2067 | 2579 => Kind::Duplicate,
        _ => match code & 0xff {
            5 | 6 => Kind::Deadlock,
            // I/O, full disk, cannot open
            10 | 13 | 14 => Kind::Unavailable,
            18..=20 => Kind::Data,
            _ => Kind::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_are_told_from_broken_data_on_every_engine() {
        assert_eq!(mysql_kind(1213, "40001"), Kind::Deadlock);
        assert_eq!(mysql_kind(1205, "HY000"), Kind::Deadlock);
        assert_eq!(mysql_kind(1062, "23000"), Kind::Duplicate);
        assert_eq!(mysql_kind(1406, "22001"), Kind::Data);
        assert_eq!(mysql_kind(1040, "08004"), Kind::Unavailable);
        assert_eq!(mysql_kind(1146, "42S02"), Kind::Other);
        assert_eq!(sqlstate_kind("40P01"), Kind::Deadlock);
        assert_eq!(sqlstate_kind("23505"), Kind::Duplicate);
        assert_eq!(sqlstate_kind("23502"), Kind::Data);
        assert_eq!(sqlstate_kind("57P01"), Kind::Unavailable);
        assert_eq!(sqlstate_kind("42P01"), Kind::Other);
        assert_eq!(sqlite_kind(5), Kind::Deadlock);
        assert_eq!(sqlite_kind(517), Kind::Deadlock);
        assert_eq!(sqlite_kind(2067), Kind::Duplicate);
        assert_eq!(sqlite_kind(1299), Kind::Data);
        assert_eq!(sqlite_kind(14), Kind::Unavailable);
        assert_eq!(sqlite_kind(1), Kind::Other);
    }
}
