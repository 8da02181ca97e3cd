//! Ends commands that this version cannot run, as the table of refusals says.

use serde_json::Value;
use tracing::info;

use super::Run;
use super::error::CommandError;
use super::refusal::{self, Refusal, RowEnd, VolumeEnd};
use crate::db::{
    AttachmentChanges, BackupChanges, Expected, GroupChanges, Read, ServiceChanges,
    SnapshotChanges, VolumeChanges, VolumeField,
};
use crate::rpc::{Command, Failure};

impl Run<'_> {
    /// Writes the error states, rolls reservations back, tells the owner, and fails.
    pub(super) async fn refuse(&self, command: Command) -> Result<Value, CommandError> {
        if let Command::FailoverCompleted(_) = command {
            // Sent to the members of a cluster; without one there is nothing to follow.
            return Ok(Value::Null);
        }
        let refusal = refusal::of(&command);
        for row in &refusal.rows {
            self.end_row(row).await?;
        }
        self.roll_back(&refusal).await?;
        let error = CommandError::Unsupported {
            what: refusal.what.clone(),
        };
        if let Some((subject, id, action, detail)) = &refusal.message {
            self.message(*subject, id, *action, *detail, &error).await;
        }
        Err(error)
    }
}
