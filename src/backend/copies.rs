//! Snapshots and growth: what iSCSI and FC backends have in common.

use super::xtremio::refuse_if_mapped;
use super::{BackendError, XtremIo, naming};
use crate::xms::{CopyKind, Kilobytes, XmsError};

impl XtremIo {
    /// One call; a read follows only a refusal, to tell one that is large enough already.
    pub(super) async fn extend(&self, name: &str, size_gib: u64) -> Result<(), BackendError> {
        match self.xms.volumes().resize(name, size_gib).await {
            Ok(()) => Ok(()),
            Err(refused @ (XmsError::Refused { .. } | XmsError::InvalidSize { .. })) => {
                match self.xms.volumes().get(name).await {
                    Ok(found) if found.vol_size >= Kilobytes::from_gib(size_gib) => Ok(()),
                    _ => Err(BackendError::of(name, refused)),
                }
            }
            Err(error) => Err(BackendError::of(name, error)),
        }
    }

    pub(super) async fn size(&self, name: &str) -> Result<Option<u64>, BackendError> {
        match self.xms.volumes().get(name).await {
            Ok(found) => Ok(Some(found.vol_size.0.div_ceil(Kilobytes::PER_GIB))),
            Err(XmsError::NotFound { .. }) => Ok(None),
            Err(error) => Err(BackendError::of(name, error)),
        }
    }

    pub(super) async fn snapshot(&self, name: &str, volume: &str) -> Result<(), BackendError> {
        self.make_copy(name, volume, CopyKind::ReadOnly).await?;
        Ok(())
    }

    /// The interim name is looked at only when there is nothing under the final one, which keeps
    /// the ordinary delete at two calls: a copy bears one name at a time.
    pub(super) async fn remove_snapshot(
        &self,
        name: &str,
        volume: &str,
    ) -> Result<(), BackendError> {
        if self.remove_unmapped(name).await? {
            return Ok(());
        }
        let first = self.first_name(volume, name).await?;
        if first == name || !self.remove_unmapped(&first).await? {
            tracing::info!(
                snapshot.id = name,
                "snapshot is not on the array, nothing to delete"
            );
        }
        Ok(())
    }

    pub(super) async fn give_up_snapshot(&self, name: &str) -> Result<(), BackendError> {
        let new_name = naming::unmanaged_snapshot(&self.snapshot_name_template, name);
        self.xms
            .volumes()
            .rename(name, &new_name)
            .await
            .map_err(|error| BackendError::of(name, error))
    }

    /// Deletes the object of that name unless a host uses it; `false` when there is none.
    pub(super) async fn remove_unmapped(&self, name: &str) -> Result<bool, BackendError> {
        let volumes = self.xms.volumes();
        match volumes.mappings(name).await {
            Ok(mappings) => refuse_if_mapped(name, &mappings)?,
            Err(XmsError::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(BackendError::of(name, error)),
        }
        match volumes.delete(name).await {
            Ok(()) | Err(XmsError::NotFound { .. }) => Ok(true),
            Err(error) => Err(BackendError::of(name, error)),
        }
    }
}
