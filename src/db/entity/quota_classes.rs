//! Table `quota_classes`.

use sea_orm::entity::prelude::*;

/// A quota class's limit.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "quota_classes")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Rows are kept and marked.
    pub deleted: Option<bool>,
    /// Class.
    pub class_name: Option<String>,
    /// Resource.
    pub resource: Option<String>,
    /// Limit; -1: none.
    pub hard_limit: Option<i32>,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
