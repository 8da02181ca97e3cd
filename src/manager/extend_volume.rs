//! `extend_volume`: grows a volume, and ends as `extend_volume_completion` does.

use serde_json::Value;
use tracing::{info, warn};

use super::Run;
use super::error::CommandError;
use super::rows::{array_name, project_of};
use crate::db::{Attachment, DbError, Ending, Read, Volume as Row, VolumeChanges};
use crate::kill::{self, Point};
use crate::report::{Action, Detail, Subject};
use crate::rpc::commands::ExtendVolume;

/// What a volume is to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Growth {
    /// GiB.
    pub new_size: i64,
    /// Reservations of the difference, made by the API.
    pub reservations: Vec<String>,
}

impl Run<'_> {
    pub(super) async fn extend_volume(&self, args: ExtendVolume) -> Result<Value, CommandError> {
        let growth = Growth {
            new_size: args.new_size,
            reservations: args.reservations.unwrap_or_default(),
        };
        self.extend_to(args.volume.id(), &growth).await
    }

    pub(super) async fn extend_to(&self, id: &str, growth: &Growth) -> Result<Value, CommandError> {
        // Of two at once, the smaller must not end last.
        let _volume = self.lock(id).await?;
        match self.extending(id, growth).await? {
            Some(row) => self.extend_on(&row, growth).await,
            None => Ok(Value::Null),
        }
    }

    /// The row, if it waits for this command; its lock is held.
    pub(super) async fn extending(
        &self,
        id: &str,
        growth: &Growth,
    ) -> Result<Option<Row>, CommandError> {
        let row = self.live_volume(id).await?;
        if let Some(row) = &row
            && self.rule.wants(row.status.as_deref())
        {
            return Ok(Some(row.clone()));
        }
        // They are committed with the row: what is still open belongs to no growth.
        self.give_up(id, growth).await?;
        let Some(row) = row else {
            return Err(CommandError::VolumeNotFound { id: id.to_owned() });
        };
        info!(volume.id = %id, status = row.status, "the volume is not being extended any more");
        // The first start may have been cut off before it told anybody.
        if self.starts > 1 && row.size.map(i64::from) == Some(growth.new_size) {
            let attachments = self.db(|| self.db.attachments_of_volume(id)).await?;
            self.announce_extend(&row, &attachments).await;
        }
        Ok(None)
    }

    /// Grows the volume of a row that wants it; its lock is held.
    async fn extend_on(&self, row: &Row, growth: &Growth) -> Result<Value, CommandError> {
        if let Err(error) = self.check_ready() {
            self.not_extended(row, growth).await?;
            return Err(error);
        }
        self.volume_event(row, "resize.start").await;
        match self.grow(row, growth).await {
            Ok(()) => {}
            Err(CommandError::Stopping) => return Err(CommandError::Stopping),
            Err(error) => {
                self.extend_failed(row, growth, &error).await?;
                return Ok(Value::Null);
            }
        }
        kill::pass(Point::ExtendOnArray);
        let (row, attachments) = self.extended(row, growth).await?;
        self.announce_extend(&row, &attachments).await;
        Ok(Value::Null)
    }

    async fn grow(&self, row: &Row, growth: &Growth) -> Result<(), CommandError> {
        let (id, now, wanted) = (&row.id, row.size.unwrap_or(0), growth.new_size);
        let Some(size) = u64::try_from(wanted)
            .ok()
            .filter(|_| wanted >= i64::from(now))
        else {
            return Err(CommandError::Invalid {
                reason: format!("volume {id} has {now} GiB: it cannot be extended to {wanted} GiB"),
            });
        };
        let name = array_name(row);
        self.array(|| self.backend.extend_volume(name, size)).await
    }

    /// The end of a growth that succeeded: row and quota in one. The row as it is now, and its
    /// attachments.
    pub(super) async fn extended(
        &self,
        row: &Row,
        growth: &Growth,
    ) -> Result<(Row, Vec<Attachment>), CommandError> {
        let id = &row.id;
        let attachments = self.db(|| self.db.attachments_of_volume(id)).await?;
        let status = if attachments.is_empty() {
            "available"
        } else {
            "in-use"
        };
        let size = i32::try_from(growth.new_size).map_err(|_| CommandError::Invalid {
            reason: format!("{} GiB are too many for a volume", growth.new_size),
        })?;
        let changes = VolumeChanges::new().size(size).status(status);
        let ending = Ending {
            project_id: project_of(row),
            reservations: &growth.reservations,
            worker: None,
        };
        self.db(|| self.db.end_volume(id, &changes, ending)).await?;
        kill::pass(Point::ExtendEnded);
        let row = self.volume_row(id).await?;
        self.volume_event(&row, "resize.end").await;
        self.report.capabilities.publish_soon();
        Ok((row, attachments))
    }

    /// The end of a growth that failed, with the owner told.
    pub(super) async fn extend_failed(
        &self,
        row: &Row,
        growth: &Growth,
        error: &CommandError,
    ) -> Result<(), CommandError> {
        warn!(volume.id = %row.id, error = %error.chain(), "volume not extended");
        let (action, detail) = (Action::ExtendVolume, Detail::DriverFailedExtend);
        self.message(Subject::Volume, &row.id, action, detail, error)
            .await;
        kill::pass(Point::MessageWritten);
        self.not_extended(row, growth).await
    }

    async fn not_extended(&self, row: &Row, growth: &Growth) -> Result<(), CommandError> {
        let changes = VolumeChanges::new().status("error_extending");
        let ending = Ending {
            project_id: project_of(row),
            reservations: &growth.reservations,
            worker: None,
        };
        self.db(|| self.db.fail_volume(&row.id, &changes, ending))
            .await?;
        kill::pass(Point::ExtendFailed);
        Ok(())
    }

    async fn give_up(&self, id: &str, growth: &Growth) -> Result<(), CommandError> {
        let row = match self.db(|| self.db.volume(id, Read::WithDeleted)).await {
            Err(CommandError::Db(DbError::NotFound { .. })) => return Ok(()),
            found => found?,
        };
        let (project, ids) = (project_of(&row), &growth.reservations);
        self.db(|| self.db.roll_back_reservations(project, ids))
            .await
    }
}
