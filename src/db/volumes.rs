//! Table `volumes`.

use sea_orm::sea_query::Func;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DerivePartialModel, EntityTrait, FromQueryResult,
    QueryFilter, QueryOrder, QuerySelect,
};

use super::changes::VolumeChanges;
use super::entity::volumes::{Column, Entity, Model};
use super::entity::{
    snapshots, transfers, volume_admin_metadata, volume_attachment, volume_glance_metadata,
    volume_metadata,
};
use super::error::{DbError, Result};
use super::host_filter::host_matches;
use super::sql::{Expr, as_integer, live};
use super::{Db, Read, now};

/// The columns start-up needs of each volume.
#[derive(Debug, Clone, PartialEq, Eq, DerivePartialModel)]
#[sea_orm(entity = "Entity")]
pub struct VolumeBrief {
    /// Id.
    pub id: String,
    /// Backend name override.
    pub name_id: Option<String>,
    /// `host@backend#pool`.
    pub host: Option<String>,
    /// GiB.
    pub size: Option<i32>,
    /// State word.
    pub status: Option<String>,
    /// State word of the attachments.
    pub attach_status: Option<String>,
    /// State word of a migration.
    pub migration_status: Option<String>,
    /// Free for the driver.
    pub provider_id: Option<String>,
    /// Free for the driver.
    pub provider_location: Option<String>,
    /// Volume type.
    pub volume_type_id: Option<String>,
    /// Service that owns it.
    pub service_uuid: Option<String>,
}

/// What the volumes of one host string add up to.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct HostAllocation {
    /// `host@backend#pool` as it stands in the rows.
    pub host: String,
    /// Number of volumes.
    pub volumes: i64,
    /// GiB.
    pub gigabytes: i64,
}

impl Db {
    /// One volume.
    pub async fn volume(&self, id: &str, read: Read) -> Result<Model> {
        let found = self
            .attempt(|| async {
                let mut query = Entity::find_by_id(id);
                if read == Read::Live {
                    query = query.filter(live(Column::Deleted));
                }
                Ok(query.one(&self.conn()).await?)
            })
            .await?;
        found.ok_or_else(|| DbError::not_found("volumes", id))
    }

    /// The live volume that is named so on the array: by its id or, after a migration, by
    /// `_name_id`.
    pub async fn volume_by_array_name(&self, name: &str) -> Result<Option<Model>> {
        self.attempt(|| async {
            let by_id = Condition::all()
                .add(Column::Id.eq(name))
                .add(Column::NameId.is_null());
            let named = Condition::any().add(by_id).add(Column::NameId.eq(name));
            Ok(Entity::find()
                .filter(live(Column::Deleted))
                .filter(named)
                .one(&self.conn())
                .await?)
        })
        .await
    }

    /// Live volumes of a host, backend or pool, youngest first.
    pub async fn volumes_of_host(&self, host: &str) -> Result<Vec<Model>> {
        self.attempt(|| async {
            Ok(Entity::find()
                .filter(live(Column::Deleted))
                .filter(host_matches(self.engine, Column::Host, host))
                .order_by_desc(Column::CreatedAt)
                .order_by_desc(Column::Id)
                .all(&self.conn())
                .await?)
        })
        .await
    }

    /// Up to `limit` live volumes of a host whose id follows `after`, in order of id: rows
    /// that come or go between two pages are neither doubled nor shift others.
    pub async fn volume_page(
        &self,
        host: &str,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<VolumeBrief>> {
        self.attempt(|| async {
            let mut query = Entity::find()
                .filter(live(Column::Deleted))
                .filter(host_matches(self.engine, Column::Host, host));
            if let Some(after) = after {
                query = query.filter(Column::Id.gt(after));
            }
            Ok(query
                .order_by_asc(Column::Id)
                .limit(limit)
                .into_partial_model::<VolumeBrief>()
                .all(&self.conn())
                .await?)
        })
        .await
    }

    /// Number and size of the live volumes of a host, by exact host string.
    pub async fn allocations(&self, host: &str) -> Result<Vec<HostAllocation>> {
        self.attempt(|| async {
            let size = Func::coalesce([Column::Size.sum(), Expr::val(0)]);
            Ok(Entity::find()
                .select_only()
                .column(Column::Host)
                .column_as(Column::Id.count(), "volumes")
                .column_as(as_integer(self.engine, size), "gigabytes")
                .filter(live(Column::Deleted))
                .filter(host_matches(self.engine, Column::Host, host))
                .group_by(Column::Host)
                .order_by_asc(Column::Host)
                .into_model::<HostAllocation>()
                .all(&self.conn())
                .await?)
        })
        .await
    }

    /// Writes changes to a live volume.
    pub async fn update_volume(&self, id: &str, changes: &VolumeChanges) -> Result<()> {
        if self.conditional_volume_update(id, &[], changes).await? {
            Ok(())
        } else {
            Err(DbError::not_found("volumes", id))
        }
    }

    /// Marks a volume and all that hangs on it as deleted; false if it was so already.
    pub async fn destroy_volume(&self, id: &str) -> Result<bool> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            let destroyed = destroy_in(self, &txn, id).await?;
            txn.commit().await?;
            Ok(destroyed)
        })
        .await
    }

    /// Whether this volume counts against quota. Before release 24 the column may be null;
    /// then temporary volumes and targets of a migration do not count.
    pub async fn volume_uses_quota(&self, volume: &Model) -> Result<bool> {
        if let Some(uses) = volume.use_quota {
            return Ok(uses);
        }
        let migration = volume.migration_status.as_deref().unwrap_or_default();
        if migration.starts_with("target:") {
            return Ok(false);
        }
        use volume_admin_metadata::{Column, Entity};
        let temporary = self
            .attempt(|| async {
                Ok(Entity::find()
                    .filter(live(Column::Deleted))
                    .filter(Column::VolumeId.eq(volume.id.as_str()))
                    .filter(Column::Key.eq("temporary"))
                    .one(&self.conn())
                    .await?)
            })
            .await?;
        let temporary = temporary.and_then(|row| row.value).unwrap_or_default();
        Ok(!temporary.eq_ignore_ascii_case("true"))
    }
}

/// Soft delete keeps `updated_at`: it is simply not written. Children keep their states.
pub(super) async fn destroy_in(db: &Db, conn: &impl ConnectionTrait, id: &str) -> Result<bool> {
    let now = db.time(now());
    let destroyed = Entity::update_many()
        .col_expr(Column::Status, Expr::val("deleted"))
        .col_expr(Column::Deleted, Expr::val(true))
        .col_expr(Column::DeletedAt, Expr::val(now.clone()))
        .col_expr(Column::MigrationStatus, Expr::val(None::<String>))
        .filter(live(Column::Deleted))
        .filter(Column::Id.eq(id))
        .exec(conn)
        .await?
        .rows_affected;
    macro_rules! children {
        ($($table:ident),*) => {$(
            $table::Entity::update_many()
                .col_expr($table::Column::Deleted, Expr::val(true))
                .col_expr($table::Column::DeletedAt, Expr::val(now.clone()))
                .filter(live($table::Column::Deleted))
                .filter($table::Column::VolumeId.eq(id))
                .exec(conn)
                .await?;
        )*};
    }
    children!(
        volume_metadata,
        volume_admin_metadata,
        snapshots,
        transfers,
        volume_glance_metadata,
        volume_attachment
    );
    Ok(destroyed > 0)
}
