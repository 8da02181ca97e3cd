//! `delete_volume`: also unmanage, and cascade, in which the snapshots go first.

use serde_json::Value;
use tracing::{info, warn};

use super::Run;
use super::error::CommandError;
use super::rows::{array_name, project_of};
use crate::backend::BackendError;
use crate::db::{Ending, Volume as Row, VolumeChanges, Worker};
use crate::kill::{self, Point};
use crate::rpc::commands::DeleteVolume;
use crate::rpc::request;

/// What kind of delete it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// The array keeps the volume, under another name.
    pub unmanage_only: bool,
    /// Its snapshots go with it.
    pub cascade: bool,
}

impl Run<'_> {
    pub(super) async fn delete_volume(&self, args: DeleteVolume) -> Result<Value, CommandError> {
        let id = args.volume.id().to_owned();
        let mut delete = self.lock(&format!("{id}-delete_volume")).await?;
        let mut volume = self.lock(&id).await?;
        let Some(row) = self.live_volume(&id).await? else {
            info!(volume.id = %id, "volume is gone already: nothing to delete");
            delete.remove_on_drop();
            volume.remove_on_drop();
            return Ok(Value::Null);
        };
        let worker = self.claim(&row).await?;
        let how = How {
            unmanage_only: args.unmanage_only,
            cascade: args.cascade,
        };
        if self.delete(how, &row, worker.as_ref()).await? {
            // Nobody will lock its names any more; cinder-volume removes these files too.
            delete.remove_on_drop();
            volume.remove_on_drop();
            drop(volume);
            self.locks.remove(&format!("{id}-detach_volume")).await;
        }
        Ok(Value::Null)
    }

    /// True when the volume is gone, false when it is available again because the array has it
    /// in use. What is refused before anything changed leaves row and worker row as they are.
    pub(super) async fn delete(
        &self,
        how: How,
        row: &Row,
        worker: Option<&Worker>,
    ) -> Result<bool, CommandError> {
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
        if how.unmanage_only && (how.cascade || row.encryption_key_id.is_some()) {
            return Err(CommandError::Invalid {
                reason: format!(
                    "volume {id} is encrypted, or cascade was asked for: it cannot be unmanaged"
                ),
            });
        }
        let event = if how.unmanage_only {
            "unmanage"
        } else {
            "delete"
        };
        self.volume_event(row, &format!("{event}.start")).await;
        match self.remove(how, row).await {
            Ok(()) => {}
            Err(CommandError::Stopping) => return Err(CommandError::Stopping),
            Err(CommandError::Backend(BackendError::VolumeIsBusy { reason, .. })) => {
                warn!(volume.id = %id, reason, "volume is busy on the array: available again");
                self.clear(row, "available", worker).await?;
                return Ok(false);
            }
            Err(error) => {
                let status = if how.unmanage_only {
                    "error_unmanaging"
                } else {
                    "error_deleting"
                };
                self.clear(row, status, worker).await?;
                return Err(error);
            }
        }
        kill::pass(Point::DeleteOffArray);
        // Taken with ids derived from the message, so that a repeat finds them.
        let reservations = self
            .reserve_give_back(row, |resource| {
                request::derived_uuid(&self.origin.unique_id, resource)
            })
            .await?;
        kill::pass(Point::DeleteReserved);
        let ending = Ending {
            project_id: project_of(row),
            reservations: &reservations,
            worker,
        };
        self.db(|| self.db.finish_delete(id, ending)).await?;
        kill::pass(Point::DeleteEnded);
        let mut gone = row.clone();
        gone.status = Some("deleted".to_owned());
        self.volume_event(&gone, &format!("{event}.end")).await;
        self.report.capabilities.publish_soon();
        Ok(true)
    }

    async fn remove(&self, how: How, row: &Row) -> Result<(), CommandError> {
        self.check_ready()?;
        let name = array_name(row);
        if how.unmanage_only {
            return self.array(|| self.backend.unmanage_volume(name)).await;
        }
        if how.cascade {
            self.delete_snapshots_of(&row.id).await?;
        }
        match self.copied_from(row).await? {
            Some(source) => {
                self.array(|| self.backend.delete_snapshot(name, &source))
                    .await
            }
            None => self.array(|| self.backend.delete_volume(name)).await,
        }
    }

    /// Name on the array of what the volume was copied from: a copy that was never finished bears
    /// a name made of both.
    pub(super) async fn copied_from(&self, row: &Row) -> Result<Option<String>, CommandError> {
        match (&row.snapshot_id, &row.source_volid) {
            (Some(snapshot), _) => Ok(Some(snapshot.clone())),
            (None, Some(volume)) => self.array_name_of(volume).await.map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The row after a delete that did not happen: what a failed migration left behind goes,
    /// anything else shows the status.
    async fn clear(
        &self,
        row: &Row,
        status: &str,
        worker: Option<&Worker>,
    ) -> Result<(), CommandError> {
        let leftover = row
            .migration_status
            .as_deref()
            .is_some_and(|s| s.starts_with("target:"));
        if leftover {
            let ending = Ending {
                worker,
                ..Ending::default()
            };
            self.db(|| self.db.finish_delete(&row.id, ending)).await?;
        } else {
            let changes = VolumeChanges::new().status(status);
            self.end_volume(&row.id, &changes, worker).await?;
        }
        kill::pass(Point::DeleteFailed);
        Ok(())
    }
}
