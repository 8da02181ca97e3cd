//! The files under `schemas/` equal what the types say, and the captured traffic fits them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cinder_volume_xtremio::rpc::schema;
use serde_json::Value;

use super::data::{captures, vectors};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

#[test]
fn schema_files_equal_the_types() {
    let update = std::env::var_os("UPDATE_SCHEMAS").is_some();
    let schemas = schema::all();
    for (name, schema) in &schemas {
        let path = root().join(name);
        let text = serde_json::to_string_pretty(schema).unwrap() + "\n";
        if update {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            continue;
        }
        let file = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            file == text,
            "schemas/{name} is out of date: run the test with UPDATE_SCHEMAS=1"
        );
    }
    let mut files = 0;
    for dir in ["", "commands", "replies", "reports", "notifications"] {
        for entry in fs::read_dir(root().join(dir)).unwrap() {
            files += usize::from(entry.unwrap().path().is_file());
        }
    }
    assert_eq!(files, schemas.len(), "a file under schemas/ has no type");
}

struct Schemas(BTreeMap<String, jsonschema::Validator>);

impl Schemas {
    fn new() -> Self {
        let validators = schema::all().into_iter().map(|(name, schema)| {
            let validator = jsonschema::validator_for(&schema);
            let validator = validator.unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, validator)
        });
        Self(validators.collect())
    }

    fn check(&self, schema: &str, value: &Value, what: &str) {
        let schema = self.0.get(schema).unwrap_or_else(|| panic!("no {schema}"));
        if let Err(error) = schema.validate(value) {
            panic!("{what}: {error} at {}", error.instance_path());
        }
    }
}

#[test]
fn captured_traffic_fits_the_schemas() {
    let schemas = Schemas::new();
    let mut replies = 0;
    for sample in captures() {
        let message = Value::Object(sample.message.clone());
        let what = &sample.name;
        if message.get("_context_user_id").is_some() {
            schemas.check("context.json", &message, what);
        }
        match sample.kind.as_str() {
            "to-volume" | "fanout-volume" => {
                schemas.check("request.json", &message, what);
                let schema = format!("commands/{}.json", sample.method);
                schemas.check(&schema, &message["args"], what);
            }
            "fanout-scheduler" | "to-scheduler" if sample.method.ends_with("_capabilities") => {
                let schema = format!("reports/{}.json", sample.method);
                schemas.check(&schema, &message["args"], what);
            }
            "notification" => {
                schemas.check("notification.json", &message, what);
                let service = sample.method.split('.').next().unwrap();
                if matches!(service, "volume" | "snapshot") {
                    let schema = format!("notifications/{service}.json");
                    schemas.check(&schema, &message["payload"], what);
                }
            }
            "reply" => {
                let method = sample.method.strip_prefix("volume-");
                if let (Some(method), Value::Null) = (method, &message["failure"]) {
                    let schema = format!("replies/{method}.json");
                    schemas.check(&schema, &message["result"], what);
                    replies += 1;
                } else if !message["failure"].is_null() {
                    schemas.check("failure.json", &message["failure"], what);
                }
            }
            _ => {}
        }
    }
    assert!(replies > 20, "only {replies}");
}

#[test]
fn golden_bodies_fit_the_schemas() {
    let schemas = Schemas::new();
    for (name, file) in vectors() {
        let body: Value = match serde_json::from_str(file["body"].as_str().unwrap()) {
            Ok(body) => body,
            Err(error) => panic!("{name}: {error}"),
        };
        if body.get("oslo.version").is_none() {
            continue; // the notifications without envelope
        }
        schemas.check("envelope.json", &body, &name);
        let text = body["oslo.message"].as_str().unwrap();
        let Ok(message) = serde_json::from_str(text) else {
            continue; // holds NaN, which no JSON Schema describes
        };
        let kind = file["kind"].as_str().unwrap();
        let schema = kind.split('-').next().unwrap();
        schemas.check(&format!("{schema}.json"), &message, &name);
        let failure = message.get("failure").and_then(Value::as_str);
        if let Some(text) = failure {
            schemas.check("failure.json", &serde_json::from_str(text).unwrap(), &name);
        }
    }
}

#[test]
fn schemas_refuse_what_does_not_fit() {
    let schemas = Schemas::new();
    let refuses = |name: &str, value: Value| !schemas.0[name].is_valid(&value);
    let capabilities = serde_json::json!({"discover": true, "wrong": 1});
    assert!(refuses("commands/get_capabilities.json", capabilities));
    assert!(refuses(
        "commands/delete_volume.json",
        serde_json::json!({})
    ));
    let snapshot = serde_json::json!({"volume": {
        "versioned_object.name": "Snapshot", "versioned_object.namespace": "cinder",
        "versioned_object.version": "1.6", "versioned_object.data": {"id": "x"},
    }});
    assert!(refuses("commands/delete_volume.json", snapshot));
}
