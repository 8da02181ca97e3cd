//! Casts to cinder-scheduler: capability reports, and creates that go back to it.

use chrono::NaiveDateTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::context::RequestContext;
use super::object::{RequestSpec, Volume};
use super::opaque::Opaque;
use super::request::{Request, Target};
use super::time;
use super::version::Version;

/// Topic of the scheduler.
pub const TOPIC: &str = "cinder-scheduler";

/// Arguments of `update_service_capabilities`, which fills every scheduler's cache.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateServiceCapabilities {
    /// Always `volume`.
    pub service_name: String,
    /// `host@backend`.
    pub host: String,
    /// What the backend can do.
    pub capabilities: Opaque,
    /// Cluster, of clustered backends.
    pub cluster_name: Option<String>,
    /// When the report was made, UTC with exactly six digits: see `time::naive`.
    pub timestamp: String,
}

/// Arguments of `notify_service_capabilities`, which goes to one scheduler and ends its
/// waiting at start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotifyServiceCapabilities {
    /// Always `volume`.
    pub service_name: String,
    /// `host@backend`, or the cluster.
    pub backend: String,
    /// What the backend can do.
    pub capabilities: Opaque,
    /// When the report was made, UTC with exactly six digits: see `time::naive`.
    pub timestamp: String,
}

/// The capability report to all schedulers. `host` is `host@backend`.
pub fn update_service_capabilities(
    context: RequestContext,
    host: &str,
    cluster_name: Option<&str>,
    capabilities: Opaque,
    now: NaiveDateTime,
    unique_id: &str,
) -> Request {
    let args = UpdateServiceCapabilities {
        service_name: "volume".to_owned(),
        host: host.to_owned(),
        capabilities,
        cluster_name: cluster_name.map(str::to_owned),
        timestamp: time::naive(now),
    };
    Request::cast(
        Target::fanout(TOPIC),
        "update_service_capabilities",
        Version::new(3, 3),
        object(&args),
        context,
        unique_id,
    )
}

/// The capability report to one scheduler, sent right after the one to all.
pub fn notify_service_capabilities(
    context: RequestContext,
    backend: &str,
    capabilities: Opaque,
    now: NaiveDateTime,
    unique_id: &str,
) -> Request {
    let args = NotifyServiceCapabilities {
        service_name: "volume".to_owned(),
        backend: backend.to_owned(),
        capabilities,
        timestamp: time::naive(now),
    };
    Request::cast(
        Target::topic(TOPIC),
        "notify_service_capabilities",
        Version::new(3, 5),
        object(&args),
        context,
        unique_id,
    )
}

/// Hands a create back to the scheduler, which tries another backend. `context` is the
/// original one of the request, not an elevated one.
pub fn create_volume(
    context: RequestContext,
    volume: &Volume,
    request_spec: &RequestSpec,
    filter_properties: &Opaque,
    unique_id: &str,
) -> Request {
    let mut args = Map::new();
    args.insert("volume".to_owned(), to_value(volume));
    args.insert("request_spec".to_owned(), to_value(request_spec));
    args.insert("filter_properties".to_owned(), to_value(filter_properties));
    for source in ["snapshot_id", "image_id", "backup_id"] {
        args.insert(source.to_owned(), Value::Null);
    }
    Request::cast(
        Target::topic(TOPIC),
        "create_volume",
        Version::new(3, 0),
        args,
        context,
        unique_id,
    )
}

/// Whether the scheduler keeps count of tries, without which a create is never handed back.
pub fn may_retry(filter_properties: &Opaque) -> bool {
    match filter_properties.get("retry") {
        Some(Value::Object(retry)) => !retry.is_empty(),
        _ => false,
    }
}

/// Tells the scheduler why this host failed: lines of a traceback.
pub fn note_failure(filter_properties: &mut Opaque, lines: Vec<String>) {
    if let Some(Value::Object(retry)) = filter_properties.get_mut("retry") {
        retry.insert("exc".to_owned(), lines.into());
    }
}

/// Types of this room have string keys only, so that serialising them cannot fail.
pub(super) fn to_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

pub(super) fn object(value: &impl Serialize) -> Map<String, Value> {
    match to_value(value) {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
