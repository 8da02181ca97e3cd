//! Table `volume_attachment`.

use sea_orm::entity::prelude::*;

use crate::db::SecretText;

/// An attachment of a volume.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "volume_attachment")]
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
    /// Instance it is attached to.
    pub instance_uuid: Option<String>,
    /// Host it is attached to.
    pub attached_host: Option<String>,
    /// Device on the host.
    pub mountpoint: Option<String>,
    /// When (UTC).
    pub attach_time: Option<DateTime>,
    /// When it ended (UTC).
    pub detach_time: Option<DateTime>,
    /// State word.
    pub attach_status: Option<String>,
    /// `rw`, `ro`, or the word `null` while not known.
    pub attach_mode: Option<String>,
    /// JSON, written by the API; holds CHAP credentials.
    pub connection_info: Option<SecretText>,
    /// JSON of the connector.
    pub connector: Option<SecretText>,
}

/// No relations: joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
