//! Table `messages`.

use sea_orm::entity::prelude::*;

/// A message to the user.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// When it was made (UTC).
    pub created_at: Option<DateTime>,
    /// When it was changed last (UTC).
    pub updated_at: Option<DateTime>,
    /// When it was deleted (UTC).
    pub deleted_at: Option<DateTime>,
    /// Rows are kept and marked.
    pub deleted: Option<bool>,
    /// Project.
    pub project_id: String,
    /// Request.
    pub request_id: Option<String>,
    /// `VOLUME` or `VOLUME_SNAPSHOT`.
    pub resource_type: Option<String>,
    /// Resource.
    pub resource_uuid: Option<String>,
    /// Composed name.
    pub event_id: String,
    /// `ERROR`.
    pub message_level: String,
    /// Number of the detail.
    pub detail_id: Option<String>,
    /// Number of the action.
    pub action_id: Option<String>,
    /// When it may be dropped (UTC).
    pub expires_at: Option<DateTime>,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
