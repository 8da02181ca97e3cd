//! `create_volume` from a backup: the volume is made blank, and cinder-backup fills it.

use rand::seq::SliceRandom;
use tracing::info;

use super::Run;
use super::create_from::new_volume;
use super::error::CommandError;
use super::objects;
use crate::backend::ModelUpdate;
use crate::db::{Backup as BackupRow, BackupChanges, Service, Volume as Row, now};
use crate::kill::{self, Point};
use crate::rpc::{Version, backup, request};

impl Run<'_> {
    /// The blank volume; where the rows say `restoring`, the backup is on its way already.
    pub(super) async fn make_for_backup(
        &self,
        row: &Row,
        id: &str,
    ) -> Result<ModelUpdate, CommandError> {
        self.check_ready()?;
        let backup = self.backup_row(id).await?;
        let volume = new_volume(row, None);
        let update = self.array(|| self.backend.create_volume(&volume)).await?;
        kill::pass(Point::CreateOnArray);
        let host = self.backup_host(&backup).await?;
        let changes = BackupChanges::new()
            .status("restoring")
            .restore_volume_id(Some(&row.id))
            .host(Some(&host));
        self.db(|| self.db.update_backup(id, &changes)).await?;
        kill::pass(Point::RestoreWritten);
        Ok(update)
    }

    /// Has cinder-backup fill the volume, whose row is as its create leaves it. From here on
    /// volume and backup are its to end.
    pub(super) async fn hand_to_backup(&self, row: &Row, id: &str) -> Result<(), CommandError> {
        let backup = objects::backup(&self.backup_row(id).await?)?;
        // Releases before 22 (2.4) refuse an argument that they do not know.
        let services = self.db(|| self.db.services("cinder-backup")).await?;
        let new = services.iter().all(|service| {
            let version = service.rpc_current_version.as_deref();
            version.and_then(Version::parse) >= Some(Version::new(2, 4))
        });
        // The same id for every repeat: oslo drops those that arrive twice.
        let unique_id = request::derived_id(&self.origin.unique_id, "restore_backup");
        let context = self.context.clone();
        let cast =
            backup::restore_backup(context, &backup, &row.id, new.then_some(true), &unique_id);
        self.cast(&cast).await?;
        info!(volume.id = %row.id, backup.id = id, "cinder-backup fills it");
        Ok(())
    }

    /// The service that made it, with `backup_use_same_host`; else any that is up in its zone.
    async fn backup_host(&self, backup: &BackupRow) -> Result<String, CommandError> {
        let services = self.db(|| self.db.services("cinder-backup")).await?;
        let oldest = now() - self.service.service_down_time;
        let up = |service: &&Service| {
            service.disabled != Some(true)
                && service.updated_at.or(service.created_at) >= Some(oldest)
        };
        let zone = backup
            .availability_zone
            .as_deref()
            .filter(|zone| !zone.is_empty());
        let in_zone =
            |service: &&Service| zone.is_none() || service.availability_zone.as_deref() == zone;
        let mut hosts: Vec<&str> = services
            .iter()
            .filter(up)
            .filter(in_zone)
            .filter_map(|service| service.host.as_deref())
            .collect();
        if self.service.backup_use_same_host
            && let Some(host) = backup.host.as_deref().filter(|host| !host.is_empty())
        {
            hosts.retain(|other| *other == host);
        }
        hosts.shuffle(&mut rand::rng());
        hosts
            .first()
            .map(|host| (*host).to_owned())
            .ok_or_else(|| CommandError::ServiceNotFound {
                service: "cinder-backup".to_owned(),
            })
    }
}
