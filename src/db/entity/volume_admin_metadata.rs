//! Table `volume_admin_metadata`.

use sea_orm::entity::prelude::*;

/// Administrator's metadata of a volume.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "volume_admin_metadata")]
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
    /// Key.
    pub key: Option<String>,
    /// Value.
    pub value: Option<String>,
    /// Volume.
    pub volume_id: String,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
