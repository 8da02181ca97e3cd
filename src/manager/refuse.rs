//! Ends commands as the table of refusals says: those that this version cannot run, that never
//! come to an end, or whose message was lost.

use serde_json::Value;

use super::Run;
use super::error::CommandError;
use super::refusal::{self, Refusal, RowEnd, VolumeEnd};
use super::rows::project_of;
use crate::db::{
    Claim, Expected, Read, ServiceChanges, SnapshotChanges, VolumeChanges, VolumeField, WorkerOf,
};
use crate::kill::{self, Point};
use crate::rpc::Command;

impl Run<'_> {
    /// Tells the owner, rolls reservations back, writes the error states, and fails.
    pub(super) async fn refuse(&self, command: Command) -> Result<Value, CommandError> {
        if let Command::FailoverCompleted(_) = command {
            // Sent to the members of a cluster; without one there is nothing to follow.
            return Ok(Value::Null);
        }
        let refusal = refusal::of(&command);
        let error = CommandError::Unsupported {
            what: refusal.what.clone(),
        };
        self.end_visibly(&refusal, &error).await?;
        Err(error)
    }

    /// Tells the owner why, then ends all that the command has in progress.
    pub(super) async fn end_visibly(
        &self,
        refusal: &Refusal,
        error: &CommandError,
    ) -> Result<(), CommandError> {
        // Whoever sees the error state finds the reason.
        if let Some((subject, id, action, detail)) = &refusal.message {
            self.message(*subject, id, *action, *detail, error).await;
        }
        self.roll_back(refusal).await?;
        kill::pass(Point::RefusedQuota);
        for row in &refusal.rows {
            self.end_row(row, error).await?;
            kill::pass(Point::RefusedRow);
        }
        Ok(())
    }

    async fn end_row(&self, row: &RowEnd, error: &CommandError) -> Result<(), CommandError> {
        match row {
            RowEnd::Volume(id, from, end) => self.end_volume_in(id, from, *end).await?,
            RowEnd::Migration(id) => self.end_migration(id).await?,
            RowEnd::Snapshot(id, from, to) => self.end_snapshot(id, from, to).await?,
            RowEnd::Attachment(id, from, to) => {
                self.db(|| self.db.end_attachment(id, from, to)).await?;
            }
            RowEnd::Group(id, from) => {
                self.db(|| self.db.end_group(id, from, "error")).await?;
            }
            RowEnd::GroupSnapshot(id, from) => {
                self.db(|| self.db.end_group_snapshot(id, from, "error"))
                    .await?;
            }
            RowEnd::GroupReplication(id, from) => {
                self.db(|| self.db.end_group_replication(id, from, "error"))
                    .await?;
            }
            RowEnd::Backup(id) => {
                let reason = error.to_string();
                self.db(|| self.db.end_backup(id, &reason)).await?;
            }
            RowEnd::Failover => {
                let id = self.row.borrow().id;
                let service = self.db(|| self.db.service(id)).await?;
                if service.replication_status.as_deref() == Some("failing-over") {
                    let changes = ServiceChanges::default()
                        .replication_status("failover-error")
                        .disabled(true, Some("failover-error"));
                    self.db(|| self.db.update_service(id, &changes)).await?;
                }
            }
        }
        Ok(())
    }

    /// The worker row that the API made for a snapshot's create ends with it.
    async fn end_snapshot(&self, id: &str, from: &[&str], to: &str) -> Result<(), CommandError> {
        let changes = SnapshotChanges::new().status(to);
        for from in from {
            self.db(|| self.db.conditional_snapshot_update(id, from, &changes))
                .await?;
        }
        self.drop_worker(&WorkerOf::Snapshot(id.to_owned())).await
    }

    async fn drop_worker(&self, of: &WorkerOf) -> Result<(), CommandError> {
        if let Some(worker) = self.db(|| self.db.worker(of)).await? {
            let service_id = self.row.borrow().id;
            let claim = || self.db.claim_worker(of, service_id, &worker.status);
            if let Claim::Ours(worker) = self.db(claim).await? {
                self.db(|| self.db.finish_worker(&worker)).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn end_volume_in(
        &self,
        id: &str,
        from: &'static [&'static str],
        end: VolumeEnd,
    ) -> Result<(), CommandError> {
        let Some(row) = self.live_volume(id).await? else {
            return Ok(());
        };
        let changes = VolumeChanges::new();
        let changes = match end {
            VolumeEnd::Status(status) => changes.status(status),
            VolumeEnd::Previous => {
                changes.status(row.previous_status.as_deref().unwrap_or("available"))
            }
            VolumeEnd::ByAttachments => {
                let attachments = self.db(|| self.db.attachments_of_volume(id)).await?;
                let attached = !attachments.is_empty();
                changes.status(if attached { "in-use" } else { "available" })
            }
            VolumeEnd::ErrorKeepingPrevious => changes
                .copy(VolumeField::PreviousStatus, VolumeField::Status)
                .status("error"),
        };
        let expected = [(VolumeField::Status, Expected::one_of(from.iter().copied()))];
        let update = || self.db.conditional_volume_update(id, &expected, &changes);
        if self.db(update).await? {
            self.drop_worker(&WorkerOf::Volume(id.to_owned())).await?;
        }
        Ok(())
    }

    async fn end_migration(&self, id: &str) -> Result<(), CommandError> {
        let Some(row) = self.live_volume(id).await? else {
            return Ok(());
        };
        let mut changes = VolumeChanges::new().migration_status(Some("error"));
        // A lock asked for with the migration, or a retype it is part of, ends with it.
        if let (Some("retyping" | "maintenance"), Some(previous)) =
            (row.status.as_deref(), row.previous_status.as_deref())
        {
            changes = changes.status(previous);
        }
        let under_way = Expected::one_of(["starting", "migrating", "completing"]);
        let expected = [(VolumeField::MigrationStatus, under_way)];
        self.db(|| self.db.conditional_volume_update(id, &expected, &changes))
            .await?;
        Ok(())
    }

    /// Reservations belong to the project of the volume the command names.
    async fn roll_back(&self, refusal: &Refusal) -> Result<(), CommandError> {
        let volume = refusal.rows.iter().find_map(|row| match row {
            RowEnd::Volume(id, ..) => Some(id),
            _ => None,
        });
        let (Some(id), false) = (volume, refusal.reservations.is_empty()) else {
            return Ok(());
        };
        let row = self.db(|| self.db.volume(id, Read::WithDeleted)).await?;
        let project = project_of(&row);
        let ids = &refusal.reservations;
        self.db(|| self.db.roll_back_reservations(project, ids))
            .await
    }
}
