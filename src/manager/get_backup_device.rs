//! `get_backup_device`: the volume that cinder-backup reads, a temporary copy of it while it is in
//! use, or one of the snapshot that is to be backed up.

use serde_json::{Value, json};
use tracing::{info, warn};
use uuid::Uuid;

use super::Run;
use super::create_from::new_volume;
use super::error::CommandError;
use super::rows::array_name;
use super::source::Source;
use super::{objects, refusal};
use crate::db::{
    Backup as BackupRow, BackupChanges, DbError, NewVolumeRow, Volume as Row, VolumeChanges,
};
use crate::kill::{self, Point};
use crate::rpc::commands::GetBackupDevice;
use crate::rpc::object::Backup;
use crate::rpc::{Command, backup, request};

impl Run<'_> {
    pub(super) async fn get_backup_device(
        &self,
        args: GetBackupDevice,
    ) -> Result<Value, CommandError> {
        match self.device_of(&args).await {
            // Python says nothing at all, and the backup stays as it is for ever.
            Err(error) if args.async_call && !matches!(error, CommandError::Stopping) => {
                warn!(backup.id = %args.backup.id(), error = %error.chain(), "no device for a backup");
                let refusal = refusal::of(&Command::GetBackupDevice(Box::new(args)));
                self.end_visibly(&refusal, &error).await?;
                Err(error)
            }
            outcome => outcome,
        }
    }

    /// The reply of a call that has ended; to a cast there is none.
    pub(super) async fn get_backup_device_again(
        &self,
        args: GetBackupDevice,
    ) -> Result<Value, CommandError> {
        if args.async_call {
            return Ok(Value::Null);
        }
        let row = self.backup_row(args.backup.id()).await?;
        let device = row.temp_volume_id.as_deref().unwrap_or(&row.volume_id);
        reply(&args, &self.volume_row(device).await?)
    }

    async fn device_of(&self, args: &GetBackupDevice) -> Result<Value, CommandError> {
        let id = args.backup.id();
        let row = self.backup_row(id).await?;
        if !self.rule.wants(row.status.as_deref()) {
            info!(
                backup.id = id,
                status = row.status,
                "get_backup_device has nothing to do"
            );
            return match args.async_call {
                true => Ok(Value::Null),
                false => self.get_backup_device_again(args.clone()).await,
            };
        }
        let volume = self.volume_row(&row.volume_id).await?;
        let source = match &row.snapshot_id {
            Some(snapshot) => Some(Source::Snapshot(snapshot.clone())),
            None if volume.previous_status.as_deref() == Some("in-use") => {
                Some(Source::Volume(volume.id.clone()))
            }
            None => None,
        };
        let device = match source {
            Some(source) => self.temp_volume(&row, &volume, &source).await?,
            None => volume,
        };
        if !args.async_call {
            return reply(args, &device);
        }
        self.continue_backup(&args.backup, &device).await?;
        kill::pass(Point::BackupTold);
        Ok(Value::Null)
    }

    async fn continue_backup(&self, of: &Backup, device: &Row) -> Result<(), CommandError> {
        let mut told = of.clone();
        if device.id != of.volume_id().unwrap_or_default() {
            // What cinder-backup deletes when it has read it.
            let set = told.set("temp_volume_id", json!(device.id));
            set.map_err(|failure| CommandError::Invalid {
                reason: failure.message,
            })?;
        }
        // The same id for every repeat: oslo drops those that arrive twice.
        let unique_id = request::derived_id(&self.origin.unique_id, "continue_backup");
        let info = objects::backup_device(device)?;
        let context = self.context.clone();
        let cast = backup::continue_backup(context, &told, &info, &unique_id);
        self.cast(&cast).await?;
        info!(backup.id = of.id(), volume.id = %device.id, "cinder-backup may read");
        Ok(())
    }

    /// A volume made for this backup alone, which cinder-backup deletes. Its row comes first, and
    /// the backup names it, so that whatever is cut off here can be found.
    async fn temp_volume(
        &self,
        backup: &BackupRow,
        volume: &Row,
        source: &Source,
    ) -> Result<Row, CommandError> {
        self.check_ready()?;
        let _source = match source.lock_name() {
            Some(name) => Some(self.lock(&name).await?),
            None => None,
        };
        // The same id for every repeat.
        let id = Uuid::new_v5(
            &Uuid::NAMESPACE_OID,
            format!("backup-vol/{}", backup.id).as_bytes(),
        );
        let id = id.to_string();
        let _temp = self.lock(&id).await?;
        let row = match self.live_volume(&id).await? {
            Some(row) => row,
            None => {
                let new = self.temp_row(&id, volume);
                self.db(|| self.db.insert_volume(&new)).await?;
                self.volume_row(&id).await?
            }
        };
        let changes = BackupChanges::new().temp_volume_id(Some(&id));
        self.db(|| self.db.update_backup(&backup.id, &changes))
            .await?;
        kill::pass(Point::BackupTempNamed);
        let made = match source {
            Source::Snapshot(of) => self.copy_of_snapshot(&row, of).await,
            _ => self.copy_of_volume(&row, volume).await,
        };
        match made {
            Ok(()) => {}
            Err(CommandError::Stopping) => return Err(CommandError::Stopping),
            Err(error) => {
                self.db(|| self.db.destroy_volume(&id)).await?;
                let none = BackupChanges::new().temp_volume_id(None);
                self.db(|| self.db.update_backup(&backup.id, &none)).await?;
                return Err(error);
            }
        }
        kill::pass(Point::BackupTempOnArray);
        let ready = VolumeChanges::new().status("backing-up");
        self.db(|| self.db.update_volume(&id, &ready)).await?;
        self.volume_row(&id).await
    }

    fn temp_row(&self, id: &str, volume: &Row) -> NewVolumeRow {
        NewVolumeRow {
            id: id.to_owned(),
            user_id: self.context.user_id.clone(),
            project_id: self.context.project_id.clone(),
            host: volume.host.clone(),
            scheduled_at: None,
            size: volume.size.unwrap_or(0),
            snapshot_id: None,
            source_volid: None,
            availability_zone: volume.availability_zone.clone(),
            status: "creating".to_owned(),
            migration_status: None,
            display_name: Some(format!("backup-vol-{}", volume.id)),
            volume_type_id: volume.volume_type_id.clone().unwrap_or_default(),
            use_quota: false,
            multiattach: false,
        }
    }

    async fn copy_of_snapshot(&self, row: &Row, id: &str) -> Result<(), CommandError> {
        let Some(snapshot) = self.live_snapshot(id).await? else {
            return Err(CommandError::SnapshotNotFound { id: id.to_owned() });
        };
        let new = new_volume(row, snapshot.volume_size);
        self.array(|| self.backend.create_volume_from(&new, &snapshot.id))
            .await?;
        Ok(())
    }

    async fn copy_of_volume(&self, row: &Row, volume: &Row) -> Result<(), CommandError> {
        let new = new_volume(row, volume.size);
        let source = array_name(volume);
        self.array(|| self.backend.create_volume_from(&new, source))
            .await?;
        Ok(())
    }

    /// The live row of a backup.
    pub(super) async fn backup_row(&self, id: &str) -> Result<BackupRow, CommandError> {
        match self.db(|| self.db.backup(id)).await {
            Err(CommandError::Db(DbError::NotFound { .. })) => {
                Err(CommandError::BackupNotFound { id: id.to_owned() })
            }
            found => found,
        }
    }
}

/// The device as the caller wants it: an object, or before 3.2 a dictionary.
fn reply(args: &GetBackupDevice, device: &Row) -> Result<Value, CommandError> {
    if args.want_objects {
        return Ok(json!(objects::backup_device(device)?));
    }
    Ok(json!({
        "backup_device": objects::volume(device)?,
        "secure_enabled": false,
        "is_snapshot": false,
    }))
}
