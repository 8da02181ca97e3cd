//! Cinder database through sea-orm: only the columns we touch.
//!
//! [`Db`] is the handle; each subject adds its calls in its own file. A call is one
//! transaction, as each of Cinder's is, and repeats itself when the engine gives up on a
//! lock. A database that is away ends a call quickly with [`DbError::Unavailable`];
//! [`Db::until_available`] waits for its return where that is wanted.

mod attach;
mod attachments;
mod backups;
mod changes;
mod conditional;
mod connect;
mod endings;
mod entity;
mod error;
mod glance_metadata;
mod groups;
mod host_filter;
mod in_progress;
mod messages;
mod metadata;
mod new_rows;
mod new_volume;
mod pool;
mod quota;
mod quota_limits;
mod quota_usage;
mod schema;
mod secret;
mod services;
mod snapshot_end;
mod snapshots;
mod sql;
mod volume_end;
mod volume_types;
mod volumes;
mod workers;

use std::future::Future;
use std::time::Duration;

use chrono::NaiveDateTime;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};

use crate::config::Engine;
use crate::retry::Delays;
use pool::Pool;

pub use attachments::{AttachmentChanges, DetachResult};
pub use backups::BackupChanges;
pub use changes::{SnapshotChanges, VolumeChanges};
pub use conditional::{Expected, VolumeField};
pub use entity::backups::Model as Backup;
pub use entity::encryption::Model as Encryption;
pub use entity::groups::Model as Group;
pub use entity::quota_usages::Model as QuotaUsage;
pub use entity::services::Model as Service;
pub use entity::snapshots::Model as Snapshot;
pub use entity::volume_attachment::Model as Attachment;
pub use entity::volume_glance_metadata::Model as GlanceMetadata;
pub use entity::volume_types::Model as VolumeType;
pub use entity::volumes::Model as Volume;
pub use entity::workers::Model as Worker;
pub use error::{DbError, OverUse, Result};
pub use groups::GroupChanges;
pub use in_progress::InProgress;
pub use messages::UserMessage;
pub use metadata::MetadataOf;
pub use new_rows::{NewAttachmentRow, NewSnapshotRow};
pub use new_volume::NewVolumeRow;
pub use quota::{Delta, QuotaRequest, Reservations, ResourceKind};
pub use quota_limits::QuotaDefaults;
pub use schema::{Release, create_standalone};
pub use secret::SecretText;
pub use services::{
    Heartbeat, MinimumVersions, Registration, ServiceChanges, ServiceIdentity, Versions,
};
pub use volume_end::Ending;
pub use volume_types::QosSpecs;
pub use volumes::{HostAllocation, VolumeBrief};
pub use workers::{Claim, WorkerOf};

/// Tries of a statement or transaction that loses to a lock, the first included.
const LOCK_TRIES: u32 = 6;
/// Longest time of one try; beyond it the server counts as away. Longer than any wait for a
/// lock (`connect.rs`), so that what runs into it is the line or the server itself.
const CALL_DEADLINE: Duration = Duration::from_secs(15);

/// Which rows a read sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// Rows that are not deleted.
    Live,
    /// Deleted ones too.
    WithDeleted,
}

/// The handle on Cinder's database: cheap to clone, safe to share.
#[derive(Debug, Clone)]
pub struct Db {
    pool: Pool,
    engine: Engine,
    deadline: Duration,
}

impl Db {
    /// The engine behind the handle.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The same database with another time limit for one try of a call (15 s by default).
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Asks the server for a sign of life.
    pub async fn ping(&self) -> Result<()> {
        self.attempt(|| async { Ok(self.conn().ping().await?) })
            .await
    }

    /// Closes every connection; later calls fail with [`DbError::Unavailable`].
    pub async fn close(&self) -> Result<()> {
        Ok(self.conn().close_by_ref().await?)
    }

    /// The pool of the moment.
    fn conn(&self) -> DatabaseConnection {
        self.pool.current()
    }

    /// Repeats `call` while it fails for a passing reason, for at most `patience`.
    ///
    /// The last error is returned when patience runs out. `call` must be safe to repeat: an
    /// unanswered COMMIT may have been done.
    pub async fn until_available<T, F, Fut>(&self, patience: Duration, call: F) -> Result<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let end = tokio::time::Instant::now() + patience;
        let mut delays = Delays::new(Duration::from_millis(100), Duration::from_secs(5));
        loop {
            match call().await {
                Err(error) if error.is_transient() => {
                    let delay = delays.next_delay();
                    if tokio::time::Instant::now() + delay > end {
                        return Err(error);
                    }
                    tracing::debug!(%error, ?delay, "database call is repeated");
                    tokio::time::sleep(delay).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// One call: bounded in time, repeated when it lost to a lock.
    async fn attempt<T, F, Fut>(&self, call: F) -> Result<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        self.attempt_unless(call, |error| matches!(error, DbError::Deadlock(_)))
            .await
    }

    /// As [`Self::attempt`], repeated when `passing` says so.
    async fn attempt_unless<T, F, Fut>(&self, call: F, passing: fn(&DbError) -> bool) -> Result<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let mut delays = Delays::new(Duration::from_millis(20), Duration::from_secs(2));
        let mut tries = 1;
        loop {
            let generation = self.pool.generation();
            let outcome = match tokio::time::timeout(self.deadline, call()).await {
                Ok(outcome) => outcome,
                Err(_) => Err(DbError::Unavailable {
                    reason: format!("no answer within {:?}", self.deadline),
                    source: None,
                }),
            };
            if let Err(error) = &outcome
                && error.is_mute()
            {
                self.pool.renew(generation, self.deadline).await;
            }
            match outcome {
                Err(error) if tries < LOCK_TRIES && passing(&error) => {
                    tries += 1;
                    tokio::time::sleep(delays.next_delay()).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// A transaction that may write: SQLite takes its write lock at once, since a lock
    /// upgrade in the middle fails without waiting.
    async fn begin(&self) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.conn().begin_with_options(options).await?)
    }
}

/// The time now, UTC, in the microseconds that every engine can hold.
pub fn now() -> NaiveDateTime {
    let now = chrono::Utc::now().naive_utc();
    chrono::SubsecRound::trunc_subsecs(now, 6)
}
