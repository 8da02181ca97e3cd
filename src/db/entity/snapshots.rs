//! Table `snapshots`.

use sea_orm::entity::prelude::*;

use crate::db::SecretText;

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "snapshots")]
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
    /// Null only before release 24 (means true).
    pub use_quota: Option<bool>,
    /// Owner.
    pub user_id: Option<String>,
    /// Project that is charged.
    pub project_id: Option<String>,
    /// Volume.
    pub volume_id: String,
    /// Consistency group snapshot.
    pub cgsnapshot_id: Option<String>,
    /// Group snapshot.
    pub group_snapshot_id: Option<String>,
    /// State word.
    pub status: Option<String>,
    /// Such as `100%`.
    pub progress: Option<String>,
    /// GiB of the volume when it was taken.
    pub volume_size: Option<i32>,
    /// Name given by the user.
    pub display_name: Option<String>,
    /// Description given by the user.
    pub display_description: Option<String>,
    /// Key in the key manager.
    pub encryption_key_id: Option<String>,
    /// Volume type.
    pub volume_type_id: Option<String>,
    /// Free for the driver.
    pub provider_location: Option<String>,
    /// Free for the driver.
    pub provider_id: Option<String>,
    /// Free for the driver; may hold CHAP credentials.
    pub provider_auth: Option<SecretText>,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
