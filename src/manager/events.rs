//! Notifications about volumes: what `volume.*` events say.

use chrono::{NaiveDateTime, Utc};
use serde_json::{Value, json};
use tracing::warn;

use super::Run;
use super::error::CommandError;
use crate::db::{Attachment, GlanceMetadata, MetadataOf, Volume};
use crate::rpc::notification::{self, Metadata, Priority, VolumeUsage};
use crate::rpc::opaque::Opaque;
use crate::rpc::{request, time};

impl Run<'_> {
    /// Sends `volume.<suffix>`, if notifications are on and the volume counts against quota.
    pub(super) async fn volume_event(&self, row: &Volume, suffix: &str) {
        if !self.report.notifier.is_on() {
            return;
        }
        match self.db(|| self.db.volume_uses_quota(row)).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => warn!(error = %error.chain(), "quota use unknown: event is sent"),
        }
        // A create is announced under the pool, everything else under the backend.
        let host = match suffix {
            "create.start" | "create.end" => row.host.as_deref().unwrap_or(&self.options.host),
            _ => &self.options.host,
        };
        let metadata = self
            .db(|| self.db.metadata(MetadataOf::Volume(&row.id)))
            .await;
        let metadata = or_none(metadata, "metadata");
        let glance = self.db(|| self.db.glance_metadata_rows(&row.id)).await;
        let glance: Vec<Opaque> = or_none(glance, "image metadata")
            .iter()
            .map(glance_row)
            .collect();
        let attachments = self.db(|| self.db.attachments_of_volume(&row.id)).await;
        let attachments: Vec<Opaque> = or_none(attachments, "attachments")
            .iter()
            .map(|attachment| attachment_row(attachment, row))
            .collect();
        let now = Utc::now().naive_utc();
        let when =
            |t: Option<chrono::NaiveDateTime>| t.map_or_else(|| time::naive(now), time::payload);
        let status = match row.status.as_deref() {
            Some("error_managing_deleting") => Some("deleting".to_owned()),
            _ => row.status.clone(),
        };
        let usage = VolumeUsage {
            tenant_id: row.project_id.clone(),
            host: row.host.clone(),
            user_id: row.user_id.clone(),
            availability_zone: row.availability_zone.clone(),
            volume_id: row.id.clone(),
            volume_type: row.volume_type_id.clone(),
            display_name: row.display_name.clone(),
            launched_at: when(row.launched_at),
            created_at: when(row.created_at),
            status,
            snapshot_id: row.snapshot_id.clone(),
            size: row.size.map(i64::from),
            replication_status: row.replication_status.clone(),
            replication_extended_status: row.replication_extended_status.clone(),
            replication_driver_data: row.replication_driver_data.clone(),
            metadata: Some(
                metadata
                    .into_iter()
                    .map(|(key, value)| Metadata { key, value })
                    .collect(),
            ),
            volume_attachment: Some(attachments),
            glance_metadata: (!glance.is_empty()).then_some(glance),
        };
        let event_type = format!("volume.{suffix}");
        // Listeners of oslo.messaging drop what comes twice under one id.
        let purpose = format!("event/{}/{event_type}", row.id);
        self.report.notifier.send(
            self.context,
            request::derived_uuid(&self.origin.unique_id, &purpose),
            &format!("volume.{host}"),
            &event_type,
            Priority::Info,
            notification::payload(&usage),
        );
    }
}

/// What is missing from an event is no reason not to send it.
fn or_none<T: Default>(result: Result<T, CommandError>, what: &'static str) -> T {
    result.unwrap_or_else(|error| {
        warn!(error = %error.chain(), "{what} unknown: the event is sent without");
        T::default()
    })
}

/// An attachment as Python's JSON shows its row, with the volume's row in it. What hosts log in
/// with is in `connection_info`, and no listener's business: it is always null here.
fn attachment_row(row: &Attachment, volume: &Volume) -> Opaque {
    let when = |t: Option<NaiveDateTime>| t.map(time::naive);
    let connector = row.connector.as_ref().map(|text| text.expose().to_owned());
    let fields = [
        ("id", json!(row.id)),
        ("volume_id", json!(row.volume_id)),
        ("instance_uuid", json!(row.instance_uuid)),
        ("attached_host", json!(row.attached_host)),
        ("mountpoint", json!(row.mountpoint)),
        ("attach_time", json!(when(row.attach_time))),
        ("detach_time", json!(when(row.detach_time))),
        ("attach_status", json!(row.attach_status)),
        ("attach_mode", json!(row.attach_mode)),
        ("connection_info", json!(null)),
        ("connector", json!(connector)),
        ("deleted_at", json!(when(row.deleted_at))),
        ("deleted", json!(row.deleted)),
        ("created_at", json!(when(row.created_at))),
        ("updated_at", json!(when(row.updated_at))),
        ("volume", json!(volume_row(volume))),
    ];
    named(fields)
}

/// A volume's row as Python's JSON shows it, without its credentials.
fn volume_row(row: &Volume) -> Opaque {
    let when = |t: Option<NaiveDateTime>| t.map(time::naive);
    let fields = [
        ("id", json!(row.id)),
        ("_name_id", json!(row.name_id)),
        ("use_quota", json!(row.use_quota)),
        ("ec2_id", json!(null)),
        ("user_id", json!(row.user_id)),
        ("project_id", json!(row.project_id)),
        ("snapshot_id", json!(row.snapshot_id)),
        ("cluster_name", json!(row.cluster_name)),
        ("host", json!(row.host)),
        ("size", json!(row.size)),
        ("availability_zone", json!(row.availability_zone)),
        ("status", json!(row.status)),
        ("attach_status", json!(row.attach_status)),
        ("migration_status", json!(row.migration_status)),
        ("scheduled_at", json!(when(row.scheduled_at))),
        ("launched_at", json!(when(row.launched_at))),
        ("terminated_at", json!(when(row.terminated_at))),
        ("display_name", json!(row.display_name)),
        ("display_description", json!(row.display_description)),
        ("provider_location", json!(row.provider_location)),
        ("provider_auth", json!(null)),
        ("provider_geometry", json!(row.provider_geometry)),
        ("provider_id", json!(row.provider_id)),
        ("volume_type_id", json!(row.volume_type_id)),
        ("source_volid", json!(row.source_volid)),
        ("encryption_key_id", json!(row.encryption_key_id)),
        ("consistencygroup_id", json!(row.consistencygroup_id)),
        ("group_id", json!(row.group_id)),
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
        ("deleted_at", json!(when(row.deleted_at))),
        ("deleted", json!(row.deleted)),
        ("created_at", json!(when(row.created_at))),
        ("updated_at", json!(when(row.updated_at))),
    ];
    named(fields)
}

fn named<const N: usize>(fields: [(&str, Value); N]) -> Opaque {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A row as Python's JSON shows it.
fn glance_row(row: &GlanceMetadata) -> Opaque {
    let when = |t: Option<NaiveDateTime>| t.map(time::naive);
    let fields = [
        ("id", json!(row.id)),
        ("volume_id", json!(row.volume_id)),
        ("snapshot_id", json!(row.snapshot_id)),
        ("key", json!(row.key)),
        ("value", json!(row.value)),
        ("created_at", json!(when(row.created_at))),
        ("updated_at", json!(when(row.updated_at))),
        ("deleted_at", json!(when(row.deleted_at))),
        ("deleted", json!(row.deleted)),
    ];
    named(fields)
}
