//! Table `groups`.

use sea_orm::entity::prelude::*;

/// A generic volume group.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "groups")]
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
    /// Owner.
    pub user_id: Option<String>,
    /// Project.
    pub project_id: Option<String>,
    /// Cluster.
    pub cluster_name: Option<String>,
    /// `host@backend#pool`.
    pub host: Option<String>,
    /// Availability zone.
    pub availability_zone: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Group type.
    pub group_type_id: Option<String>,
    /// State word.
    pub status: Option<String>,
    /// Group snapshot it was made from.
    pub group_snapshot_id: Option<String>,
    /// Group it was made from.
    pub source_group_id: Option<String>,
    /// State word of replication.
    pub replication_status: Option<String>,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
