//! Requests as a real Cinder sends them: the captures, with names and ids of the test's own.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Project of every volume of a lab.
pub(crate) const PROJECT: &str = "p1";
/// Volume type of every volume of a lab.
pub(crate) const TYPE: &str = "type-1";

/// A request to a volume host: the message without its envelope.
#[derive(Debug, Clone)]
pub(crate) struct Body(pub(crate) Map<String, Value>);

/// The first captured message whose file name ends so, e.g. `to-volume-create_volume`.
pub(crate) fn captured(name: &str) -> Map<String, Value> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures/29.0.0");
    let ending = format!("-{name}.json");
    let found = fs::read_dir(dir).unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        name.ends_with(&ending).then_some(path)
    });
    let path = found.unwrap_or_else(|| panic!("no capture {name}"));
    let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    file["samples"][0]["message"].as_object().unwrap().clone()
}

impl Body {
    /// A captured request to a volume host, with ids of its own as a message.
    pub(crate) fn of(method: &str) -> Self {
        Self(captured(&format!("to-volume-{method}"))).again()
    }

    /// The same request as another message.
    pub(crate) fn again(&self) -> Self {
        let mut body = self.clone();
        body.0["_unique_id"] = json!(Uuid::new_v4().simple().to_string());
        body.0["_context_request_id"] = json!(format!("req-{}", Uuid::new_v4()));
        body
    }

    /// `create_volume` as the scheduler sends it, with the retry record it adds.
    pub(crate) fn create(id: &str, host: &str, size: i32) -> Self {
        let body = Self::of("create_volume");
        let mut body = body.on_volume("/args/volume", id, host);
        set_all(&mut body, "size", &json!(size));
        set_all(&mut body, "group_id", &Value::Null);
        body
    }

    /// `delete_volume` as the API sends it.
    pub(crate) fn delete(id: &str, host: &str) -> Self {
        Self::of("delete_volume").on_volume("/args/volume", id, host)
    }

    /// The same request for another volume: id, host, project and type are exchanged wherever
    /// they stand. `at` points to the volume object.
    pub(crate) fn on_volume(self, at: &str, id: &str, host: &str) -> Self {
        let data = format!("{at}/versioned_object.data");
        let text = |key: &str| self.at(&format!("{data}/{key}")).map(str::to_owned);
        let exchanges = [
            (text("id"), id),
            (text("host"), host),
            (text("project_id"), PROJECT),
            (text("volume_type_id"), TYPE),
        ];
        let mut body = self;
        for (from, to) in exchanges {
            body = body.exchange(&from.expect("a captured volume"), to);
        }
        body
    }

    /// The same request for another snapshot of another volume.
    pub(crate) fn on_snapshot(self, id: &str, volume: &str) -> Self {
        let data = "/args/snapshot/versioned_object.data";
        let text = |key: &str| self.at(&format!("{data}/{key}")).map(str::to_owned);
        let exchanges = [
            (text("id"), id),
            (text("volume_id"), volume),
            (text("project_id"), PROJECT),
            (text("volume_type_id"), TYPE),
        ];
        let mut body = self;
        for (from, to) in exchanges {
            body = body.exchange(&from.expect("a captured snapshot"), to);
        }
        body
    }

    /// Sets a key wherever it stands in the arguments.
    pub(crate) fn everywhere(mut self, key: &str, to: &Value) -> Self {
        set_all(&mut self, key, to);
        self
    }

    /// Every occurrence of a text becomes another.
    pub(crate) fn exchange(&self, from: &str, to: &str) -> Self {
        let text = serde_json::to_string(&self.0).unwrap().replace(from, to);
        Self(serde_json::from_str(&text).unwrap())
    }

    /// The text at a JSON pointer.
    pub(crate) fn at(&self, pointer: &str) -> Option<&str> {
        let (first, rest) = pointer.trim_start_matches('/').split_once('/')?;
        self.0.get(first)?.pointer(&format!("/{rest}"))?.as_str()
    }

    /// Sets one argument.
    pub(crate) fn arg(mut self, name: &str, value: Value) -> Self {
        self.0["args"][name] = value;
        self
    }

    /// Without the scheduler's retry record: no reschedule is allowed.
    pub(crate) fn without_retry(mut self) -> Self {
        let properties = self.0["args"]["filter_properties"].as_object_mut().unwrap();
        properties.remove("retry").expect("a retry record");
        self
    }

    /// `_unique_id`
    pub(crate) fn unique_id(&self) -> &str {
        self.0["_unique_id"].as_str().unwrap()
    }

    /// The arguments.
    pub(crate) fn args(&self) -> Map<String, Value> {
        self.0["args"].as_object().unwrap().clone()
    }

    /// The bytes on the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let message = serde_json::to_string(&self.0).unwrap();
        let envelope = json!({"oslo.version": "2.0", "oslo.message": message});
        envelope.to_string().into_bytes()
    }
}

fn set_all(body: &mut Body, key: &str, to: &Value) {
    fn walk(value: &mut Value, key: &str, to: &Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    if name == key {
                        *value = to.clone();
                    } else {
                        walk(value, key, to);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, key, to)),
            _ => {}
        }
    }
    walk(&mut body.0["args"], key, to);
}

/// The message inside an envelope.
pub(crate) fn opened(bytes: &[u8]) -> Value {
    let envelope: Value = serde_json::from_slice(bytes).expect("an envelope");
    let message = envelope["oslo.message"].as_str().expect("oslo.message");
    serde_json::from_str(message).expect("a message")
}
