//! Table `quality_of_service_specs`.

use sea_orm::entity::prelude::*;

/// A node of a QoS specs tree.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "quality_of_service_specs")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Rows are kept and marked.
    pub deleted: Option<bool>,
    /// Root, or null at the root.
    pub specs_id: Option<String>,
    /// Key.
    pub key: Option<String>,
    /// Value.
    pub value: Option<String>,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
