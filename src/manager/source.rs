//! What a volume is to be made from.

use super::snapshot_rows;
use crate::db::Volume;
use crate::rpc::commands::CreateVolume;

/// The source of a create, other than nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A snapshot's id.
    Snapshot(String),
    /// A volume's id.
    Volume(String),
    /// An image's id.
    Image(String),
    /// A backup's id.
    Backup(String),
}

impl Source {
    /// The volume's columns decide for snapshot and clone, so that a create without request
    /// spec still clones; image and backup are named by the request spec alone.
    pub(super) fn of(args: &CreateVolume) -> Option<Self> {
        let owned = |id: Option<&str>| id.map(str::to_owned);
        let spec = args.request_spec.as_ref();
        owned(args.volume.snapshot_id())
            .map(Self::Snapshot)
            .or_else(|| owned(args.volume.source_volid()).map(Self::Volume))
            .or_else(|| owned(spec?.image_id()).map(Self::Image))
            .or_else(|| owned(spec?.backup_id()).map(Self::Backup))
    }

    /// As far as the row alone can tell: it names neither image nor backup.
    pub(super) fn of_row(row: &Volume) -> Option<Self> {
        let snapshot = row.snapshot_id.clone().map(Self::Snapshot);
        snapshot.or_else(|| row.source_volid.clone().map(Self::Volume))
    }

    /// Id of what the array copies; images and backups it does not know.
    pub(super) fn copied(&self) -> Option<&str> {
        match self {
            Self::Snapshot(id) | Self::Volume(id) => Some(id),
            Self::Image(_) | Self::Backup(_) => None,
        }
    }

    /// Name of the lock that keeps the source from being deleted meanwhile.
    pub(super) fn lock_name(&self) -> Option<String> {
        match self {
            Self::Snapshot(id) => Some(snapshot_rows::lock_name(id)),
            Self::Volume(id) => Some(format!("{id}-delete_volume")),
            Self::Image(_) | Self::Backup(_) => None,
        }
    }
}
