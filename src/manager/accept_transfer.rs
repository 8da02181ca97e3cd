//! `accept_transfer`: the array keeps no owner, so nothing changes there.

use serde_json::Value;

use super::Run;
use super::error::CommandError;
use crate::rpc::commands::AcceptTransfer;

impl Run<'_> {
    /// Null: no column changes. Owner, snapshots and quotas are the API's work.
    pub(super) async fn accept_transfer(
        &self,
        args: AcceptTransfer,
    ) -> Result<Value, CommandError> {
        self.check_ready()?;
        self.volume_row(&args.volume_id).await?;
        Ok(Value::Null)
    }
}
