//! Volume types with their extra specs, QoS specs and encryption: read only.

use std::collections::BTreeMap;

use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entity::{encryption, quality_of_service_specs, volume_type_extra_specs, volume_types};
use super::error::{DbError, Result};
use super::sql::live;
use super::{Db, Read};

/// QoS specs of a volume type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QosSpecs {
    /// Id of the root row.
    pub id: String,
    /// Name of the specs.
    pub name: Option<String>,
    /// `back-end`, `front-end` or `both`.
    pub consumer: Option<String>,
    /// The specs proper.
    pub specs: BTreeMap<String, Option<String>>,
}

impl Db {
    /// One volume type.
    pub async fn volume_type(&self, id: &str, read: Read) -> Result<volume_types::Model> {
        use volume_types::{Column, Entity};
        let found = self
            .attempt(|| async {
                let mut query = Entity::find_by_id(id);
                if read == Read::Live {
                    query = query.filter(live(Column::Deleted));
                }
                Ok(query.one(&self.conn()).await?)
            })
            .await?;
        found.ok_or_else(|| DbError::not_found("volume_types", id))
    }

    /// Extra specs of a type.
    pub async fn extra_specs(&self, type_id: &str) -> Result<BTreeMap<String, Option<String>>> {
        use volume_type_extra_specs::{Column, Entity};
        let rows = self
            .attempt(|| async {
                Ok(Entity::find()
                    .filter(live(Column::Deleted))
                    .filter(Column::VolumeTypeId.eq(type_id))
                    .order_by_asc(Column::Id)
                    .all(&self.conn())
                    .await?)
            })
            .await?;
        let pairs = rows
            .into_iter()
            .filter_map(|row| Some((row.key?, row.value)));
        Ok(pairs.collect())
    }

    /// QoS specs by the `qos_specs_id` of a type; none if they are deleted.
    pub async fn qos_specs(&self, id: &str) -> Result<Option<QosSpecs>> {
        use quality_of_service_specs::{Column, Entity};
        let rows = self
            .attempt(|| async {
                Ok(Entity::find()
                    .filter(live(Column::Deleted))
                    .filter(Column::Id.eq(id).or(Column::SpecsId.eq(id)))
                    .all(&self.conn())
                    .await?)
            })
            .await?;
        let (root, children): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.id == id);
        let Some(root) = root.into_iter().next() else {
            return Ok(None);
        };
        let mut specs: BTreeMap<_, _> = children
            .into_iter()
            .filter_map(|row| Some((row.key?, row.value)))
            .collect();
        let consumer = specs.remove("consumer").flatten();
        Ok(Some(QosSpecs {
            id: root.id,
            name: root.value,
            consumer,
            specs,
        }))
    }

    /// How volumes of a type are encrypted; none if they are not.
    pub async fn encryption(&self, type_id: &str) -> Result<Option<encryption::Model>> {
        use encryption::{Column, Entity};
        self.attempt(|| async {
            Ok(Entity::find()
                .filter(live(Column::Deleted))
                .filter(Column::VolumeTypeId.eq(type_id))
                .one(&self.conn())
                .await?)
        })
        .await
    }
}
