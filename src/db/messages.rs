//! Table `messages`: why a command failed, for the user.

use std::time::Duration;

use uuid::Uuid;

use super::entity::messages::{Column, Entity};
use super::error::{DbError, Result};
use super::sql::insert_row;
use super::{Db, now};

/// A message to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserMessage {
    /// Project that sees it.
    pub project_id: String,
    /// Request that failed.
    pub request_id: Option<String>,
    /// `VOLUME` or `VOLUME_SNAPSHOT`.
    pub resource_type: String,
    /// Id of the resource.
    pub resource_uuid: Option<String>,
    /// Three digits, such as `008`.
    pub action_id: String,
    /// Three digits, such as `012`.
    pub detail_id: String,
    /// `message_ttl`, 30 days unless configured.
    pub lifetime: Duration,
}

impl Db {
    /// Writes a message of level ERROR under this id; one that is there already stays, so that
    /// a command that runs again tells nothing twice.
    pub async fn create_message(&self, id: Uuid, message: &UserMessage) -> Result<()> {
        let id = id.to_string();
        let event = format!(
            "VOLUME_{}_{}_{}",
            message.resource_type, message.action_id, message.detail_id
        );
        self.attempt(|| async {
            let now = now();
            let row = vec![
                (Column::Id, id.clone().into()),
                (Column::CreatedAt, self.time(now)),
                (Column::Deleted, false.into()),
                (Column::ProjectId, message.project_id.clone().into()),
                (Column::RequestId, message.request_id.clone().into()),
                (Column::ResourceType, message.resource_type.clone().into()),
                (Column::ResourceUuid, message.resource_uuid.clone().into()),
                (Column::EventId, event.clone().into()),
                (Column::MessageLevel, "ERROR".into()),
                (Column::ActionId, message.action_id.clone().into()),
                (Column::DetailId, message.detail_id.clone().into()),
                (Column::ExpiresAt, self.time(now + message.lifetime)),
            ];
            match insert_row(&self.conn(), Entity, row).await {
                Err(DbError::Duplicate(_)) => Ok(()),
                outcome => outcome,
            }
        })
        .await
    }
}
