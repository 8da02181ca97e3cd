//! Where a limit comes from: project, quota class, default class, cinder.conf.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::entity::{quota_classes, quotas};
use super::error::Result;
use super::quota::{Delta, QuotaRequest, ResourceKind};
use super::sql::live;

/// The quota options of cinder.conf; -1 means no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaDefaults {
    /// `quota_volumes` (10).
    pub volumes: i32,
    /// `quota_gigabytes` (1000).
    pub gigabytes: i32,
    /// `quota_snapshots` (10).
    pub snapshots: i32,
    /// `quota_groups` (10).
    pub groups: i32,
    /// `no_snapshot_gb_quota` (false): snapshots do not count in gigabytes.
    pub no_snapshot_gb_quota: bool,
    /// `until_refresh` (0: off): reservations until usage is counted again.
    pub until_refresh: i32,
    /// `max_age` (0: off): seconds after which usage is counted again.
    pub max_age: i64,
}

impl Default for QuotaDefaults {
    fn default() -> Self {
        Self {
            volumes: 10,
            gigabytes: 1000,
            snapshots: 10,
            groups: 10,
            no_snapshot_gb_quota: false,
            until_refresh: 0,
            max_age: 0,
        }
    }
}

impl QuotaDefaults {
    fn limit(&self, delta: &Delta) -> i32 {
        if delta.volume_type.is_some() {
            return -1;
        }
        match delta.kind {
            ResourceKind::Volumes => self.volumes,
            ResourceKind::Gigabytes => self.gigabytes,
            ResourceKind::Snapshots => self.snapshots,
            ResourceKind::Groups => self.groups,
        }
    }
}

pub(super) async fn limit(
    conn: &impl ConnectionTrait,
    request: &QuotaRequest,
    delta: &Delta,
) -> Result<i32> {
    let resource = delta.resource();
    let own = quotas::Entity::find()
        .filter(live(quotas::Column::Deleted))
        .filter(quotas::Column::ProjectId.eq(request.project_id.as_str()))
        .filter(quotas::Column::Resource.eq(resource.as_str()))
        .one(conn)
        .await?;
    if let Some(limit) = own.and_then(|row| row.hard_limit) {
        return Ok(limit);
    }
    for class in request
        .quota_class
        .as_deref()
        .into_iter()
        .chain(["default"])
    {
        let row = quota_classes::Entity::find()
            .filter(live(quota_classes::Column::Deleted))
            .filter(quota_classes::Column::ClassName.eq(class))
            .filter(quota_classes::Column::Resource.eq(resource.as_str()))
            .one(conn)
            .await?;
        if let Some(limit) = row.and_then(|row| row.hard_limit) {
            return Ok(limit);
        }
    }
    Ok(request.defaults.limit(delta))
}
