//! Table `group_snapshots`.

use sea_orm::entity::prelude::*;

/// A snapshot of a generic volume group.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "group_snapshots")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// When it was made (UTC).
    pub created_at: Option<DateTime>,
    /// When it was changed last (UTC).
    pub updated_at: Option<DateTime>,
    /// Rows are kept and marked.
    pub deleted: Option<bool>,
    /// The group it is of.
    pub group_id: String,
    /// State word.
    pub status: Option<String>,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
