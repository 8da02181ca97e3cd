//! Table `volumes`.

use sea_orm::entity::prelude::*;

use crate::db::SecretText;

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "volumes")]
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
    /// Backend name, if not `id`, after a migration.
    #[sea_orm(column_name = "_name_id")]
    pub name_id: Option<String>,
    /// Owner.
    pub user_id: Option<String>,
    /// Project that is charged.
    pub project_id: Option<String>,
    /// Null only before release 24; see [`crate::db::Db::volume_uses_quota`].
    pub use_quota: Option<bool>,
    /// Snapshot it was made from.
    pub snapshot_id: Option<String>,
    /// Volume it was cloned from.
    pub source_volid: Option<String>,
    /// Cluster that serves it.
    pub cluster_name: Option<String>,
    /// `host@backend#pool`; null while it is being scheduled again.
    pub host: Option<String>,
    /// GiB.
    pub size: Option<i32>,
    /// Availability zone.
    pub availability_zone: Option<String>,
    /// State word.
    pub status: Option<String>,
    /// State word of the attachments as a whole.
    pub attach_status: Option<String>,
    /// State word of a migration.
    pub migration_status: Option<String>,
    /// State before the running operation.
    pub previous_status: Option<String>,
    /// When the scheduler chose the host (UTC).
    pub scheduled_at: Option<DateTime>,
    /// When it became available (UTC).
    pub launched_at: Option<DateTime>,
    /// When its deletion was asked for (UTC).
    pub terminated_at: Option<DateTime>,
    /// Name given by the user.
    pub display_name: Option<String>,
    /// Description given by the user.
    pub display_description: Option<String>,
    /// Free for the driver.
    pub provider_location: Option<String>,
    /// Free for the driver; may hold CHAP credentials.
    pub provider_auth: Option<SecretText>,
    /// Free for the driver.
    pub provider_geometry: Option<String>,
    /// Free for the driver.
    pub provider_id: Option<String>,
    /// Volume type.
    pub volume_type_id: Option<String>,
    /// Key in the key manager.
    pub encryption_key_id: Option<String>,
    /// Always null for group volumes.
    pub consistencygroup_id: Option<String>,
    /// Group it belongs to.
    pub group_id: Option<String>,
    /// Whether it holds an operating system.
    pub bootable: Option<bool>,
    /// Whether several attachments are allowed.
    pub multiattach: Option<bool>,
    /// State word of replication.
    pub replication_status: Option<String>,
    /// Free for the driver.
    pub replication_extended_status: Option<String>,
    /// Free for the driver.
    pub replication_driver_data: Option<String>,
    /// Service that owns it.
    pub service_uuid: Option<String>,
    /// Null: no lock needed on the attaching side.
    pub shared_targets: Option<bool>,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
