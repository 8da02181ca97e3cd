//! Table `snapshots`: its host is that of its volume.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder,
    QuerySelect, RelationDef,
};

use super::changes::SnapshotChanges;
use super::entity::snapshots::{Column, Entity, Model};
use super::entity::{snapshot_metadata, volume_glance_metadata, volumes};
use super::error::{DbError, Result};
use super::host_filter::host_matches;
use super::quota::commit_in;
use super::sql::{Expr, live};
use super::{Db, Read, now};

impl Db {
    /// One snapshot.
    pub async fn snapshot(&self, id: &str, read: Read) -> Result<Model> {
        let found = self
            .attempt(|| async {
                let mut query = Entity::find_by_id(id);
                if read == Read::Live {
                    query = query.filter(live(Column::Deleted));
                }
                Ok(query.one(&self.conn()).await?)
            })
            .await?;
        found.ok_or_else(|| DbError::not_found("snapshots", id))
    }

    /// Live snapshots of a volume, youngest first.
    pub async fn snapshots_of_volume(&self, volume_id: &str) -> Result<Vec<Model>> {
        self.attempt(|| async {
            Ok(Entity::find()
                .filter(live(Column::Deleted))
                .filter(Column::VolumeId.eq(volume_id))
                .order_by_desc(Column::CreatedAt)
                .order_by_desc(Column::Id)
                .all(&self.conn())
                .await?)
        })
        .await
    }

    /// Live snapshots whose volume is on this host, backend or pool, youngest first.
    pub async fn snapshots_of_host(&self, host: &str) -> Result<Vec<Model>> {
        self.attempt(|| async {
            Ok(Entity::find()
                .join(JoinType::InnerJoin, to_volumes())
                .filter(live(Column::Deleted))
                .filter(host_matches(self.engine, volumes::Column::Host, host))
                .order_by_desc(Column::CreatedAt)
                .order_by_desc(Column::Id)
                .all(&self.conn())
                .await?)
        })
        .await
    }

    /// Writes changes to a live snapshot.
    pub async fn update_snapshot(&self, id: &str, changes: &SnapshotChanges) -> Result<()> {
        if self.update_where(id, None, changes).await? {
            Ok(())
        } else {
            Err(DbError::not_found("snapshots", id))
        }
    }

    /// Writes changes to a live snapshot if its status is `status`; true if it was.
    pub async fn conditional_snapshot_update(
        &self,
        id: &str,
        status: &str,
        changes: &SnapshotChanges,
    ) -> Result<bool> {
        self.update_where(id, Some(status), changes).await
    }

    /// Marks a snapshot, its metadata and its image metadata as deleted; false if it was so.
    pub async fn destroy_snapshot(&self, id: &str) -> Result<bool> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            let destroyed = destroy_in(self, &txn, id).await?;
            txn.commit().await?;
            Ok(destroyed)
        })
        .await
    }

    /// The end of a snapshot's delete in one transaction: [`Self::destroy_snapshot`] and the
    /// commit of its quota reservations. A repeat changes nothing: false.
    pub async fn finish_snapshot_delete(
        &self,
        id: &str,
        project_id: &str,
        reservations: &[String],
    ) -> Result<bool> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            commit_in(self, &txn, project_id, reservations).await?;
            let destroyed = destroy_in(self, &txn, id).await?;
            txn.commit().await?;
            Ok(destroyed)
        })
        .await
    }

    async fn update_where(
        &self,
        id: &str,
        status: Option<&str>,
        changes: &SnapshotChanges,
    ) -> Result<bool> {
        self.attempt(|| async { change_in(self, &self.conn(), id, status, changes).await })
            .await
    }
}

/// Writes changes to a live snapshot, if its status is `status` where one is given; true if
/// there was such a row.
pub(super) async fn change_in(
    db: &Db,
    conn: &impl ConnectionTrait,
    id: &str,
    status: Option<&str>,
    changes: &SnapshotChanges,
) -> Result<bool> {
    let mut update = Entity::update_many();
    for (column, change) in &changes.sets {
        update = update.col_expr(*column, Expr::val(change.value(db.engine)));
    }
    let mut filter = Condition::all().add(Column::Id.eq(id));
    if let Some(status) = status {
        filter = filter.add(Column::Status.eq(status));
    }
    let done = update
        .col_expr(Column::UpdatedAt, Expr::val(db.time(now())))
        .filter(live(Column::Deleted))
        .filter(filter)
        .exec(conn)
        .await?;
    Ok(done.rows_affected > 0)
}

/// `snapshots.volume_id = volumes.id`.
pub(super) fn to_volumes() -> RelationDef {
    Entity::belongs_to(volumes::Entity)
        .from(Column::VolumeId)
        .to(volumes::Column::Id)
        .into()
}

async fn destroy_in(db: &Db, conn: &impl ConnectionTrait, id: &str) -> Result<bool> {
    let now = db.time(now());
    let destroyed = Entity::update_many()
        .col_expr(Column::Status, Expr::val("deleted"))
        .col_expr(Column::Deleted, Expr::val(true))
        .col_expr(Column::DeletedAt, Expr::val(now.clone()))
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
                .filter($table::Column::SnapshotId.eq(id))
                .exec(conn)
                .await?;
        )*};
    }
    children!(snapshot_metadata, volume_glance_metadata);
    Ok(destroyed > 0)
}
