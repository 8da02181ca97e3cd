//! Rows of snapshots and attachments, which the API makes: for a service that runs without a cloud.

use super::entity::{snapshots, volume_attachment};
use super::error::Result;
use super::sql::insert_row;
use super::{Db, now};

/// A snapshot row to make. What is not here starts as the API leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSnapshotRow {
    /// Id, a UUID.
    pub id: String,
    /// User.
    pub user_id: Option<String>,
    /// Project.
    pub project_id: Option<String>,
    /// The volume it is of.
    pub volume_id: String,
    /// Size of that volume, GiB.
    pub volume_size: i32,
    /// State word, such as `creating`.
    pub status: String,
    /// Type of the volume; the column takes no null.
    pub volume_type_id: String,
}

/// An attachment row to make. What is not here starts as the API leaves it: no host yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAttachmentRow {
    /// Id, a UUID.
    pub id: String,
    /// The volume.
    pub volume_id: String,
    /// Instance it is for.
    pub instance_uuid: Option<String>,
    /// State word, such as `reserved`.
    pub attach_status: String,
}

impl Db {
    /// Makes a snapshot row, which quota counts.
    pub async fn insert_snapshot(&self, snapshot: &NewSnapshotRow) -> Result<()> {
        use snapshots::{Column, Entity};
        let s = snapshot.clone();
        let row = vec![
            (Column::Id, s.id.into()),
            (Column::CreatedAt, self.time(now())),
            (Column::Deleted, false.into()),
            (Column::UserId, s.user_id.into()),
            (Column::ProjectId, s.project_id.into()),
            (Column::VolumeId, s.volume_id.into()),
            (Column::VolumeSize, s.volume_size.into()),
            (Column::Status, s.status.into()),
            (Column::Progress, "0%".into()),
            (Column::VolumeTypeId, s.volume_type_id.into()),
            (Column::UseQuota, true.into()),
        ];
        self.attempt(|| async { insert_row(&self.conn(), Entity, row.clone()).await })
            .await
    }

    /// Makes an attachment row.
    pub async fn insert_attachment(&self, attachment: &NewAttachmentRow) -> Result<()> {
        use volume_attachment::{Column, Entity};
        let a = attachment.clone();
        let row = vec![
            (Column::Id, a.id.into()),
            (Column::CreatedAt, self.time(now())),
            (Column::Deleted, false.into()),
            (Column::VolumeId, a.volume_id.into()),
            (Column::InstanceUuid, a.instance_uuid.into()),
            (Column::AttachStatus, a.attach_status.into()),
            (Column::AttachMode, "null".into()),
        ];
        self.attempt(|| async { insert_row(&self.conn(), Entity, row.clone()).await })
            .await
    }
}
