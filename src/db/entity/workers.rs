//! Table `workers`.

use sea_orm::entity::prelude::*;

/// A command that must be cleaned up after if its host dies.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "workers")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// When it was made (UTC).
    pub created_at: Option<DateTime>,
    /// When it was changed last (UTC).
    pub updated_at: Option<DateTime>,
    /// When it was deleted (UTC).
    pub deleted_at: Option<DateTime>,
    /// Rows are kept and marked.
    pub deleted: Option<bool>,
    /// `Volume` or `Snapshot`.
    pub resource_type: String,
    /// Id of the resource.
    pub resource_id: String,
    /// State of the resource when it was claimed.
    pub status: String,
    /// Service that works on it; null: not claimed yet.
    pub service_id: Option<i32>,
    /// Grows with each update.
    pub race_preventer: i32,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
