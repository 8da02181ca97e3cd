//! Rows as the versioned objects that other services are sent.
//!
//! Columns only: what hangs on a row (metadata, type, attachments) is not loaded, as in Python
//! before somebody looks at it; a receiver with a database loads it when it needs it.

use chrono::NaiveDateTime;
use serde_json::{Value, json};

use super::error::CommandError;
use crate::db::{Backup as BackupRow, Volume as VolumeRow};
use crate::rpc::Failure;
use crate::rpc::object::{Backup, BackupDeviceInfo, Volume};
use crate::rpc::time;

/// A volume.
///
/// # Errors
/// When a column holds what the object cannot.
pub(super) fn volume(row: &VolumeRow) -> Result<Volume, CommandError> {
    let auth = row.provider_auth.as_ref().map(|text| text.expose());
    Volume::from_fields([
        ("id", json!(row.id)),
        ("_name_id", json!(row.name_id)),
        ("ec2_id", Value::Null),
        ("user_id", json!(row.user_id)),
        ("project_id", json!(row.project_id)),
        ("use_quota", json!(row.use_quota)),
        ("snapshot_id", json!(row.snapshot_id)),
        ("cluster_name", json!(row.cluster_name)),
        ("host", json!(row.host)),
        ("size", json!(row.size)),
        ("availability_zone", json!(row.availability_zone)),
        ("status", json!(row.status)),
        ("attach_status", json!(row.attach_status)),
        ("migration_status", json!(row.migration_status)),
        ("scheduled_at", when(row.scheduled_at)),
        ("launched_at", when(row.launched_at)),
        ("terminated_at", when(row.terminated_at)),
        ("display_name", json!(row.display_name)),
        ("display_description", json!(row.display_description)),
        ("provider_id", json!(row.provider_id)),
        ("provider_location", json!(row.provider_location)),
        ("provider_auth", json!(auth)),
        ("provider_geometry", json!(row.provider_geometry)),
        ("volume_type_id", json!(row.volume_type_id)),
        ("source_volid", json!(row.source_volid)),
        ("encryption_key_id", json!(row.encryption_key_id)),
        ("consistencygroup_id", json!(row.consistencygroup_id)),
        ("group_id", json!(row.group_id)),
        ("deleted", json!(row.deleted)),
        ("bootable", json!(row.bootable)),
        ("multiattach", json!(row.multiattach)),
        ("replication_status", json!(row.replication_status)),
        (
            "replication_extended_status",
            json!(row.replication_extended_status),
        ),
        (
            "replication_driver_data",
            json!(row.replication_driver_data),
        ),
        ("previous_status", json!(row.previous_status)),
        ("service_uuid", json!(row.service_uuid)),
        ("shared_targets", json!(row.shared_targets)),
        ("created_at", when(row.created_at)),
        ("updated_at", when(row.updated_at)),
        ("deleted_at", when(row.deleted_at)),
    ])
    .map_err(|failure| unfit("volume", &row.id, failure))
}

/// A backup.
///
/// # Errors
/// When a column holds what the object cannot.
pub(super) fn backup(row: &BackupRow) -> Result<Backup, CommandError> {
    Backup::from_fields([
        ("id", json!(row.id)),
        ("user_id", json!(row.user_id)),
        ("project_id", json!(row.project_id)),
        ("volume_id", json!(row.volume_id)),
        ("host", json!(row.host)),
        ("availability_zone", json!(row.availability_zone)),
        ("container", json!(row.container)),
        ("parent_id", json!(row.parent_id)),
        ("status", json!(row.status)),
        ("fail_reason", json!(row.fail_reason)),
        ("size", json!(row.size)),
        ("display_name", json!(row.display_name)),
        ("display_description", json!(row.display_description)),
        ("service_metadata", json!(row.service_metadata)),
        ("service", json!(row.service)),
        ("object_count", json!(row.object_count)),
        ("temp_volume_id", json!(row.temp_volume_id)),
        ("temp_snapshot_id", json!(row.temp_snapshot_id)),
        ("num_dependent_backups", json!(row.num_dependent_backups)),
        ("snapshot_id", json!(row.snapshot_id)),
        ("data_timestamp", when(row.data_timestamp)),
        ("restore_volume_id", json!(row.restore_volume_id)),
        ("encryption_key_id", json!(row.encryption_key_id)),
        ("created_at", when(row.created_at)),
        ("updated_at", when(row.updated_at)),
        ("deleted_at", when(row.deleted_at)),
        ("deleted", json!(row.deleted)),
    ])
    .map_err(|failure| unfit("backup", &row.id, failure))
}

/// What a backup reads from; a block device has no files whose owner could matter.
///
/// # Errors
/// When a column holds what the object cannot.
pub(super) fn backup_device(row: &VolumeRow) -> Result<BackupDeviceInfo, CommandError> {
    BackupDeviceInfo::from_fields([
        ("volume", json!(volume(row)?)),
        ("secure_enabled", json!(false)),
    ])
    .map_err(|failure| unfit("volume", &row.id, failure))
}

fn when(time: Option<NaiveDateTime>) -> Value {
    json!(time.map(time::object))
}

fn unfit(what: &str, id: &str, failure: Failure) -> CommandError {
    CommandError::Invalid {
        reason: format!("the row of {what} {id} cannot be sent: {}", failure.message),
    }
}
