//! `detach_volume`: notes in the rows that a volume is detached (the old attach flow).

use serde_json::Value;
use tracing::info;

use super::Run;
use super::error::CommandError;
use crate::db::{Attachment, VolumeChanges};
use crate::kill::{self, Point};
use crate::rpc::commands::DetachVolume;

impl Run<'_> {
    pub(super) async fn detach_volume(&self, args: DetachVolume) -> Result<Value, CommandError> {
        let id = &args.volume_id;
        let _detach = self.lock(&format!("{id}-detach_volume")).await?;
        let row = self.volume_row(id).await?;
        let Some(attachment) = self.to_detach(&args).await? else {
            return Ok(Value::Null);
        };
        self.volume_event(&row, "detach.start").await;
        if let Err(error) = self.check_ready() {
            let from = ["attached", "attaching", "detaching", "reserved"];
            let end = || {
                self.db
                    .end_attachment(&attachment.id, &from, "error_detaching")
            };
            self.db(end).await?;
            return Err(error);
        }
        self.db(|| self.db.detach(id, &attachment.id)).await?;
        kill::pass(Point::AttachmentEnded);
        let row = self.volume_row(id).await?;
        self.volume_event(&row, "detach.end").await;
        Ok(Value::Null)
    }

    /// The attachment that is to go; none if all that was to be done is done.
    async fn to_detach(&self, args: &DetachVolume) -> Result<Option<Attachment>, CommandError> {
        let id = &args.volume_id;
        if let Some(wanted) = &args.attachment_id {
            return match self.attachment_row(wanted).await {
                Err(CommandError::AttachmentNotFound { .. }) => {
                    info!(volume.id = %id, attachment.id = %wanted, "not attached; the volume's status follows");
                    self.db(|| self.db.detach(id, wanted)).await?;
                    Ok(None)
                }
                found => found.map(Some),
            };
        }
        let mut attachments = self.db(|| self.db.attachments_of_volume(id)).await?;
        if attachments.len() > 1 {
            return Err(CommandError::InvalidVolume {
                reason: "Detach volume failed: More than one attachment, but no attachment_id \
                         provided."
                    .to_owned(),
            });
        }
        let found = attachments.pop();
        if found.is_none() {
            info!(volume.id = %id, "not attached: available");
            let changes = VolumeChanges::new()
                .status("available")
                .attach_status("detached");
            self.db(|| self.db.update_volume(id, &changes)).await?;
        }
        Ok(found)
    }
}
