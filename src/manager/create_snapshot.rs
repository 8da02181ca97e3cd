//! `create_snapshot`: quota and row are the API's work, the rest is done here.

use serde_json::Value;
use tracing::{info, warn};

use super::Run;
use super::error::CommandError;
use super::rows::array_name;
use super::snapshot_rows::lock_name;
use crate::db::{DbError, Snapshot as Row, SnapshotChanges, Volume, Worker, WorkerOf};
use crate::kill::{self, Point};
use crate::report::{Action, Detail, Subject};
use crate::rpc::commands::CreateSnapshot;

impl Run<'_> {
    pub(super) async fn create_snapshot(
        &self,
        args: CreateSnapshot,
    ) -> Result<Value, CommandError> {
        let id = args.snapshot.id().to_owned();
        // Cinder takes no lock here; the snapshot must not be made and deleted at once.
        let _snapshot = self.lock(&lock_name(&id)).await?;
        let Some(row) = self.live_snapshot(&id).await? else {
            if self.starts > 1
                && let Some(volume_id) = args.snapshot.volume_id()
            {
                self.remove_orphan_snapshot(&id, volume_id).await?;
            }
            return Err(CommandError::SnapshotNotFound { id });
        };
        if !self.rule.wants(row.status.as_deref()) {
            info!(snapshot.id = %id, status = row.status, "create_snapshot has nothing to do");
            return Ok(Value::Null);
        }
        self.snapshot_on(&row).await
    }

    /// Makes the snapshot of a row that wants it; its lock is held.
    pub(super) async fn snapshot_on(&self, row: &Row) -> Result<Value, CommandError> {
        let of = WorkerOf::Snapshot(row.id.clone());
        let worker = self.claim_of(&of, "creating").await?;
        self.snapshot_event(row, "create.start").await;
        match self.take(row).await {
            Ok(volume) => self.snapshot_made(row, &volume, worker.as_ref()).await,
            Err(CommandError::Stopping) => Err(CommandError::Stopping),
            Err(error) => {
                warn!(snapshot.id = %row.id, error = %error.chain(), "snapshot not made");
                let detail = match error {
                    CommandError::MetadataCopyFailure { .. } => {
                        Detail::SnapshotUpdateMetadataFailed
                    }
                    _ => Detail::SnapshotCreateError,
                };
                let (subject, action) = (Subject::Snapshot, Action::SnapshotCreate);
                self.message(subject, &row.id, action, detail, &error).await;
                kill::pass(Point::MessageWritten);
                let changes = SnapshotChanges::new().status("error");
                self.end_snapshot_row(&row.id, &changes, worker.as_ref())
                    .await?;
                kill::pass(Point::SnapshotFailed);
                Err(error)
            }
        }
    }

    /// The row went while its create was cut off: nothing of it may stay on the array.
    pub(super) async fn remove_orphan_snapshot(
        &self,
        id: &str,
        volume_id: &str,
    ) -> Result<(), CommandError> {
        self.delete_on_array(id, volume_id).await?;
        info!(
            snapshot.id = id,
            "its row is gone: nothing of it is on the array"
        );
        Ok(())
    }

    /// The snapshot on the array, and the image metadata with it; the volume it is of.
    async fn take(&self, row: &Row) -> Result<Volume, CommandError> {
        self.check_ready()?;
        let volume = self.volume_row(&row.volume_id).await?;
        let (name, of) = (row.id.as_str(), array_name(&volume));
        self.array(|| self.backend.create_snapshot(name, of))
            .await?;
        kill::pass(Point::SnapshotOnArray);
        if volume.bootable == Some(true) {
            let copy = || {
                self.db
                    .copy_glance_metadata_to_snapshot(&volume.id, &row.id)
            };
            self.db(copy).await.map_err(|error| match error {
                CommandError::Db(source) => CommandError::MetadataCopyFailure {
                    of: volume.id.clone(),
                    source,
                },
                other => other,
            })?;
            kill::pass(Point::SnapshotMetadata);
        }
        Ok(volume)
    }

    async fn snapshot_made(
        &self,
        row: &Row,
        volume: &Volume,
        worker: Option<&Worker>,
    ) -> Result<Value, CommandError> {
        let changes = SnapshotChanges::new()
            .status("available")
            .progress("100%")
            .encryption_key_id(volume.encryption_key_id.as_deref());
        let ended = self.end_snapshot_row(&row.id, &changes, worker).await;
        if let Err(CommandError::Db(DbError::NotFound { .. })) = &ended {
            // Deleted behind our back: nobody would ever delete what was just made.
            self.delete_on_array(&row.id, &row.volume_id).await?;
        }
        ended?;
        kill::pass(Point::SnapshotEnded);
        if let Some(row) = self.live_snapshot(&row.id).await? {
            self.snapshot_event(&row, "create.end").await;
        }
        Ok(Value::Null)
    }

    /// The last change of a snapshot's row, and the end of its worker row with it.
    pub(super) async fn end_snapshot_row(
        &self,
        id: &str,
        changes: &SnapshotChanges,
        worker: Option<&Worker>,
    ) -> Result<(), CommandError> {
        self.db(|| self.db.end_snapshot(id, changes, worker)).await
    }
}
