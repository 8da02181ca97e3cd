//! `attachment_delete`: takes the volume away from the host of an attachment. The row goes by the
//! API's hand, after the reply.

use serde_json::Value;
use tracing::info;

use super::Run;
use super::connector;
use super::error::CommandError;
use super::rows::array_name;
use crate::db::Attachment;
use crate::kill::{self, Point};
use crate::rpc::commands::AttachmentDelete;
use crate::rpc::opaque::Opaque;

impl Run<'_> {
    pub(super) async fn attachment_delete(
        &self,
        args: AttachmentDelete,
    ) -> Result<Value, CommandError> {
        self.check_ready()?;
        let attachment = match self.attachment_row(&args.attachment_id).await {
            Err(CommandError::AttachmentNotFound { id }) if self.starts > 1 => {
                info!(attachment.id = %id, "its row is gone: an earlier start got as far");
                return Ok(Value::Null);
            }
            found => found?,
        };
        if let Some(volume) = self.live_volume(&attachment.volume_id).await? {
            self.volume_event(&volume, "detach.start").await;
            self.leave_host(&attachment, array_name(&volume)).await?;
        } else {
            self.leave_host(&attachment, args.vref.name_id()).await?;
        }
        Ok(Value::Null)
    }

    /// Takes the volume away from the host of an attachment, unless another one shares it.
    pub(super) async fn leave_host(
        &self,
        attachment: &Attachment,
        array_name: &str,
    ) -> Result<(), CommandError> {
        // Made for an instance that is on no host: nothing was ever mapped.
        let Some(connector) = connector_of(attachment) else {
            info!(attachment.id = %attachment.id, "the attachment has no connector: nothing to unmap");
            return Ok(());
        };
        let host = connector::of(&connector);
        let key = host.host.as_deref();
        let _mapping = self.lock_mapping(&attachment.volume_id, key).await?;
        let others = self.attachments_to(&attachment.volume_id, key).await?;
        if others.iter().any(|other| other.id != attachment.id) {
            info!(
                attachment.id = %attachment.id, host = key,
                "another attachment of the volume is on the same host: the mapping stays"
            );
        } else if self.local.hold(&attachment.volume_id, key) {
            info!(
                attachment.id = %attachment.id, host = key,
                "the volume's bytes are being copied here: the mapping stays"
            );
        } else {
            self.disconnect(array_name, Some(&host)).await?;
            kill::pass(Point::UnmappedOnArray);
        }
        self.note_departed(attachment);
        Ok(())
    }
}

/// The connector that an attachment holds; none if it is empty.
pub(super) fn connector_of(attachment: &Attachment) -> Option<Opaque> {
    let text = attachment.connector.as_ref()?.expose();
    let connector: Opaque = serde_json::from_str(text).ok()?;
    (!connector.is_empty()).then_some(connector)
}
