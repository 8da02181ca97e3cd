//! Rows that others than the API make: the second half of a migration, temporary volumes, and
//! the volumes of a service that runs without a cloud.

use chrono::NaiveDateTime;

use super::entity::volumes::{Column, Entity};
use super::error::Result;
use super::sql::{insert_row, time_value};
use super::{Db, now};

/// A volume row to make. What is not here starts as the API leaves it: detached, not bootable,
/// without provider data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVolumeRow {
    /// Id, a UUID.
    pub id: String,
    /// User.
    pub user_id: Option<String>,
    /// Project.
    pub project_id: Option<String>,
    /// `host@backend#pool`; none before the scheduler has chosen.
    pub host: Option<String>,
    /// When the scheduler chose, UTC.
    pub scheduled_at: Option<NaiveDateTime>,
    /// GiB.
    pub size: i32,
    /// Snapshot it is to be made from.
    pub snapshot_id: Option<String>,
    /// Volume it is to be a clone of.
    pub source_volid: Option<String>,
    /// Availability zone.
    pub availability_zone: Option<String>,
    /// State word, such as `creating`.
    pub status: String,
    /// State word of a migration, such as `target:<id>`.
    pub migration_status: Option<String>,
    /// Name the user gave.
    pub display_name: Option<String>,
    /// Volume type; the column takes no null.
    pub volume_type_id: String,
    /// Whether quota counts it.
    pub use_quota: bool,
    /// Whether several instances may attach it.
    pub multiattach: bool,
}

impl Db {
    /// Makes a volume row.
    pub async fn insert_volume(&self, volume: &NewVolumeRow) -> Result<()> {
        let v = volume.clone();
        let row = vec![
            (Column::Id, v.id.into()),
            (Column::CreatedAt, self.time(now())),
            (Column::Deleted, false.into()),
            (Column::UserId, v.user_id.into()),
            (Column::ProjectId, v.project_id.into()),
            (Column::Host, v.host.into()),
            (Column::ScheduledAt, time_value(self.engine, v.scheduled_at)),
            (Column::Size, v.size.into()),
            (Column::SnapshotId, v.snapshot_id.into()),
            (Column::SourceVolid, v.source_volid.into()),
            (Column::AvailabilityZone, v.availability_zone.into()),
            (Column::Status, v.status.into()),
            (Column::AttachStatus, "detached".into()),
            (Column::MigrationStatus, v.migration_status.into()),
            (Column::DisplayName, v.display_name.into()),
            (Column::VolumeTypeId, v.volume_type_id.into()),
            (Column::UseQuota, v.use_quota.into()),
            (Column::Bootable, false.into()),
            (Column::Multiattach, v.multiattach.into()),
            (Column::SharedTargets, true.into()),
        ];
        self.attempt(|| async { insert_row(&self.conn(), Entity, row.clone()).await })
            .await
    }
}
