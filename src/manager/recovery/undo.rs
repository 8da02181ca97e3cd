//! Takes back mappings that calls made whose messages have expired: nobody got their replies, and
//! nobody would ever ask for their end.

use tracing::info;

use super::Recovery;
use crate::backend::Connector;
use crate::db::{DbError, Read};
use crate::journal::Intent;
use crate::manager::connector;
use crate::manager::error::CommandError;
use crate::manager::rows::array_name;
use crate::rpc::opaque::Opaque;

impl Recovery {
    /// Ends an `attachment_update` or `initialize_connection` of an earlier process. What the rows
    /// show as attached, or under way, stays; a mapping that no row stands for goes.
    pub(super) async fn undo_attach(
        &self,
        volume_id: &str,
        intent: &Intent,
    ) -> Result<(), CommandError> {
        let Some(host) = host_of(intent) else {
            return Ok(());
        };
        let known = self.known("terminate_connection", volume_id, Some(intent));
        let row = match self.manager.db.volume(volume_id, Read::WithDeleted).await {
            Ok(row) => row,
            Err(DbError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let context = known.context_of(row.project_id.clone(), row.user_id.clone());
        let run = self.run_of(&known, &context);
        let key = host.host.as_deref();
        let _mapping = run.lock_mapping(volume_id, key).await?;
        // An attachment that holds the connector was written after the mapping was made.
        let held = run.is_held(volume_id, key).await?;
        let live = row.deleted != Some(true);
        let old_flow = intent.method == "initialize_connection";
        let status = row.status.as_deref().unwrap_or_default();
        let under_way = live && old_flow && ["attaching", "in-use"].contains(&status);
        if under_way || held {
            info!(
                volume.id = volume_id,
                host = key,
                "its mapping is in use: it stays"
            );
            return Ok(());
        }
        run.disconnect(array_name(&row), Some(&host)).await?;
        info!(
            volume.id = volume_id,
            host = key,
            "a mapping that nobody was told of is taken back"
        );
        Ok(())
    }
}

/// The host as far as the intent names it.
fn host_of(intent: &Intent) -> Option<Connector> {
    let connector = intent.details.get("connector")?.clone();
    let connector: Opaque = serde_json::from_value(connector).ok()?;
    Some(connector::of(&connector))
}
