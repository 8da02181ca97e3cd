//! `initialize_connection`: maps a volume to a host, and changes no row.

use serde_json::{Value, json};

use super::Run;
use super::error::CommandError;
use crate::kill::{self, Point};
use crate::rpc::commands::InitializeConnection;

impl Run<'_> {
    pub(super) async fn initialize_connection(
        &self,
        args: InitializeConnection,
    ) -> Result<Value, CommandError> {
        self.check_ready()?;
        let host = self.checked_connector(&args.connector)?;
        let row = self.volume_row(args.volume.id()).await?;
        let _mapping = self.lock_mapping(&row.id, host.host.as_deref()).await?;
        let connection = self.connect(&row, &host).await?;
        kill::pass(Point::MappedOnArray);
        let kind = connection.driver_volume_type;
        let data = self.enriched(&row, connection, &args.connector).await?;
        Ok(json!({"driver_volume_type": kind, "data": data}))
    }

    /// The reply of a call that has ended, if what it made may still be wanted. A volume that
    /// nobody attaches must not be mapped again.
    pub(super) async fn initialize_connection_again(
        &self,
        args: InitializeConnection,
    ) -> Result<Value, CommandError> {
        let row = self.volume_row(args.volume.id()).await?;
        let attachments = self.db(|| self.db.attachments_of_volume(&row.id)).await?;
        let under_way =
            ["attaching", "in-use"].contains(&row.status.as_deref().unwrap_or_default());
        if !under_way && attachments.is_empty() {
            return Err(CommandError::InvalidVolume {
                reason: format!(
                    "volume {} is {}: its connection is not made a second time",
                    row.id,
                    row.status.as_deref().unwrap_or_default()
                ),
            });
        }
        self.initialize_connection(args).await
    }
}
