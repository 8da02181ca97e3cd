//! `extend_volume_completion`: the end of an extend that was handed to somebody else.

use serde_json::Value;

use super::Run;
use super::error::CommandError;
use super::extend_volume::Growth;
use crate::rpc::commands::ExtendVolumeCompletion;

impl Run<'_> {
    pub(super) async fn extend_volume_completion(
        &self,
        args: ExtendVolumeCompletion,
    ) -> Result<Value, CommandError> {
        let growth = Growth {
            new_size: args.new_size,
            reservations: args.reservations.unwrap_or_default(),
        };
        self.complete_extend(args.volume.id(), &growth, args.error)
            .await
    }

    pub(super) async fn complete_extend(
        &self,
        id: &str,
        growth: &Growth,
        failed: bool,
    ) -> Result<Value, CommandError> {
        let _volume = self.lock(id).await?;
        let Some(row) = self.extending(id, growth).await? else {
            return Ok(Value::Null);
        };
        if failed {
            let error = CommandError::Invalid {
                reason: format!("whoever was to extend volume {id} reported a failure"),
            };
            self.extend_failed(&row, growth, &error).await?;
        } else {
            self.extended(&row, growth).await?;
        }
        Ok(Value::Null)
    }
}
