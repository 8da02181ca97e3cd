//! JSON Schemas of everything on the wire, generated from the types that read and write it.

use std::collections::BTreeMap;

use schemars::{Schema, json_schema, schema_for};
use serde_json::{Map, Value, json};

use super::envelope::Envelope;
use super::failure::Failure;
use super::notification::{Notification, SnapshotUsage, VolumeUsage};
use super::registry::{argument_schemas, reply_schemas};
use super::reply::Reply;
use super::request::RequestShape;
use super::scheduler::{NotifyServiceCapabilities, UpdateServiceCapabilities};

/// Every schema, by the name of its file below `schemas/`.
pub fn all() -> BTreeMap<String, Value> {
    let mut schemas: BTreeMap<String, Value> = [
        ("envelope", schema_for!(Envelope)),
        ("request", schema_for!(RequestShape)),
        ("context", context()),
        ("reply", schema_for!(Reply)),
        ("failure", schema_for!(Failure)),
        ("notification", schema_for!(Notification)),
        ("notifications/volume", schema_for!(VolumeUsage)),
        ("notifications/snapshot", schema_for!(SnapshotUsage)),
        (
            "reports/update_service_capabilities",
            schema_for!(UpdateServiceCapabilities),
        ),
        (
            "reports/notify_service_capabilities",
            schema_for!(NotifyServiceCapabilities),
        ),
    ]
    .into_iter()
    .map(|(name, schema)| (format!("{name}.json"), schema.to_value()))
    .collect();
    for (method, schema) in argument_schemas() {
        schemas.insert(format!("commands/{method}.json"), schema.to_value());
    }
    for (method, schema) in reply_schemas() {
        schemas.insert(format!("replies/{method}.json"), schema.to_value());
    }
    schemas
}

/// The `_context_*` members of a message.
fn context() -> Schema {
    const TEXTS: [&str; 18] = [
        "user",
        "user_id",
        "project",
        "project_id",
        "project_name",
        "domain",
        "domain_id",
        "user_domain",
        "project_domain",
        "system_scope",
        "auth_token",
        "global_request_id",
        "remote_address",
        "quota_class",
        "resource_uuid",
        "timestamp",
        "message_resource_id",
        "message_resource_type",
    ];
    const FLAGS: [&str; 3] = ["is_admin_project", "read_only", "show_deleted"];
    let mut properties = Map::new();
    let mut put = |name: &str, schema: Value| {
        properties.insert(format!("_context_{name}"), schema);
    };
    for name in TEXTS {
        put(name, json!({"type": ["string", "null"]}));
    }
    for name in FLAGS {
        put(name, json!({"type": "boolean"}));
    }
    put("is_admin", json!({"type": ["boolean", "null"]}));
    put("request_id", json!({"type": "string"}));
    put("user_identity", json!({"type": "string"}));
    put("read_deleted", json!({"enum": ["no", "yes", "only"]}));
    put(
        "roles",
        json!({"type": "array", "items": {"type": "string"}}),
    );
    put(
        "service_catalog",
        json!({"type": "array", "items": {"type": "object"}}),
    );
    put(
        "message_action",
        json!({
            "description": "a pair of id and text",
            "type": ["array", "null"],
            "items": {"type": "string"},
        }),
    );
    json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "RequestContext",
        "description": "The members of a message that carry its request context.",
        "type": "object",
        "required": properties.keys().collect::<Vec<_>>(),
        "properties": properties,
    })
}
