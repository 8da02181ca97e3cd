//! Key/value tables of volumes and snapshots.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entity::{snapshot_metadata, volume_admin_metadata, volume_metadata};
use super::error::Result;
use super::sql::{Expr, insert_row, live};
use super::{Db, now};

/// Which key/value table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataOf<'a> {
    /// The user's metadata of a volume.
    Volume(&'a str),
    /// The administrator's metadata of a volume.
    VolumeAdmin(&'a str),
    /// The user's metadata of a snapshot.
    Snapshot(&'a str),
}

macro_rules! for_table {
    ($of:expr, $id:ident, $parent:ident, $do:block) => {
        match $of {
            MetadataOf::Volume($id) => {
                use volume_metadata::{Column, Entity};
                const $parent: Column = Column::VolumeId;
                $do
            }
            MetadataOf::VolumeAdmin($id) => {
                use volume_admin_metadata::{Column, Entity};
                const $parent: Column = Column::VolumeId;
                $do
            }
            MetadataOf::Snapshot($id) => {
                use snapshot_metadata::{Column, Entity};
                const $parent: Column = Column::SnapshotId;
                $do
            }
        }
    };
}

impl Db {
    /// The live pairs of a resource.
    pub async fn metadata(&self, of: MetadataOf<'_>) -> Result<BTreeMap<String, String>> {
        for_table!(of, id, PARENT, {
            self.attempt(|| async {
                let rows = Entity::find()
                    .filter(live(Column::Deleted))
                    .filter(PARENT.eq(id))
                    .order_by_asc(Column::Id)
                    .all(&self.conn())
                    .await?;
                let pairs = rows
                    .into_iter()
                    .filter_map(|row| Some((row.key?, row.value.unwrap_or_default())));
                Ok(pairs.collect())
            })
            .await
        })
    }

    /// Makes the pairs of a resource exactly `pairs`: rows that are equal stay untouched.
    pub async fn replace_metadata(
        &self,
        of: MetadataOf<'_>,
        pairs: &BTreeMap<String, String>,
    ) -> Result<()> {
        for_table!(of, id, PARENT, {
            self.attempt(|| async {
                let txn = self.begin().await?;
                let time = self.time(now());
                let mut rest = pairs.clone();
                let rows = Entity::find()
                    .filter(live(Column::Deleted))
                    .filter(PARENT.eq(id))
                    .all(&txn)
                    .await?;
                let mut gone = Vec::new();
                for row in rows {
                    let Some(value) = rest.remove(row.key.as_deref().unwrap_or_default()) else {
                        gone.push(row.id);
                        continue;
                    };
                    if row.value.as_deref() != Some(&value) {
                        Entity::update_many()
                            .col_expr(Column::Value, Expr::val(value))
                            .col_expr(Column::UpdatedAt, Expr::val(time.clone()))
                            .filter(Column::Id.eq(row.id))
                            .exec(&txn)
                            .await?;
                    }
                }
                if !gone.is_empty() {
                    Entity::update_many()
                        .col_expr(Column::Deleted, Expr::val(true))
                        .col_expr(Column::DeletedAt, Expr::val(time.clone()))
                        .filter(Column::Id.is_in(gone))
                        .exec(&txn)
                        .await?;
                }
                for (key, value) in rest {
                    let row = vec![
                        (Column::CreatedAt, time.clone()),
                        (Column::Deleted, false.into()),
                        (Column::Key, key.into()),
                        (Column::Value, value.into()),
                        (PARENT, id.into()),
                    ];
                    insert_row(&txn, Entity, row).await?;
                }
                txn.commit().await?;
                Ok(())
            })
            .await
        })
    }
}
