//! Table `quotas`.

use sea_orm::entity::prelude::*;

/// A project's limit.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "quotas")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Rows are kept and marked.
    pub deleted: Option<bool>,
    /// Project.
    pub project_id: Option<String>,
    /// Resource.
    pub resource: String,
    /// Limit; -1: none.
    pub hard_limit: Option<i32>,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
