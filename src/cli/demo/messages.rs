//! What the demo's cinder-api puts into its messages.

use anyhow::Context as _;
use chrono::{NaiveDateTime, Utc};
use serde_json::{Map, Value, json};

use super::PATIENCE;
use super::api::PROJECT;
use crate::cli::call::Question;
use crate::db::{Snapshot, Volume};
use crate::rpc::object::{Snapshot as SnapshotObject, Volume as VolumeObject};
use crate::rpc::registry::method_info;
use crate::rpc::{RequestContext, Version, time};

/// A request of the demo's project.
pub(super) fn question(host: &str, method: &str, args: Value, cast: bool) -> Question {
    let now = Utc::now().naive_utc();
    let mut context = RequestContext::for_service(RequestContext::new_request_id(), now);
    context.project_id = Some(PROJECT.to_owned());
    context.user_id = Some(PROJECT.to_owned());
    Question {
        host: host.to_owned(),
        method: method.to_owned(),
        args: match args {
            Value::Object(args) => args,
            _ => Map::new(),
        },
        // as the API stamps it; a method that nobody knows says nothing of its version
        version: method_info(method).map_or(Version::new(3, 0), |info| info.sent),
        context,
        cast,
        timeout: PATIENCE,
    }
}

/// `host@backend` of a row.
pub(super) fn service_of(row: &Volume) -> anyhow::Result<&str> {
    let host = row.host.as_deref().context("a volume without a host")?;
    Ok(host.split('#').next().unwrap_or(host))
}

/// The row of a volume as it goes into a message.
pub(super) fn volume_object(row: &Volume) -> anyhow::Result<Value> {
    let fields = [
        ("id", json!(row.id)),
        ("_name_id", json!(row.name_id)),
        ("user_id", json!(row.user_id)),
        ("project_id", json!(row.project_id)),
        ("use_quota", json!(row.use_quota)),
        ("snapshot_id", json!(row.snapshot_id)),
        ("source_volid", json!(row.source_volid)),
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
        ("volume_type_id", json!(row.volume_type_id)),
        ("bootable", json!(row.bootable)),
        ("multiattach", json!(row.multiattach)),
        ("service_uuid", json!(row.service_uuid)),
        ("shared_targets", json!(row.shared_targets)),
        ("deleted", json!(row.deleted)),
        ("created_at", json!(when(row.created_at))),
        ("updated_at", json!(when(row.updated_at))),
    ];
    let volume = VolumeObject::from_fields(fields)?;
    Ok(json!(volume))
}

/// The row of a snapshot as it goes into a message.
pub(super) fn snapshot_object(row: &Snapshot) -> anyhow::Result<Value> {
    let fields = [
        ("id", json!(row.id)),
        ("user_id", json!(row.user_id)),
        ("project_id", json!(row.project_id)),
        ("use_quota", json!(row.use_quota)),
        ("volume_id", json!(row.volume_id)),
        ("volume_size", json!(row.volume_size)),
        ("status", json!(row.status)),
        ("progress", json!(row.progress)),
        ("volume_type_id", json!(row.volume_type_id)),
        ("deleted", json!(row.deleted)),
        ("created_at", json!(when(row.created_at))),
        ("updated_at", json!(when(row.updated_at))),
    ];
    let snapshot = SnapshotObject::from_fields(fields)?;
    Ok(json!(snapshot))
}

fn when(time: Option<NaiveDateTime>) -> Option<String> {
    time.map(time::object)
}
