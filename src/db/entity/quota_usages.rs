//! Table `quota_usages`.

use sea_orm::entity::prelude::*;

/// What a project uses of one resource.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "quota_usages")]
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
    /// Project.
    pub project_id: Option<String>,
    /// Resource.
    pub resource: Option<String>,
    /// In use.
    pub in_use: i32,
    /// Reserved.
    pub reserved: i32,
    /// Reservations until the next count.
    pub until_refresh: Option<i32>,
    /// Part of the unique key.
    pub race_preventer: Option<bool>,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
