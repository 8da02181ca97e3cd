//! `delete_snapshot`: also unmanage, and each snapshot of a volume that is deleted with them.

use serde_json::Value;
use tracing::{info, warn};

use super::Run;
use super::error::CommandError;
use super::snapshot_rows::lock_name;
use crate::backend::BackendError;
use crate::db::{ResourceKind, Snapshot as Row, SnapshotChanges};
use crate::kill::{self, Point};
use crate::report::{Action, Detail, Subject};
use crate::rpc::commands::DeleteSnapshot;
use crate::rpc::request;

impl Run<'_> {
    pub(super) async fn delete_snapshot(
        &self,
        args: DeleteSnapshot,
    ) -> Result<Value, CommandError> {
        let id = args.snapshot.id().to_owned();
        let mut lock = self.lock(&lock_name(&id)).await?;
        let Some(row) = self.live_snapshot(&id).await? else {
            info!(snapshot.id = %id, "snapshot is gone already: nothing to delete");
            lock.remove_on_drop();
            return Ok(Value::Null);
        };
        if !self.rule.wants(row.status.as_deref()) {
            info!(snapshot.id = %id, status = row.status, "delete_snapshot has nothing to do");
            return Ok(Value::Null);
        }
        if self.delete_snapshot_on(&row, args.unmanage_only).await? {
            lock.remove_on_drop();
        }
        Ok(Value::Null)
    }

    /// Deletes the snapshots of a volume, which must all wait for that. One that is in use stays,
    /// as in cinder-volume.
    pub(super) async fn delete_snapshots_of(&self, volume_id: &str) -> Result<(), CommandError> {
        let snapshots = self.db(|| self.db.snapshots_of_volume(volume_id)).await?;
        for snapshot in snapshots {
            let mut lock = self.lock(&lock_name(&snapshot.id)).await?;
            // What was read before the lock may have ended meanwhile.
            let Some(row) = self.live_snapshot(&snapshot.id).await? else {
                continue;
            };
            let status = row.status.as_deref().unwrap_or_default();
            if status != "deleting" {
                return Err(CommandError::InvalidSnapshot {
                    reason: format!(
                        "snapshot {} is {status}, not deleting: volume {volume_id} cannot be \
                         deleted with it",
                        row.id
                    ),
                });
            }
            if self.delete_snapshot_on(&row, false).await? {
                lock.remove_on_drop();
            }
        }
        Ok(())
    }

    /// Deletes the snapshot of a row that wants it; its lock is held. True when it is gone, false
    /// when it is available again because the array has it in use.
    pub(super) async fn delete_snapshot_on(
        &self,
        row: &Row,
        unmanage_only: bool,
    ) -> Result<bool, CommandError> {
        let id = &row.id;
        self.snapshot_event(row, "delete.start").await;
        match self.remove_snapshot(row, unmanage_only).await {
            Ok(()) => {}
            Err(CommandError::Stopping) => return Err(CommandError::Stopping),
            Err(error) => {
                let busy = matches!(
                    error,
                    CommandError::Backend(BackendError::VolumeIsBusy { .. })
                );
                warn!(snapshot.id = %id, busy, error = %error.chain(), "snapshot not deleted");
                let (detail, status) = if busy {
                    (Detail::SnapshotIsBusy, "available")
                } else {
                    (Detail::SnapshotDeleteError, "error_deleting")
                };
                let (subject, action) = (Subject::Snapshot, Action::SnapshotDelete);
                self.message(subject, id, action, detail, &error).await;
                kill::pass(Point::MessageWritten);
                let changes = SnapshotChanges::new().status(status);
                self.end_snapshot_row(id, &changes, None).await?;
                kill::pass(Point::SnapshotKept);
                return if busy { Ok(false) } else { Err(error) };
            }
        }
        kill::pass(Point::SnapshotOffArray);
        let project = row.project_id.as_deref().unwrap_or_default();
        let reservations = self.reserve_snapshot(row, project).await?;
        kill::pass(Point::SnapshotReserved);
        let finish = || self.db.finish_snapshot_delete(id, project, &reservations);
        self.db(finish).await?;
        kill::pass(Point::SnapshotGone);
        let mut gone = row.clone();
        gone.status = Some("deleted".to_owned());
        gone.deleted = Some(true);
        self.snapshot_event(&gone, "delete.end").await;
        Ok(true)
    }

    async fn remove_snapshot(&self, row: &Row, unmanage_only: bool) -> Result<(), CommandError> {
        self.check_ready()?;
        let name = row.id.as_str();
        if unmanage_only {
            return self.array(|| self.backend.unmanage_snapshot(name)).await;
        }
        self.delete_on_array(name, &row.volume_id).await
    }

    /// One snapshot and its size less, also for the type that its volume has now.
    async fn reserve_snapshot(
        &self,
        row: &Row,
        project: &str,
    ) -> Result<Vec<String>, CommandError> {
        if row.use_quota == Some(false) {
            return Ok(Vec::new());
        }
        let gigabytes = (ResourceKind::Gigabytes, -row.volume_size.unwrap_or(0));
        let mut changes = vec![(ResourceKind::Snapshots, -1), gigabytes];
        changes.truncate(if self.service.no_snapshot_gb_quota {
            1
        } else {
            2
        });
        let volume = match self.volume_of(row).await {
            Ok(volume) => volume,
            Err(CommandError::Stopping) => return Err(CommandError::Stopping),
            Err(error) => {
                warn!(snapshot.id = %row.id, error = %error.chain(), "quota is not given back");
                return Ok(Vec::new());
            }
        };
        // Several snapshots may go with one message.
        let id_of = |resource: &str| {
            let purpose = format!("{}/{resource}", row.id);
            request::derived_uuid(&self.origin.unique_id, &purpose)
        };
        let volume_type = volume.volume_type_id.as_deref();
        self.reserve_changes(project, &changes, volume_type, id_of)
            .await
    }
}
