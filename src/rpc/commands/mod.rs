//! The methods of Cinder's volume RPC API, one file each: argument and reply types, no behaviour.

mod accept_transfer;
mod attach_volume;
mod attachment_delete;
mod attachment_update;
mod copy_volume_to_image;
mod create_group;
mod create_group_from_src;
mod create_group_snapshot;
mod create_snapshot;
mod create_volume;
mod delete_group;
mod delete_group_snapshot;
mod delete_snapshot;
mod delete_volume;
mod detach_volume;
mod disable_replication;
mod do_cleanup;
mod enable_replication;
mod extend_volume;
mod extend_volume_completion;
mod failover;
mod failover_completed;
mod failover_host;
mod failover_replication;
mod freeze_host;
mod get_backup_device;
mod get_capabilities;
mod get_log_levels;
mod get_manageable_snapshots;
mod get_manageable_volumes;
mod initialize_connection;
mod initialize_connection_snapshot;
mod list_replication_targets;
mod manage_existing;
mod manage_existing_snapshot;
mod migrate_volume;
mod migrate_volume_completion;
mod publish_service_capabilities;
mod reimage;
mod remove_export;
mod remove_export_snapshot;
mod retype;
mod revert_to_snapshot;
mod secure_file_operations_enabled;
mod set_log_levels;
mod terminate_connection;
mod terminate_connection_snapshot;
mod thaw_host;
mod update_group;
mod update_migrated_volume;

pub use accept_transfer::AcceptTransfer;
pub use attach_volume::AttachVolume;
pub use attachment_delete::AttachmentDelete;
pub use attachment_update::AttachmentUpdate;
pub use copy_volume_to_image::CopyVolumeToImage;
pub use create_group::CreateGroup;
pub use create_group_from_src::CreateGroupFromSrc;
pub use create_group_snapshot::CreateGroupSnapshot;
pub use create_snapshot::CreateSnapshot;
pub use create_volume::CreateVolume;
pub use delete_group::DeleteGroup;
pub use delete_group_snapshot::DeleteGroupSnapshot;
pub use delete_snapshot::DeleteSnapshot;
pub use delete_volume::DeleteVolume;
pub use detach_volume::DetachVolume;
pub use disable_replication::DisableReplication;
pub use do_cleanup::DoCleanup;
pub use enable_replication::EnableReplication;
pub use extend_volume::ExtendVolume;
pub use extend_volume_completion::ExtendVolumeCompletion;
pub use failover::Failover;
pub use failover_completed::FailoverCompleted;
pub use failover_host::FailoverHost;
pub use failover_replication::FailoverReplication;
pub use freeze_host::FreezeHost;
pub use get_backup_device::GetBackupDevice;
pub use get_capabilities::GetCapabilities;
pub use get_log_levels::GetLogLevels;
pub use get_manageable_snapshots::GetManageableSnapshots;
pub use get_manageable_volumes::GetManageableVolumes;
pub use initialize_connection::InitializeConnection;
pub use initialize_connection_snapshot::InitializeConnectionSnapshot;
pub use list_replication_targets::ListReplicationTargets;
pub use manage_existing::ManageExisting;
pub use manage_existing_snapshot::ManageExistingSnapshot;
pub use migrate_volume::MigrateVolume;
pub use migrate_volume_completion::MigrateVolumeCompletion;
pub use publish_service_capabilities::PublishServiceCapabilities;
pub use reimage::Reimage;
pub use remove_export::RemoveExport;
pub use remove_export_snapshot::RemoveExportSnapshot;
pub use retype::Retype;
pub use revert_to_snapshot::RevertToSnapshot;
pub use secure_file_operations_enabled::SecureFileOperationsEnabled;
pub use set_log_levels::SetLogLevels;
pub use terminate_connection::TerminateConnection;
pub use terminate_connection_snapshot::TerminateConnectionSnapshot;
pub use thaw_host::ThawHost;
pub use update_group::UpdateGroup;
pub use update_migrated_volume::UpdateMigratedVolume;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::opaque::Opaque;
use super::version::Version;

/// A method of the volume API. The implementing type holds the arguments.
pub trait Method: Serialize + DeserializeOwned + JsonSchema {
    /// Name on the wire.
    const NAME: &'static str;
    /// API version that brought it.
    const SINCE: Version;
    /// API version that current clients stamp on it.
    const SENT: Version;
    /// How it is sent.
    const KIND: Kind;
    /// Names of the arguments, in the order of the Python method.
    const PARAMS: &'static [Param];
    /// What a call is answered with; `()` is null.
    type Reply: Serialize + JsonSchema;

    /// What the command works on; the resource that is locked comes first.
    fn resources(&self) -> Vec<Resource<'_>>;
}

/// Whether clients wait for a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// They wait.
    Call,
    /// They do not.
    Cast,
    /// Some do.
    Either,
}

/// An argument's name and whether it must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    /// Name on the wire.
    pub name: &'static str,
    /// Whether the Python method has no default for it.
    pub required: bool,
    /// API version that brought it; endpoints of older versions refuse it.
    pub since: Version,
}

impl Param {
    const fn required(name: &'static str) -> Self {
        Self {
            name,
            required: true,
            since: Version::new(3, 0),
        }
    }

    const fn optional(name: &'static str) -> Self {
        Self::since(name, Version::new(3, 0))
    }

    const fn since(name: &'static str, since: Version) -> Self {
        Self {
            name,
            required: false,
            since,
        }
    }
}

/// Something a command works on, by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource<'a> {
    /// A volume.
    Volume(&'a str),
    /// A snapshot.
    Snapshot(&'a str),
    /// A generic group.
    Group(&'a str),
    /// A snapshot of a generic group.
    GroupSnapshot(&'a str),
    /// An attachment of a volume.
    Attachment(&'a str),
    /// A backup.
    Backup(&'a str),
    /// The backend as a whole.
    Host,
}

/// Where a volume shall move to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Destination {
    /// `host@backend#pool`.
    pub host: String,
    /// Cluster, of clustered backends.
    #[serde(default)]
    pub cluster_name: Option<String>,
    /// Capabilities of the destination as the scheduler knows them.
    #[serde(default)]
    pub capabilities: Opaque,
}

/// Reply of `list_replication_targets`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicationTargets {
    /// One dictionary a target, with `backend_id`.
    pub replication_targets: Vec<Opaque>,
}

fn yes() -> bool {
    true
}
