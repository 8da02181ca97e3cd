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
    /// User.
    pub user_id: Option<String>,
    /// Project.
    pub project_id: Option<String>,
    /// Backup host.
    pub host: Option<String>,
    /// Availability zone.
    pub availability_zone: Option<String>,
    /// Name given by the user.
    pub display_name: Option<String>,
    /// Description given by the user.
    pub display_description: Option<String>,
    /// Where the driver keeps it.
    pub container: Option<String>,
    /// State word.
    pub status: Option<String>,
    /// Why it failed, for the user.
    pub fail_reason: Option<String>,
    /// Free for the driver.
    pub service_metadata: Option<String>,
    /// The driver, a Python class.
    pub service: Option<String>,
    /// GiB.
    pub size: Option<i32>,
    /// Objects it consists of.
    pub object_count: Option<i32>,
    /// Backup that it is the difference to.
    pub parent_id: Option<String>,
    /// Backups that are differences to it.
    pub num_dependent_backups: Option<i32>,
    /// When its data was taken (UTC).
    pub data_timestamp: Option<DateTime>,
    /// Key in the key manager.
    pub encryption_key_id: Option<String>,
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
