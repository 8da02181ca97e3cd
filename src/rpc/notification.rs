//! Notifications: the envelope members, and the payloads of volume and snapshot events.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::context::RequestContext;
use super::envelope;
use super::json::python_repr;
use super::opaque::Opaque;

/// Urgency; also part of the routing key, in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)] // oslo.messaging's own words
pub enum Priority {
    Audit,
    Debug,
    Info,
    Warn,
    Error,
    Critical,
    Sample,
}

impl Priority {
    /// Routing key on the control exchange: `notifications.info`.
    pub fn routing_key(self, topic: &str) -> String {
        let word = match self {
            Self::Audit => "audit",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Sample => "sample",
        };
        format!("{topic}.{word}")
    }
}

/// Which `[oslo_messaging_notifications] driver` writes the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `messaging`: no envelope.
    V1,
    /// `messagingv2`: in an envelope.
    V2,
}

/// One notification. Its context travels as `_context_*` members beside these.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Notification {
    /// UUID with dashes.
    pub message_id: String,
    /// `volume.host@backend`: service and host.
    pub publisher_id: String,
    /// `volume.create.start`
    pub event_type: String,
    /// Urgency.
    pub priority: Priority,
    /// What happened.
    pub payload: Opaque,
    /// When it was sent, UTC: see `time::notification`.
    pub timestamp: String,
    /// 32 hexadecimal digits.
    #[serde(rename = "_unique_id")]
    pub unique_id: String,
}

impl Notification {
    /// The message with the redacted form of `context`; `now` is the moment of sending.
    pub fn to_wire(&self, context: &RequestContext, now: NaiveDateTime) -> Map<String, Value> {
        let mut wire = super::scheduler::object(self);
        wire.extend(context.redacted(now).to_wire());
        wire
    }

    /// The body to publish.
    pub fn to_body(&self, format: Format, context: &RequestContext, now: NaiveDateTime) -> Vec<u8> {
        let wire = self.to_wire(context, now);
        match format {
            Format::V2 => envelope::seal(&wire),
            // String keys only, so that this cannot fail.
            Format::V1 => serde_json::to_vec(&wire).unwrap_or_default(),
        }
    }
}

/// One entry of a volume's metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Metadata {
    /// Key.
    pub key: String,
    /// Value.
    pub value: String,
}

/// Payload of `volume.*` events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumeUsage {
    /// `project_id`
    pub tenant_id: Option<String>,
    /// `host@backend#pool`
    pub host: Option<String>,
    /// `user_id`
    pub user_id: Option<String>,
    /// Availability zone.
    pub availability_zone: Option<String>,
    /// Id of the volume.
    pub volume_id: String,
    /// Id of the volume type; in `volume.retype` of the new one.
    pub volume_type: Option<String>,
    /// Name the user gave.
    pub display_name: Option<String>,
    /// See `time::payload`; now, without zone (`time::naive`), if the row has none.
    pub launched_at: String,
    /// As `launched_at`.
    pub created_at: String,
    /// Status; `deleting` also for `error_managing_deleting`.
    pub status: Option<String>,
    /// Snapshot it was made from.
    pub snapshot_id: Option<String>,
    /// Size in GiB; in `volume.resize.end` the new one.
    pub size: Option<i64>,
    /// `replication_status`
    pub replication_status: Option<String>,
    /// `replication_extended_status`
    pub replication_extended_status: Option<String>,
    /// `replication_driver_data`
    pub replication_driver_data: Option<String>,
    /// User's metadata.
    #[serde(default)]
    pub metadata: Option<Vec<Metadata>>,
    /// Rows of `volume_attachment`, each with its volume's row; absent if the volume is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_attachment: Option<Vec<Opaque>>,
    /// Rows of `volume_glance_metadata`; absent if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glance_metadata: Option<Vec<Opaque>>,
}

/// Payload of `snapshot.*` events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SnapshotUsage {
    /// `project_id`
    pub tenant_id: Option<String>,
    /// `user_id`
    pub user_id: Option<String>,
    /// Availability zone of the volume.
    pub availability_zone: Option<String>,
    /// Id of the volume.
    pub volume_id: Option<String>,
    /// Size of the volume in GiB.
    pub volume_size: Option<i64>,
    /// Id of the snapshot.
    pub snapshot_id: String,
    /// Name the user gave.
    pub display_name: Option<String>,
    /// See `time::payload`.
    pub created_at: String,
    /// Status.
    pub status: Option<String>,
    /// `"True"`, or empty: see `deleted_text`.
    pub deleted: String,
    /// Python's view of the metadata, or empty: see `metadata_text`.
    pub metadata: String,
}

/// The form of a snapshot's `deleted` in payloads.
pub fn deleted_text(deleted: bool) -> String {
    if deleted { "True" } else { "" }.to_owned()
}

/// The form of a snapshot's metadata in payloads: `{'key': 'value'}`, empty if there is none.
pub fn metadata_text(metadata: &BTreeMap<String, String>) -> String {
    if metadata.is_empty() {
        return String::new();
    }
    let entries: Vec<String> = metadata
        .iter()
        .map(|(key, value)| format!("{}: {}", python_repr(key), python_repr(value)))
        .collect();
    format!("{{{}}}", entries.join(", "))
}

/// Payload of a usage struct.
pub fn payload(usage: &impl Serialize) -> Opaque {
    super::scheduler::object(usage).into()
}
