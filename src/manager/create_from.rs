//! `create_volume` from a snapshot or another volume.

use tracing::debug;

use super::Run;
use super::error::CommandError;
use super::rows::array_name;
use crate::backend::{ModelUpdate, NewVolume};
use crate::db::{DbError, Volume as Row};
use crate::kill::{self, Point};

/// What a create made.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub update: ModelUpdate,
    /// Its source can be booted, and so can it.
    pub bootable: bool,
    /// The backup that is to fill it: until then it stays `creating`.
    pub backup: Option<String>,
}

impl Run<'_> {
    /// A volume from the snapshot `id`; its lock is held.
    pub(super) async fn make_from_snapshot(
        &self,
        row: &Row,
        id: &str,
    ) -> Result<Made, CommandError> {
        self.check_ready()?;
        let Some(snapshot) = self.live_snapshot(id).await? else {
            return Err(CommandError::SnapshotNotFound { id: id.to_owned() });
        };
        let update = self
            .copy_on_array(row, &snapshot.id, snapshot.volume_size)
            .await?;
        let bootable = match self.volume_row(&snapshot.volume_id).await {
            Ok(origin) => origin.bootable == Some(true),
            Err(CommandError::VolumeNotFound { id }) => {
                return Err(CommandError::MetadataUpdateFailure {
                    source: DbError::NotFound {
                        table: "volumes",
                        id: id.clone(),
                    },
                    of: id,
                });
            }
            Err(CommandError::Db(source)) => {
                let of = snapshot.volume_id;
                return Err(CommandError::MetadataUpdateFailure { of, source });
            }
            Err(error) => return Err(error),
        };
        if bootable {
            let copy = || self.db.copy_glance_metadata_from_snapshot(id, &row.id);
            metadata_copied(id, self.db(copy).await)?;
        }
        Ok(Made {
            update,
            bootable,
            backup: None,
        })
    }

    /// A clone of the volume `id`, whose lock is held. Nothing here changes the source's status:
    /// cinder-volume writes it back after a failure, and may undo what others did meanwhile.
    pub(super) async fn make_from_volume(&self, row: &Row, id: &str) -> Result<Made, CommandError> {
        let source = self.volume_row(id).await?;
        self.clone_of(row, &source).await
    }

    async fn clone_of(&self, row: &Row, source: &Row) -> Result<Made, CommandError> {
        self.check_ready()?;
        if row.encryption_key_id.is_some() {
            // Both would be readable with one key.
            return Err(CommandError::Unsupported {
                what: format!("give the clone {} an encryption key of its own", row.id),
            });
        }
        let update = self
            .copy_on_array(row, array_name(source), source.size)
            .await?;
        let bootable = source.bootable == Some(true);
        if bootable {
            let copy = || self.db.copy_glance_metadata_to_clone(&source.id, &row.id);
            metadata_copied(&source.id, self.db(copy).await)?;
        }
        Ok(Made {
            update,
            bootable,
            backup: None,
        })
    }

    /// The array grows what is smaller than the row says.
    async fn copy_on_array(
        &self,
        row: &Row,
        source: &str,
        source_size: Option<i32>,
    ) -> Result<ModelUpdate, CommandError> {
        let volume = new_volume(row, source_size);
        let copy = || self.backend.create_volume_from(&volume, source);
        let update = self.array(copy).await?;
        kill::pass(Point::CopyOnArray);
        Ok(update)
    }
}

/// What the array is asked for; a copy of something that has `source_size` GiB.
pub(super) fn new_volume(row: &Row, source_size: Option<i32>) -> NewVolume {
    // What was in a consistency group before groups came is in a group as well.
    let group = row.group_id.as_ref().or(row.consistencygroup_id.as_ref());
    NewVolume {
        name: array_name(row).to_owned(),
        size_gib: u64::try_from(row.size.unwrap_or(0)).unwrap_or(0),
        group: group.cloned(),
        source_size_gib: source_size.and_then(|size| u64::try_from(size).ok()),
    }
}

fn metadata_copied(of: &str, copied: Result<usize, CommandError>) -> Result<(), CommandError> {
    match copied {
        Ok(pairs) => {
            debug!(source.id = of, pairs, "image metadata copied");
            kill::pass(Point::CopyMetadata);
            Ok(())
        }
        Err(CommandError::Db(source)) => {
            let of = of.to_owned();
            Err(CommandError::MetadataCopyFailure { of, source })
        }
        Err(error) => Err(error),
    }
}
