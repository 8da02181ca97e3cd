//! `attachment_update`: maps a volume for an attachment of the current attach flow.

use serde_json::{Map, Value};
use tracing::info;

use super::Run;
use super::attachment_delete::connector_of;
use super::connector;
use super::error::CommandError;
use crate::backend::Connector;
use crate::db::{Attachment, AttachmentChanges, DbError, SecretText, Volume, VolumeChanges, now};
use crate::kill::{self, Point};
use crate::report::{Action, Detail, Subject};
use crate::rpc::commands::AttachmentUpdate;
use crate::rpc::opaque::Opaque;

/// The word that `attach_mode` holds until somebody sets it.
const UNSET: &str = "null";

impl Run<'_> {
    pub(super) async fn attachment_update(
        &self,
        args: AttachmentUpdate,
    ) -> Result<Value, CommandError> {
        let volume = self.volume_row(args.vref.id()).await?;
        self.volume_event(&volume, "attach.start").await;
        let attachment = self.attachment_row(&args.attachment_id).await?;
        if !self.rule.wants(attachment.attach_status.as_deref()) {
            info!(
                attachment.id = %attachment.id, status = attachment.attach_status,
                "the attachment is not waiting for a host any more: nothing is changed"
            );
            return self
                .read_again(&volume, &attachment, &args.connector, &["attached"])
                .await;
        }
        let mut connector = args.connector;
        let mut mode = connector.text("mode").unwrap_or("rw").to_owned();
        if let Some(set) = attachment.attach_mode.as_deref().filter(|m| *m != UNSET) {
            // What the attachment was made with wins over what the host says.
            mode = set.to_owned();
            connector.insert("mode".to_owned(), set.into());
        }
        if let Err(error) = self.check_ready() {
            let (action, detail) = (Action::UpdateAttachment, Detail::Unknown);
            self.message(Subject::Volume, &volume.id, action, detail, &error)
                .await;
            kill::pass(Point::MessageWritten);
            self.end_attaching(&attachment.id).await?;
            return Err(error);
        }
        let host = self.checked_connector(&connector)?;
        let _mapping = self.lock_mapping(&volume.id, host.host.as_deref()).await?;
        self.note_returned(&attachment);
        let mapped = self
            .map_for(&volume, &attachment.id, &host, &connector, &mode)
            .await;
        // Cut off by the stop, it is gone on with.
        if let Err(error) = &mapped
            && !matches!(error, CommandError::Stopping)
        {
            self.undo_mapping(&volume, &host).await;
        }
        mapped
    }

    /// Maps the volume, and writes attachment and volume; the reply.
    async fn map_for(
        &self,
        volume: &Volume,
        attachment_id: &str,
        host: &Connector,
        connector: &Opaque,
        mode: &str,
    ) -> Result<Value, CommandError> {
        let connection = self.connect(volume, host).await?;
        kill::pass(Point::MappedOnArray);
        let kind = connection.driver_volume_type;
        let data = self.enriched(volume, connection, connector).await?;
        let attached = AttachmentChanges::new()
            .attach_status("attaching")
            .connector(Some(SecretText::from(connector::text(connector))))
            .mountpoint(Some(connector.text("mountpoint").unwrap_or("na")))
            .attached_host(Some(connector.text("host").unwrap_or_default()))
            .attach_time(Some(now()))
            .attach_mode(Some(mode));
        let changes = VolumeChanges::new()
            .status("attaching")
            .attach_status("attaching");
        let wanted = self.rule.wanted;
        let write = || {
            self.db
                .attach(&volume.id, attachment_id, wanted, &attached, &changes)
        };
        match self.db(write).await {
            Ok(true) => {}
            Ok(false) => info!(attachment.id = %attachment_id, "completed meanwhile"),
            // Given up behind our back.
            Err(CommandError::Db(DbError::NotFound { table, .. })) => {
                return Err(match table {
                    "volumes" => CommandError::VolumeNotFound {
                        id: volume.id.clone(),
                    },
                    _ => CommandError::AttachmentNotFound {
                        id: attachment_id.to_owned(),
                    },
                });
            }
            Err(error) => return Err(error),
        }
        kill::pass(Point::AttachmentWritten);
        Ok(Value::Object(reply(data, kind, attachment_id)))
    }

    /// The reply of an update that has ended, as long as the attachment stands.
    pub(super) async fn attachment_update_again(
        &self,
        args: AttachmentUpdate,
    ) -> Result<Value, CommandError> {
        let volume = self.volume_row(args.vref.id()).await?;
        let attachment = self.attachment_row(&args.attachment_id).await?;
        let held = ["attaching", "attached"];
        self.read_again(&volume, &attachment, &args.connector, &held)
            .await
    }

    /// The reply for an attachment that has its host (its state is one of `held`), with no row
    /// changed.
    async fn read_again(
        &self,
        volume: &Volume,
        attachment: &Attachment,
        connector: &Opaque,
        held: &[&str],
    ) -> Result<Value, CommandError> {
        let status = attachment.attach_status.as_deref().unwrap_or_default();
        if !held.contains(&status) {
            return Err(CommandError::InvalidVolume {
                reason: format!("attachment {} is {status}", attachment.id),
            });
        }
        self.check_ready()?;
        let host = self.checked_connector(connector)?;
        let kept = connector_of(attachment).map(|kept| connector::of(&kept));
        if kept.as_ref() != Some(&host) {
            return Err(CommandError::InvalidVolume {
                reason: format!("attachment {} is {status} elsewhere", attachment.id),
            });
        }
        let _mapping = self.lock_mapping(&volume.id, host.host.as_deref()).await?;
        let connection = self.connect_again(volume, &host).await?;
        let kind = connection.driver_volume_type;
        let data = self.enriched(volume, connection, connector).await?;
        Ok(Value::Object(reply(data, kind, &attachment.id)))
    }

    /// The row of an attachment.
    pub(super) async fn attachment_row(&self, id: &str) -> Result<Attachment, CommandError> {
        match self.db(|| self.db.attachment(id)).await {
            Err(CommandError::Db(DbError::NotFound { .. })) => {
                Err(CommandError::AttachmentNotFound { id: id.to_owned() })
            }
            found => found,
        }
    }

    async fn end_attaching(&self, id: &str) -> Result<(), CommandError> {
        let from = self.rule.wanted;
        self.db(|| self.db.end_attachment(id, from, "error_attaching"))
            .await?;
        Ok(())
    }
}

/// One flat dictionary: the data of the driver, and what is above them.
fn reply(mut data: Map<String, Value>, kind: &str, attachment_id: &str) -> Map<String, Value> {
    data.insert("driver_volume_type".to_owned(), kind.into());
    data.insert("attachment_id".to_owned(), attachment_id.into());
    data
}
