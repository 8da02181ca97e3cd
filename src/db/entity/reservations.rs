//! Table `reservations`.

use sea_orm::entity::prelude::*;

/// A promise of quota.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reservations")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// When it was made (UTC).
    pub created_at: Option<DateTime>,
    /// When it was deleted (UTC).
    pub deleted_at: Option<DateTime>,
    /// Rows are kept and marked.
    pub deleted: Option<bool>,
    /// Its name.
    pub uuid: String,
    /// Usage row it belongs to.
    pub usage_id: Option<i32>,
    /// Project.
    pub project_id: Option<String>,
    /// Resource.
    pub resource: Option<String>,
    /// Change.
    pub delta: i32,
    /// When it may be dropped (UTC).
    pub expire: Option<DateTime>,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
