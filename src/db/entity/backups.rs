//! Table `backups`.

use sea_orm::entity::prelude::*;

/// A backup.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "backups")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// When it was made (UTC).
    pub created_at: Option<DateTime>,
    /// When it was changed last (UTC).
    pub updated_at: Option<DateTime>,
    /// When it was deleted (UTC).
    pub deleted_at: Option<DateTime>,
    /// Rows are kept and marked.
    pub deleted: Option<bool>,
    /// Volume.
    pub volume_id: String,
    /// Project.
    pub project_id: Option<String>,
    /// Backup host.
    pub host: Option<String>,
    /// State word.
    pub status: Option<String>,
    /// Volume it is restored to.
    pub restore_volume_id: Option<String>,
    /// Volume made for it.
    pub temp_volume_id: Option<String>,
    /// Snapshot made for it.
    pub temp_snapshot_id: Option<String>,
    /// Snapshot it is of.
    pub snapshot_id: Option<String>,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
