//! Table `volume_type_extra_specs`.

use sea_orm::entity::prelude::*;

/// An extra spec of a volume type.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "volume_type_extra_specs")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Rows are kept and marked.
    pub deleted: Option<bool>,
    /// Key.
    pub key: Option<String>,
    /// Value.
    pub value: Option<String>,
    /// Volume type.
    pub volume_type_id: String,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
