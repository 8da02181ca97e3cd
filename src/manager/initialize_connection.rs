//! `initialize_connection`: maps a volume to a host, and changes no row.

use serde_json::{Value, json};

use super::Run;
use super::error::CommandError;
use crate::backend::Connection;
use crate::db::Volume;
use crate::kill::{self, Point};
use crate::rpc::commands::InitializeConnection;
use crate::rpc::opaque::Opaque;

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
        self.connection_reply(&row, connection, &args.connector)
            .await
    }

    /// The reply of a call that has ended, as long as what it made is there. What was taken away
    /// since must not come back: the volume may be another host's now.
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
        self.check_ready()?;
        let host = self.checked_connector(&args.connector)?;
        let _mapping = self.lock_mapping(&row.id, host.host.as_deref()).await?;
        let connection = self.connect_again(&row, &host).await?;
        self.connection_reply(&row, connection, &args.connector)
            .await
    }

    async fn connection_reply(
        &self,
        row: &Volume,
        connection: Connection,
        connector: &Opaque,
    ) -> Result<Value, CommandError> {
        let kind = connection.driver_volume_type;
        let data = self.enriched(row, connection, connector).await?;
        Ok(json!({"driver_volume_type": kind, "data": data}))
    }
}
