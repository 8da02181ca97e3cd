//! `terminate_connection`: takes a volume away from a host, or from all; and `remove_export`, which
//! has nothing to do on an array that exports nothing beside its mappings.

use serde_json::Value;
use tracing::info;

use super::Run;
use super::connector;
use super::error::CommandError;
use super::rows::array_name;
use crate::kill::{self, Point};
use crate::rpc::commands::{RemoveExport, TerminateConnection};

impl Run<'_> {
    pub(super) async fn terminate_connection(
        &self,
        args: TerminateConnection,
    ) -> Result<Value, CommandError> {
        self.check_ready()?;
        let row = self.volume_row(&args.volume_id).await?;
        let Some(connector) = args.connector.filter(|connector| !connector.is_empty()) else {
            info!(volume.id = %row.id, "no connector: the volume is taken away from all hosts");
            self.disconnect(array_name(&row), None).await?;
            kill::pass(Point::UnmappedOnArray);
            return Ok(Value::Null);
        };
        let host = connector::of(&connector);
        let key = host.host.as_deref();
        let _mapping = self.lock_mapping(&row.id, key).await?;
        // One of them is the caller's.
        if self.attachments_to(&row.id, key).await?.len() > 1 {
            info!(
                volume.id = %row.id, host = key,
                "several attachments of the volume are on this host: the mapping stays"
            );
            return Ok(Value::Null);
        }
        if self.local.hold(&row.id, key) {
            info!(volume.id = %row.id, host = key, "its bytes are being copied here: the mapping stays");
            return Ok(Value::Null);
        }
        self.disconnect(array_name(&row), Some(&host)).await?;
        kill::pass(Point::UnmappedOnArray);
        Ok(Value::Null)
    }

    pub(super) async fn remove_export(&self, args: RemoveExport) -> Result<Value, CommandError> {
        self.check_ready()?;
        self.volume_row(&args.volume_id).await?;
        Ok(Value::Null)
    }
}
