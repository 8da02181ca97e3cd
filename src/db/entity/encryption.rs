//! Table `encryption`.

use sea_orm::entity::prelude::*;

/// How volumes of a type are encrypted.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "encryption")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub encryption_id: String,
    /// Rows are kept and marked.
    pub deleted: Option<bool>,
    /// Cipher.
    pub cipher: Option<String>,
    /// Bits.
    pub key_size: Option<i32>,
    /// Format, such as `luks`.
    pub provider: String,
    /// `front-end` or `back-end`.
    pub control_location: String,
    /// Volume type.
    pub volume_type_id: String,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
