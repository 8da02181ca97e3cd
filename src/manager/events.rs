//! Notifications about volumes: what `volume.*` events say.

use chrono::{NaiveDateTime, Utc};
use serde_json::json;
use tracing::warn;

use super::Run;
use super::error::CommandError;
use crate::db::{GlanceMetadata, MetadataOf, Volume};
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
            volume_attachment: Some(Vec::new()),
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
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
