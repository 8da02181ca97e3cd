//! What commands on a snapshot have in common: its row, its volume, its events.

use chrono::Utc;
use tracing::warn;

use super::Run;
use super::error::CommandError;
use super::rows::array_name;
use crate::db::{DbError, MetadataOf, Read, Snapshot, Volume};
use crate::rpc::notification::{self, Priority, SnapshotUsage};
use crate::rpc::{request, time};

impl Run<'_> {
    /// The live row of a snapshot, `None` if it is gone.
    pub(super) async fn live_snapshot(&self, id: &str) -> Result<Option<Snapshot>, CommandError> {
        match self.db(|| self.db.snapshot(id, Read::Live)).await {
            Ok(row) => Ok(Some(row)),
            Err(CommandError::Db(DbError::NotFound { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The volume of a snapshot, also a deleted one.
    pub(super) async fn volume_of(&self, row: &Snapshot) -> Result<Volume, CommandError> {
        self.db(|| self.db.volume(&row.volume_id, Read::WithDeleted))
            .await
    }

    /// Deletes a snapshot of this volume from the array; one that is not there counts as done.
    pub(super) async fn delete_on_array(
        &self,
        id: &str,
        volume_id: &str,
    ) -> Result<(), CommandError> {
        let volume = self.array_name_of(volume_id).await?;
        self.array(|| self.backend.delete_snapshot(id, &volume))
            .await
    }

    /// Name on the array of a volume, also a deleted one, or of a snapshot.
    pub(super) async fn array_name_of(&self, id: &str) -> Result<String, CommandError> {
        match self.db(|| self.db.volume(id, Read::WithDeleted)).await {
            Ok(row) => Ok(array_name(&row).to_owned()),
            Err(CommandError::Db(DbError::NotFound { .. })) => Ok(id.to_owned()),
            Err(error) => Err(error),
        }
    }

    /// Sends `snapshot.<suffix>`, if notifications are on.
    pub(super) async fn snapshot_event(&self, row: &Snapshot, suffix: &str) {
        if !self.report.notifier.is_on() {
            return;
        }
        let volume = self
            .volume_of(row)
            .await
            .inspect_err(|error| warn!(error = %error.chain(), "volume of a snapshot unknown: the event is sent without its zone"))
            .ok();
        let metadata = self
            .db(|| self.db.metadata(MetadataOf::Snapshot(&row.id)))
            .await
            .inspect_err(|error| warn!(error = %error.chain(), "metadata unknown: the event is sent without"))
            .unwrap_or_default();
        let created_at = row
            .created_at
            .map_or_else(|| time::naive(Utc::now().naive_utc()), time::payload);
        let usage = SnapshotUsage {
            tenant_id: row.project_id.clone(),
            user_id: row.user_id.clone(),
            availability_zone: volume.and_then(|volume| volume.availability_zone),
            volume_id: Some(row.volume_id.clone()),
            volume_size: row.volume_size.map(i64::from),
            snapshot_id: row.id.clone(),
            display_name: row.display_name.clone(),
            created_at,
            status: row.status.clone(),
            deleted: notification::deleted_text(row.deleted == Some(true)),
            metadata: notification::metadata_text(&metadata),
        };
        let event_type = format!("snapshot.{suffix}");
        // Listeners of oslo.messaging drop what comes twice under one id.
        let purpose = format!("event/{}/{event_type}", row.id);
        self.report.notifier.send(
            self.context,
            request::derived_uuid(&self.origin.unique_id, &purpose),
            &format!("snapshot.{}", self.options.host),
            &event_type,
            Priority::Info,
            notification::payload(&usage),
        );
    }
}

/// Name of the lock that puts commands on a snapshot in a row.
pub(super) fn lock_name(id: &str) -> String {
    format!("{id}-delete_snapshot")
}
