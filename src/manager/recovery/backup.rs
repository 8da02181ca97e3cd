//! Goes on with a backup whose host was killed before cinder-backup had the answer.

use super::Recovery;
use crate::db::DbError;
use crate::journal::Intent;
use crate::manager::error::CommandError;
use crate::manager::objects;
use crate::rpc::commands::GetBackupDevice;

impl Recovery {
    /// A cast is gone on with; whoever called has given up, and has ended the backup.
    pub(super) async fn backup_device(
        &self,
        id: &str,
        intent: &Intent,
    ) -> Result<(), CommandError> {
        let known = self.known("get_backup_device", id, Some(intent));
        if known.flag("async_call") != Some(true) {
            return Ok(());
        }
        let row = match self.manager.db.backup(id).await {
            Ok(row) => row,
            Err(DbError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let args = GetBackupDevice {
            backup: objects::backup(&row)?,
            want_objects: true,
            async_call: true,
        };
        let context = known.context_of(row.project_id.clone(), row.user_id.clone());
        let run = self.run_of(&known, &context);
        super::resume::ended(id, "device", run.get_backup_device(args).await)
    }
}
