//! Table `volume_glance_metadata`: what image a bootable volume came from.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entity::volume_glance_metadata::{Column, Entity, Model};
use super::error::{DbError, Result};
use super::sql::{Expr, insert_row, live};
use super::{Db, now};

impl Db {
    /// Image metadata of a volume.
    pub async fn glance_metadata(&self, volume_id: &str) -> Result<BTreeMap<String, String>> {
        let rows = self
            .attempt(|| async { rows(&self.conn(), Column::VolumeId, volume_id).await })
            .await?;
        Ok(rows.into_iter().filter_map(pair).collect())
    }

    /// The rows of a volume's image metadata, as notifications show them.
    pub async fn glance_metadata_rows(&self, volume_id: &str) -> Result<Vec<Model>> {
        self.attempt(|| async { rows(&self.conn(), Column::VolumeId, volume_id).await })
            .await
    }

    /// Adds image metadata to a volume. An equal pair is no change, another value for a key
    /// that is there is refused.
    pub async fn add_glance_metadata(
        &self,
        volume_id: &str,
        pairs: &BTreeMap<String, String>,
    ) -> Result<()> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            let there = rows(&txn, Column::VolumeId, volume_id).await?;
            let there: BTreeMap<_, _> = there.into_iter().filter_map(pair).collect();
            for (key, value) in pairs {
                match there.get(key) {
                    Some(old) if old == value => {}
                    Some(_) => {
                        return Err(DbError::GlanceMetadataExists {
                            volume_id: volume_id.to_owned(),
                            key: key.clone(),
                        });
                    }
                    None => {
                        self.add(&txn, Column::VolumeId, volume_id, key, value)
                            .await?
                    }
                }
            }
            txn.commit().await?;
            Ok(())
        })
        .await
    }

    /// Copies a volume's image metadata to a snapshot of it; the number of pairs it has.
    pub async fn copy_glance_metadata_to_snapshot(
        &self,
        volume_id: &str,
        snapshot_id: &str,
    ) -> Result<usize> {
        self.copy(
            (Column::VolumeId, volume_id),
            (Column::SnapshotId, snapshot_id),
        )
        .await
    }

    /// Copies a snapshot's image metadata to a volume made from it; the number of pairs.
    pub async fn copy_glance_metadata_from_snapshot(
        &self,
        snapshot_id: &str,
        volume_id: &str,
    ) -> Result<usize> {
        self.copy(
            (Column::SnapshotId, snapshot_id),
            (Column::VolumeId, volume_id),
        )
        .await
    }

    /// Copies a volume's image metadata to a clone of it; the number of pairs.
    pub async fn copy_glance_metadata_to_clone(
        &self,
        source_id: &str,
        volume_id: &str,
    ) -> Result<usize> {
        self.copy((Column::VolumeId, source_id), (Column::VolumeId, volume_id))
            .await
    }

    /// Marks a volume's image metadata as deleted.
    pub async fn delete_glance_metadata(&self, volume_id: &str) -> Result<()> {
        self.attempt(|| async {
            Entity::update_many()
                .col_expr(Column::Deleted, Expr::val(true))
                .col_expr(Column::DeletedAt, Expr::val(self.time(now())))
                .filter(live(Column::Deleted))
                .filter(Column::VolumeId.eq(volume_id))
                .exec(&self.conn())
                .await?;
            Ok(())
        })
        .await
    }

    /// A repeat finds the pairs of the first time and adds nothing.
    async fn copy(&self, from: (Column, &str), to: (Column, &str)) -> Result<usize> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            let source = rows(&txn, from.0, from.1).await?;
            let there = rows(&txn, to.0, to.1).await?;
            let there: BTreeMap<_, _> = there.into_iter().filter_map(pair).collect();
            let source: BTreeMap<_, _> = source.into_iter().filter_map(pair).collect();
            for (key, value) in &source {
                if !there.contains_key(key) {
                    self.add(&txn, to.0, to.1, key, value).await?;
                }
            }
            txn.commit().await?;
            Ok(source.len())
        })
        .await
    }

    async fn add(
        &self,
        conn: &impl ConnectionTrait,
        parent: Column,
        id: &str,
        key: &str,
        value: &str,
    ) -> Result<()> {
        let row = vec![
            (Column::CreatedAt, self.time(now())),
            (Column::Deleted, false.into()),
            (parent, id.into()),
            (Column::Key, key.into()),
            (Column::Value, value.into()),
        ];
        insert_row(conn, Entity, row).await
    }
}

async fn rows(conn: &impl ConnectionTrait, parent: Column, id: &str) -> Result<Vec<Model>> {
    Ok(Entity::find()
        .filter(live(Column::Deleted))
        .filter(parent.eq(id))
        .order_by_asc(Column::Id)
        .all(conn)
        .await?)
}

fn pair(row: Model) -> Option<(String, String)> {
    Some((row.key?, row.value.unwrap_or_default()))
}
