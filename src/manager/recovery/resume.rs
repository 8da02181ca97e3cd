//! Goes on with snapshots and growths whose message was lost.

use serde_json::Value;
use tracing::{info, warn};

use super::{Recovery, lost};
use crate::db::{DbError, Read, Snapshot, now};
use crate::journal::Intent;
use crate::manager::error::CommandError;
use crate::manager::extend_volume::Growth;
use crate::manager::redelivery;
use crate::manager::rows::array_name;
use crate::manager::snapshot_rows::lock_name;

impl Recovery {
    /// Makes the snapshot: its row holds all that is needed.
    pub(super) async fn snapshot(
        &self,
        id: &str,
        intent: Option<&Intent>,
    ) -> Result<(), CommandError> {
        let _lock = self.manager.lock(&lock_name(id)).await?;
        let known = self.known("create_snapshot", id, intent);
        let row = self.snapshot_row(id).await?;
        let owner = |row: &Snapshot| (row.project_id.clone(), row.user_id.clone());
        let (project_id, user_id) = row.as_ref().map(owner).unwrap_or_default();
        let context = known.context_of(project_id, user_id);
        let run = self.run_of(&known, &context);
        match row {
            None => match known.detail("volume_id").and_then(Value::as_str) {
                Some(volume_id) => run.remove_orphan_snapshot(id, volume_id).await,
                None => Ok(()),
            },
            Some(row) if redelivery::of(known.method).wants(row.status.as_deref()) => {
                ended(id, "made", run.snapshot_on(&row).await)
            }
            _ => Ok(()),
        }
    }

    /// Deletes the snapshot, or gives it up: its status tells which.
    pub(super) async fn delete_snapshot(
        &self,
        id: &str,
        intent: Option<&Intent>,
    ) -> Result<(), CommandError> {
        let lock = self.manager.lock(&lock_name(id)).await?;
        let known = self.known("delete_snapshot", id, intent);
        let Some(row) = self.snapshot_row(id).await? else {
            return Ok(());
        };
        let status = row.status.as_deref();
        if !redelivery::of(known.method).wants(status) {
            return Ok(());
        }
        if intent.is_none() && row.group_snapshot_id.is_some() {
            // It goes with its group snapshot, which this version does not delete.
            let refusal = lost::snapshot(id, status.unwrap_or_default());
            drop(lock);
            return self.end(id, refusal).await;
        }
        let volume = self.volume(&row.volume_id).await?;
        let going = |volume: &crate::db::Volume| volume.status.as_deref() == Some("deleting");
        if intent.is_none() && volume.as_ref().is_some_and(going) {
            info!(snapshot.id = id, "it goes with its volume");
            return Ok(());
        }
        let unmanage_only = known
            .flag("unmanage_only")
            .unwrap_or(status == Some("unmanaging"));
        let context = known.context_of(row.project_id.clone(), row.user_id.clone());
        let run = self.run_of(&known, &context);
        ended(
            id,
            "deleted",
            run.delete_snapshot_on(&row, unmanage_only).await,
        )
    }

    /// Grows the volume to the size that the journal holds, or ends its growth as it says.
    pub(super) async fn extend(&self, id: &str, intent: &Intent) -> Result<(), CommandError> {
        let known = self.known("extend_volume", id, Some(intent));
        let row = self.volume(id).await?;
        let Some(new_size) = known.detail("new_size").and_then(Value::as_i64) else {
            return self.lost_extend(id).await;
        };
        let reservations = known.detail("reservations").and_then(Value::as_array);
        let ids = reservations.into_iter().flatten().filter_map(Value::as_str);
        let growth = Growth {
            new_size,
            reservations: ids.map(str::to_owned).collect(),
        };
        let context = known.context(row.as_ref());
        let run = self.run_of(&known, &context);
        let outcome = match known.flag("error") {
            Some(failed) => run.complete_extend(id, &growth, failed).await,
            None => run.extend_to(id, &growth).await,
        };
        ended(id, "extended", outcome)
    }

    /// Neither message nor journal tell the size that was wanted: where the array shows that the
    /// volume has grown, that is it.
    pub(super) async fn lost_extend(&self, id: &str) -> Result<(), CommandError> {
        let lock = self.manager.lock(id).await?;
        let Some(row) = self.volume(id).await? else {
            return Ok(());
        };
        // What is lost a second time is told a second time.
        let changed = row.updated_at.map(|time| time.to_string());
        let known_as = format!("{id}/{}", changed.unwrap_or_else(|| now().to_string()));
        let known = self.known("extend_volume", &known_as, None);
        if !redelivery::of(known.method).wants(row.status.as_deref()) {
            return Ok(());
        }
        let context = known.context(Some(&row));
        let run = self.run_of(&known, &context);
        let name = array_name(&row);
        let on_array = run
            .array(|| self.manager.backend.volume_size(name))
            .await?
            .and_then(|size| i64::try_from(size).ok());
        match on_array.filter(|size| *size > i64::from(row.size.unwrap_or(0))) {
            Some(new_size) => {
                warn!(
                    volume.id = id,
                    new_size,
                    "the array shows that it was extended: its row follows. The reservations of its \
                     message are unknown and expire: the project's gigabytes are too low until the \
                     next `cinder-manage quota sync`"
                );
                let reservations = Vec::new();
                let growth = Growth {
                    new_size,
                    reservations,
                };
                let (row, attachments) = run.extended(&row, &growth).await?;
                run.announce_extend(&row, &attachments).await;
                Ok(())
            }
            None => {
                drop(lock);
                self.end(id, lost::volume(id, "extending")).await
            }
        }
    }

    pub(super) async fn snapshot_row(&self, id: &str) -> Result<Option<Snapshot>, CommandError> {
        match self.manager.db.snapshot(id, Read::Live).await {
            Ok(row) => Ok(Some(row)),
            Err(DbError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// How it ended stands in the row; only a stop leaves it to the next process.
pub(super) fn ended<T>(
    id: &str,
    what: &'static str,
    outcome: Result<T, CommandError>,
) -> Result<(), CommandError> {
    match outcome {
        Ok(_) => info!(resource.id = id, what, "gone on with without its message"),
        Err(CommandError::Stopping) => return Err(CommandError::Stopping),
        Err(error) => {
            warn!(resource.id = id, what, error = %error.chain(), "not to be done: its row says so");
        }
    }
    Ok(())
}
