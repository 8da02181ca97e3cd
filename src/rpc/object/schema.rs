//! JSON Schemas of objects, from the same tables that decode them.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::{Field, Kind, NAMESPACE, Spec};

/// Schema of an object's envelope and data.
pub(crate) fn of(spec: &'static Spec, generator: &mut SchemaGenerator) -> Schema {
    let properties: Map<String, Value> = spec
        .fields
        .iter()
        .map(|field| (field.name.to_owned(), property(field, generator)))
        .collect();
    let keys = spec.fields.iter().filter(|field| field.key);
    let required: Vec<&str> = keys.map(|field| field.name).collect();
    json_schema!({
        "type": "object",
        "properties": {
            "versioned_object.name": {"const": spec.name},
            "versioned_object.namespace": {"const": NAMESPACE},
            "versioned_object.version": {
                "type": "string",
                "pattern": format!(r"^{}\.[0-9]+(\.[0-9]+)?$", spec.version.major),
            },
            "versioned_object.data": {
                "type": "object",
                "properties": properties,
                "required": required,
            },
            "versioned_object.changes": {"type": "array", "items": {"type": "string"}},
        },
        "required": [
            "versioned_object.name",
            "versioned_object.namespace",
            "versioned_object.version",
            "versioned_object.data",
        ],
        "additionalProperties": false,
    })
}

fn property(field: &Field, generator: &mut SchemaGenerator) -> Value {
    let schema = match field.kind {
        Kind::Text | Kind::Uuid => json!({"type": "string"}),
        Kind::Int => json!({"type": "integer"}),
        Kind::Bool | Kind::BoolOrTrue => json!({"type": "boolean"}),
        Kind::Time => json!({
            "type": "string",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        }),
        Kind::Enum(words) => json!({"enum": words}),
        Kind::Strings => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        Kind::NullableStrings => {
            json!({"type": "object", "additionalProperties": {"type": ["string", "null"]}})
        }
        Kind::Any => json!({"type": "object"}),
        Kind::List => json!({"type": "array", "items": {"type": "string"}}),
        Kind::Object(spec) => (spec().schema)(generator).to_value(),
        Kind::Objects(spec) => {
            json!({"type": "array", "items": (spec().schema)(generator)})
        }
    };
    if field.nullable {
        json!({"anyOf": [schema, {"type": "null"}]})
    } else {
        schema
    }
}
