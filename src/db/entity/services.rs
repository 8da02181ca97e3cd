//! Table `services`.

use sea_orm::entity::prelude::*;

/// A service as others see it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "services")]
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
    /// Stable id that volumes point to.
    pub uuid: Option<String>,
    /// Cluster.
    pub cluster_name: Option<String>,
    /// `host@backend`.
    pub host: Option<String>,
    /// `cinder-volume`.
    pub binary: Option<String>,
    /// `cinder-volume`.
    pub topic: Option<String>,
    /// Heartbeats so far.
    pub report_count: i32,
    /// Not to be scheduled to.
    pub disabled: Option<bool>,
    /// Why.
    pub disabled_reason: Option<String>,
    /// Availability zone.
    pub availability_zone: Option<String>,
    /// When `disabled` was written last (UTC).
    pub modified_at: Option<DateTime>,
    /// Such as `3.20`.
    pub rpc_current_version: Option<String>,
    /// Such as `1.39`.
    pub object_current_version: Option<String>,
    /// State word of replication.
    pub replication_status: Option<String>,
    /// Backend failed over to.
    pub active_backend_id: Option<String>,
    /// Frozen by an administrator.
    pub frozen: Option<bool>,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
