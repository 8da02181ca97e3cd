//! Table `volume_glance_metadata`.

use sea_orm::entity::prelude::*;

/// Image metadata of a volume or a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "volume_glance_metadata")]
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
    /// Volume, or
    pub volume_id: Option<String>,
    /// snapshot; exactly one is set.
    pub snapshot_id: Option<String>,
    /// Key.
    pub key: Option<String>,
    /// Value.
    #[sea_orm(column_type = "Text", nullable)]
    pub value: Option<String>,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
