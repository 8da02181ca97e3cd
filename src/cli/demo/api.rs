//! What cinder-api and cinder-scheduler do to ask for something: the row, then the message.

use anyhow::bail;
use serde_json::{Value, json};
use uuid::Uuid;

use super::cloud::Cloud;
use super::messages::{question, service_of, snapshot_object, volume_object};
use crate::cli::call::{Answer, ask};
use crate::db::{
    AttachmentChanges, NewAttachmentRow, NewSnapshotRow, NewVolumeRow, Read, SnapshotChanges,
    Volume, VolumeChanges, now,
};

/// Project and user of the demo.
pub(super) const PROJECT: &str = "0f0dd0f2a3a34c2a9d2ff1b1a7a5d3e1";
/// A volume type that has no row: a type is not needed here, but the column takes no null.
const NO_TYPE: &str = "00000000-0000-0000-0000-000000000000";

impl Cloud {
    /// The row of a volume to create, after the scheduler has chosen `host` for it; a clone if
    /// there is a source.
    pub(super) async fn make_row(
        &self,
        host: &str,
        size: i32,
        source: Option<&str>,
    ) -> anyhow::Result<String> {
        let id = Uuid::new_v4().to_string();
        let row = NewVolumeRow {
            id: id.clone(),
            user_id: Some(PROJECT.to_owned()),
            project_id: Some(PROJECT.to_owned()),
            host: Some(host.to_owned()),
            scheduled_at: Some(now()),
            size,
            snapshot_id: None,
            source_volid: source.map(str::to_owned),
            availability_zone: Some(self.config.service.storage_availability_zone.clone()),
            status: "creating".to_owned(),
            migration_status: None,
            display_name: Some("demo".to_owned()),
            volume_type_id: NO_TYPE.to_owned(),
            use_quota: true,
            multiattach: false,
        };
        self.db.insert_volume(&row).await?;
        Ok(id)
    }

    /// The scheduler's cast.
    pub(super) async fn cast_create(&self, id: &str) -> anyhow::Result<()> {
        let args = json!({
            "request_spec": null,
            "filter_properties": {},
            "allow_reschedule": true,
        });
        self.cast(id, "create_volume", args).await
    }

    /// The API's change of the row, and its cast.
    pub(super) async fn cast_delete(&self, id: &str) -> anyhow::Result<()> {
        let changes = VolumeChanges::new()
            .status("deleting")
            .terminated_at(Some(now()));
        self.db.update_volume(id, &changes).await?;
        let args = json!({"unmanage_only": false, "cascade": false});
        self.cast(id, "delete_volume", args).await
    }

    /// The API's change of the row, and its cast. The demo has no quota to reserve from.
    pub(super) async fn cast_extend(&self, id: &str, new_size: i32) -> anyhow::Result<()> {
        let changes = VolumeChanges::new().status("extending");
        self.db.update_volume(id, &changes).await?;
        let args = json!({"new_size": new_size, "reservations": []});
        self.cast(id, "extend_volume", args).await
    }

    /// The API's and the scheduler's changes of the row, and their cast.
    pub(super) async fn cast_migrate(&self, id: &str, to: &str) -> anyhow::Result<()> {
        let changes = VolumeChanges::new()
            .migration_status(Some("starting"))
            .previous_status(Some("available"));
        self.db.update_volume(id, &changes).await?;
        let to = json!({"host": to, "cluster_name": null, "capabilities": {}});
        let args = json!({"host": to, "force_host_copy": false});
        self.cast(id, "migrate_volume", args).await
    }

    /// The API's row of a snapshot, and its cast; the id.
    pub(super) async fn cast_snapshot(&self, of: &str) -> anyhow::Result<String> {
        let volume = self.db.volume(of, Read::Live).await?;
        let id = Uuid::new_v4().to_string();
        let row = NewSnapshotRow {
            id: id.clone(),
            user_id: Some(PROJECT.to_owned()),
            project_id: Some(PROJECT.to_owned()),
            volume_id: of.to_owned(),
            volume_size: volume.size.unwrap_or_default(),
            status: "creating".to_owned(),
            volume_type_id: NO_TYPE.to_owned(),
        };
        self.db.insert_snapshot(&row).await?;
        let row = self.db.snapshot(&id, Read::Live).await?;
        let args = json!({"snapshot": snapshot_object(&row)?});
        self.cast_about(&volume, "create_snapshot", args).await?;
        Ok(id)
    }

    /// The API's change of the row, and its cast.
    pub(super) async fn cast_delete_snapshot(&self, id: &str) -> anyhow::Result<()> {
        let changes = SnapshotChanges::new().status("deleting");
        self.db.update_snapshot(id, &changes).await?;
        let row = self.db.snapshot(id, Read::Live).await?;
        let volume = self.db.volume(&row.volume_id, Read::Live).await?;
        let args = json!({"snapshot": snapshot_object(&row)?, "unmanage_only": false});
        self.cast_about(&volume, "delete_snapshot", args).await
    }

    /// What the API does to attach a volume: an attachment row, the call `attachment_update`
    /// with what the host said of itself, and the states once the host has its disk. The id of
    /// the attachment, and how the host reaches the volume.
    pub(super) async fn attach(
        &self,
        id: &str,
        connector: &Value,
    ) -> anyhow::Result<(String, Value)> {
        let attachment = Uuid::new_v4().to_string();
        let row = NewAttachmentRow {
            id: attachment.clone(),
            volume_id: id.to_owned(),
            instance_uuid: None,
            attach_status: "reserved".to_owned(),
        };
        self.db.insert_attachment(&row).await?;
        let reserved = VolumeChanges::new().status("reserved");
        self.db.update_volume(id, &reserved).await?;
        let row = self.db.volume(id, Read::Live).await?;
        let args = json!({
            "vref": volume_object(&row)?,
            "connector": connector,
            "attachment_id": attachment,
        });
        let answer = self.call(service_of(&row)?, "attachment_update", args);
        let connection = match answer.await? {
            Answer::Result(connection) => connection,
            Answer::Failure(failure) => bail!("attachment_update failed: {failure}"),
            Answer::Sent => bail!("attachment_update was not answered"),
        };
        let attached = AttachmentChanges::new().attach_status("attached");
        self.db.update_attachment(&attachment, &attached).await?;
        let in_use = VolumeChanges::new()
            .status("in-use")
            .attach_status("attached");
        self.db.update_volume(id, &in_use).await?;
        Ok((attachment, connection))
    }

    /// What the API does to detach it: the call `attachment_delete`, then the rows.
    pub(super) async fn detach(&self, id: &str, attachment: &str) -> anyhow::Result<()> {
        let row = self.db.volume(id, Read::Live).await?;
        let args = json!({"vref": volume_object(&row)?, "attachment_id": attachment});
        let answer = self.call(service_of(&row)?, "attachment_delete", args);
        if let Answer::Failure(failure) = answer.await? {
            bail!("attachment_delete failed: {failure}");
        }
        self.db.detach(id, attachment).await?;
        Ok(())
    }

    /// A cast about a volume as its row is now.
    async fn cast(&self, id: &str, method: &str, mut args: Value) -> anyhow::Result<()> {
        let row = self.db.volume(id, Read::Live).await?;
        args["volume"] = volume_object(&row)?;
        self.cast_about(&row, method, args).await
    }

    async fn cast_about(&self, row: &Volume, method: &str, args: Value) -> anyhow::Result<()> {
        let question = question(service_of(row)?, method, args, true);
        ask(&self.config.messaging, &question).await?;
        Ok(())
    }
}
