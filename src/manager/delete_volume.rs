//! `delete_volume`: also unmanage, and cascade once snapshots can be deleted.

use serde_json::Value;
use tracing::{info, warn};

use super::Run;
use super::error::CommandError;
use super::rows::{array_name, project_of};
use crate::backend::BackendError;
use crate::db::{Volume as Row, VolumeChanges};
use crate::rpc::commands::DeleteVolume;
use crate::rpc::request;

impl Run<'_> {
    pub(super) async fn delete_volume(&self, args: DeleteVolume) -> Result<Value, CommandError> {
        let id = args.volume.id().to_owned();
        let _guard = self.locks.lock(&format!("{id}-delete_volume")).await;
        let _volume = self.locks.lock(&id).await;
        let Some(row) = self.live_volume(&id).await? else {
            info!(volume.id = %id, "volume is gone already: nothing to delete");
            return Ok(Value::Null);
        };
        let worker = self.claim(&row).await?;
        let ended = self.delete(&args, &row).await;
        self.release(worker, ended).await
    }

    async fn delete(&self, args: &DeleteVolume, row: &Row) -> Result<Value, CommandError> {
        let id = &row.id;
        if row.attach_status.as_deref() == Some("attached") {
            return Err(CommandError::VolumeAttached { id: id.clone() });
        }
        if let Some(host) = row.host.as_deref()
            && !self.is_ours(host)
        {
            return Err(CommandError::Invalid {
                reason: format!("volume {id} is on {host}, not on this host"),
            });
        }
        if args.unmanage_only && (args.cascade || row.encryption_key_id.is_some()) {
            return Err(CommandError::Invalid {
                reason: format!(
                    "volume {id} is encrypted, or cascade was asked for: it cannot be unmanaged"
                ),
            });
        }
        let event = if args.unmanage_only {
            "unmanage"
        } else {
            "delete"
        };
        self.volume_event(row, &format!("{event}.start")).await;
        match self.remove(args, row).await {
            Ok(()) => {}
            Err(CommandError::Stopping) => return Err(CommandError::Stopping),
            Err(CommandError::Backend(BackendError::VolumeIsBusy { reason, .. })) => {
                warn!(volume.id = %id, reason, "volume is busy on the array: available again");
                self.clear(row, "available").await?;
                return Ok(Value::Null);
            }
            Err(error) => {
                let status = if args.unmanage_only {
                    "error_unmanaging"
                } else {
                    "error_deleting"
                };
                self.clear(row, status).await?;
                return Err(error);
            }
        }
        // Taken with ids derived from the message, so that a repeat finds them.
        let reservations = self
            .reserve_give_back(row, |resource| {
                request::derived_uuid(&self.origin.unique_id, resource)
            })
            .await?;
        let project = project_of(row);
        self.db(|| self.db.finish_delete(id, project, &reservations))
            .await?;
        let mut gone = row.clone();
        gone.status = Some("deleted".to_owned());
        self.volume_event(&gone, &format!("{event}.end")).await;
        self.report.capabilities.publish_soon();
        Ok(Value::Null)
    }

    async fn remove(&self, args: &DeleteVolume, row: &Row) -> Result<(), CommandError> {
        self.check_ready()?;
        let name = array_name(row);
        if args.unmanage_only {
            return self.array(|| self.backend.unmanage_volume(name)).await;
        }
        if args.cascade {
            let snapshots = self.db(|| self.db.snapshots_of_volume(&row.id)).await?;
            if let Some(snapshot) = snapshots.first() {
                return Err(CommandError::Unsupported {
                    what: format!("delete snapshot {} with volume {}", snapshot.id, row.id),
                });
            }
        }
        self.array(|| self.backend.delete_volume(name)).await
    }

    /// The row after a delete that did not happen: what a failed migration left behind goes,
    /// anything else shows the status.
    async fn clear(&self, row: &Row, status: &str) -> Result<(), CommandError> {
        let leftover = row
            .migration_status
            .as_deref()
            .is_some_and(|s| s.starts_with("target:"));
        if leftover {
            self.db(|| self.db.finish_delete(&row.id, project_of(row), &[]))
                .await?;
            Ok(())
        } else {
            let changes = VolumeChanges::new().status(status);
            self.db(|| self.db.update_volume(&row.id, &changes)).await
        }
    }
}
