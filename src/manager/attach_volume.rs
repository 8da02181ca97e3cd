//! `attach_volume`: notes in the rows that a volume is attached (the old attach flow). The array
//! has no part in it.

use serde_json::{Value, json};
use tracing::info;

use super::Run;
use super::error::CommandError;
use crate::db::{Attachment, AttachmentChanges, MetadataOf, Volume as Row, VolumeChanges, now};
use crate::kill::{self, Point};
use crate::report::{Action, Detail, Subject};
use crate::rpc::commands::AttachVolume;
use crate::rpc::object::VolumeAttachment;
use crate::rpc::{Failure, request, time};

impl Run<'_> {
    pub(super) async fn attach_volume(&self, args: AttachVolume) -> Result<Value, CommandError> {
        let id = args.volume_id.clone();
        let _volume = self.lock(&id).await?;
        let row = self.volume_row(&id).await?;
        let admin = self
            .db(|| self.db.metadata(MetadataOf::VolumeAdmin(&id)))
            .await?;
        let mode = args.mode.as_deref();
        let begun = request::derived_uuid(&self.origin.unique_id, "attachment").to_string();
        let known = self.db(|| self.db.attachments_of_volume(&id)).await?;
        let repeat = known.iter().any(|attachment| attachment.id == begun);
        if !repeat
            && row.status.as_deref() == Some("attaching")
            && let Some(other) = admin.get("attached_mode").filter(|mode| !mode.is_empty())
            && Some(other.as_str()) != mode
        {
            return Err(CommandError::InvalidVolume {
                reason: "being attached by different mode".to_owned(),
            });
        }
        let host = args.host_name.as_deref().map(sanitized);
        if let Some(tracked) = known
            .iter()
            .find(|held| tracks(held, &args, host.as_deref()))
        {
            let changes = VolumeChanges::new().status("in-use");
            self.db(|| self.db.update_volume(&id, &changes)).await?;
            info!(volume.id = %id, attachment.id = %tracked.id, "the volume is attached there already");
            return self.attachment_object(tracked, &args);
        }
        if !repeat
            && row.status.as_deref() == Some("in-use")
            && row.multiattach != Some(true)
            && row.migration_status.is_none()
        {
            return Err(CommandError::InvalidVolume {
                reason: "volume is already attached and multiple attachments are not enabled"
                    .to_owned(),
            });
        }
        self.volume_event(&row, "attach.start").await;
        self.db(|| self.db.begin_attach(&id, &begun, mode)).await?;
        kill::pass(Point::AttachBegun);
        if let Err(error) = self.may_attach(&row, &args, admin.get("readonly")) {
            if !matches!(error, CommandError::InvalidUuid { .. }) {
                let (action, detail) = (Action::AttachVolume, Detail::Unknown);
                self.message(Subject::Volume, &id, action, detail, &error)
                    .await;
                kill::pass(Point::MessageWritten);
            }
            let from = ["attaching"];
            self.db(|| self.db.end_attachment(&begun, &from, "error_attaching"))
                .await?;
            return Err(error);
        }
        self.finish_attach(&args, &begun, host.as_deref()).await?;
        kill::pass(Point::AttachmentWritten);
        let row = self.volume_row(&id).await?;
        self.volume_event(&row, "attach.end").await;
        let attachment = self.attachment_row(&begun).await?;
        self.attachment_object(&attachment, &args)
    }

    fn may_attach(
        &self,
        row: &Row,
        args: &AttachVolume,
        readonly: Option<&String>,
    ) -> Result<(), CommandError> {
        if let Some(instance) = args.instance_uuid.as_deref()
            && uuid::Uuid::parse_str(instance).is_err()
        {
            return Err(CommandError::InvalidUuid {
                uuid: instance.to_owned(),
            });
        }
        let mode = args.mode.as_deref();
        if readonly.is_some_and(|value| value == "True") && mode != Some("ro") {
            return Err(CommandError::InvalidAttachMode {
                mode: mode.unwrap_or_default().to_owned(),
                id: row.id.clone(),
            });
        }
        self.check_ready()
    }

    async fn finish_attach(
        &self,
        args: &AttachVolume,
        attachment_id: &str,
        host: Option<&str>,
    ) -> Result<(), CommandError> {
        let attached = AttachmentChanges::new()
            .attach_status("attached")
            .instance_uuid(args.instance_uuid.as_deref())
            .attached_host(host)
            .mountpoint(args.mountpoint.as_deref())
            .attach_time(Some(now()))
            .attach_mode(args.mode.as_deref());
        let changes = VolumeChanges::new()
            .status("in-use")
            .attach_status("attached");
        let from = ["attaching"];
        let write = || {
            self.db
                .attach(&args.volume_id, attachment_id, &from, &attached, &changes)
        };
        self.db(write).await?;
        Ok(())
    }

    /// The reply of an attach that has ended, from the rows.
    pub(super) async fn attach_volume_again(
        &self,
        args: AttachVolume,
    ) -> Result<Value, CommandError> {
        let begun = request::derived_uuid(&self.origin.unique_id, "attachment").to_string();
        let host = args.host_name.as_deref().map(sanitized);
        let known = self
            .db(|| self.db.attachments_of_volume(&args.volume_id))
            .await?;
        let held = known.iter().find(|held| {
            (held.id == begun && held.attach_status.as_deref() == Some("attached"))
                || tracks(held, &args, host.as_deref())
        });
        match held {
            Some(held) => self.attachment_object(held, &args),
            None => Err(CommandError::InvalidVolume {
                reason: format!("volume {} is not attached there any more", args.volume_id),
            }),
        }
    }

    fn attachment_object(
        &self,
        row: &Attachment,
        args: &AttachVolume,
    ) -> Result<Value, CommandError> {
        let when = |t: Option<chrono::NaiveDateTime>| json!(t.map(time::object));
        let mut fields = vec![
            ("id", json!(row.id)),
            ("volume_id", json!(row.volume_id)),
            ("instance_uuid", json!(row.instance_uuid)),
            ("attached_host", json!(row.attached_host)),
            ("mountpoint", json!(row.mountpoint)),
            ("attach_time", when(row.attach_time)),
            ("detach_time", when(row.detach_time)),
            ("attach_status", json!(row.attach_status)),
            ("attach_mode", json!(row.attach_mode)),
            ("connection_info", Value::Null),
            ("connector", Value::Null),
            ("created_at", when(row.created_at)),
            ("updated_at", when(row.updated_at)),
            ("deleted_at", Value::Null),
            ("deleted", json!(false)),
        ];
        if let Some(volume) = &args.volume {
            fields.push(("volume", json!(volume)));
        }
        VolumeAttachment::from_fields(fields)
            .map(|object| json!(object))
            .map_err(|failure: Failure| CommandError::Invalid {
                reason: failure.message,
            })
    }
}

/// Whether an attachment is the one asked for: by instance, without one by host.
fn tracks(held: &Attachment, args: &AttachVolume, host: Option<&str>) -> bool {
    match args.instance_uuid.as_deref() {
        Some(instance) => held.instance_uuid.as_deref() == Some(instance),
        None => held.attached_host.as_deref() == host,
    }
}

/// A host's name as Cinder keeps it: lower case, spaces and `_` as `-`, nothing else beside
/// letters, digits, `.` and `-`, which do not stand at its ends.
fn sanitized(name: &str) -> String {
    let kept = name.chars().filter_map(|c| match c {
        ' ' | '_' => Some('-'),
        c if c.is_alphanumeric() || matches!(c, '.' | '-') => Some(c),
        _ => None,
    });
    let lower = kept.collect::<String>().to_lowercase();
    lower.trim_matches(['.', '-']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hosts_are_kept_as_cinder_keeps_them() {
        for (name, kept) in [
            ("Compute_1 A", "compute-1-a"),
            (".-node.example.org-", "node.example.org"),
            ("a/b:c", "abc"),
        ] {
            assert_eq!(sanitized(name), kept);
        }
    }
}
