//! The rules of cinder-volume, one file a command: locks, quota, status, events.
//!
//! A command is continued, not restarted: each looks at its row first, which may show that it
//! has ended already. Every command ends in one final state of its row, also if it fails.

mod accept_transfer;
mod announce_extend;
mod attach_volume;
mod attachment_delete;
mod attachment_update;
mod connection;
mod connector;
mod copy_volume_to_image;
mod create_from;
mod create_from_backup;
mod create_from_image;
mod create_snapshot;
mod create_volume;
mod delete_snapshot;
mod delete_volume;
mod detach_volume;
mod error;
mod events;
mod extend_volume;
mod extend_volume_completion;
mod get_backup_device;
mod images;
mod initialize_connection;
mod intent;
mod journaled;
mod local;
mod locks;
mod mentions;
mod objects;
mod patience;
mod recovery;
mod redelivery;
mod refusal;
mod refuse;
mod rows;
mod sharing;
mod slots;
mod snapshot_rows;
mod source;
mod terminate_connection;

pub use error::CommandError;
pub use images::Images;
pub use journaled::Ended;
pub use local::LocalUses;
pub use locks::{LockError, LockGuard, Locks};
pub use mentions::{Mention, Mentions};
pub use recovery::{Reading, Recovery};
pub use sharing::Departed;
pub use slots::{Slot, Slots};

use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::backend::Backend;
use crate::config::{BackendOptions, ServiceOptions};
use crate::db::{Db, Service};
use crate::journal::Journal;
use crate::openstack::Nova;
use crate::report::{Operation, Report};
use crate::rpc::{Command, RequestContext};
use redelivery::Rule;

/// Where a command came from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// `_unique_id` of its message: what ids of our own casts and reservations derive from.
    pub unique_id: String,
    /// How long somebody waits for its end; `None` for a cast.
    pub patience: Option<Duration>,
}

/// Runs the commands of one backend.
pub struct Manager {
    /// The array.
    pub backend: Arc<dyn Backend>,
    /// The database.
    pub db: Db,
    /// Events, messages, reports.
    pub report: Report,
    /// The backend's section.
    pub options: BackendOptions,
    /// Options of the service.
    pub service: ServiceOptions,
    /// Locks by name.
    pub locks: Locks,
    /// Intents and finish records.
    pub journal: Journal,
    /// What the messages here are about.
    pub mentions: Mentions,
    /// Attachments whose end was answered, and whose rows are about to go.
    pub departed: Departed,
    /// Copies of volumes under way here.
    pub local: LocalUses,
    /// The ways to images, and to the bytes of volumes.
    pub images: Images,
    /// Tells instances of volumes that grew.
    pub nova: Nova,
    /// Whether the array was reached with these options.
    pub ready: watch::Receiver<bool>,
    /// Our service row.
    pub row: watch::Receiver<Service>,
    /// Set when waiting must end: the message goes back to the broker.
    pub stop: CancellationToken,
}

/// One command under way.
struct Run<'a> {
    manager: &'a Manager,
    context: &'a RequestContext,
    origin: &'a Origin,
    /// Its line in the table of redeliveries.
    rule: &'static Rule,
    /// How often it was started, this time included.
    starts: u32,
    began: Instant,
    /// What others see of it.
    operation: Operation,
}

impl Run<'_> {
    async fn dispatch(&self, command: Command) -> Result<Value, CommandError> {
        match command {
            Command::CreateVolume(args) => self.create_volume(*args).await,
            Command::DeleteVolume(args) => self.delete_volume(*args).await,
            Command::ExtendVolume(args) => self.extend_volume(*args).await,
            Command::ExtendVolumeCompletion(args) => self.extend_volume_completion(*args).await,
            Command::CreateSnapshot(args) => self.create_snapshot(*args).await,
            Command::DeleteSnapshot(args) => self.delete_snapshot(*args).await,
            Command::CopyVolumeToImage(args) => self.copy_volume_to_image(*args).await,
            Command::AttachVolume(args) => self.attach_volume(*args).await,
            Command::DetachVolume(args) => self.detach_volume(*args).await,
            Command::InitializeConnection(args) => self.initialize_connection(*args).await,
            Command::TerminateConnection(args) => self.terminate_connection(*args).await,
            Command::RemoveExport(args) => self.remove_export(*args).await,
            Command::AttachmentUpdate(args) => self.attachment_update(*args).await,
            Command::AttachmentDelete(args) => self.attachment_delete(*args).await,
            Command::GetBackupDevice(args) => self.get_backup_device(*args).await,
            Command::AcceptTransfer(args) => self.accept_transfer(*args).await,
            Command::GetCapabilities(args) => {
                if args.discover
                    && let Err(error) = self.report.capabilities.refresh().await
                {
                    warn!(%error, "capabilities could not be discovered: the last known are sent");
                }
                Ok(json!(self.report.capabilities.with_properties().await))
            }
            Command::PublishServiceCapabilities(_) => {
                self.report.capabilities.publish_soon();
                Ok(Value::Null)
            }
            // Block devices have no files whose owner could matter.
            Command::SecureFileOperationsEnabled(_) => Ok(json!(false)),
            // Without replication_device there are none.
            Command::ListReplicationTargets(_) => Ok(json!({"replication_targets": []})),
            Command::Ping => Ok(json!("pong")),
            other => self.refuse(other).await,
        }
    }
}

impl Deref for Run<'_> {
    type Target = Manager;

    fn deref(&self) -> &Manager {
        self.manager
    }
}
