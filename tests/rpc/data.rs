//! Reads the captured messages under `tests/data`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "json") {
            found.push(path);
        }
    }
}

/// One message captured from a real Cinder.
pub(super) struct Sample {
    /// `RELEASE/FILE#N`, to name it in failures.
    pub(super) name: String,
    /// `to-volume`, `reply`, `notification`, ...
    pub(super) kind: String,
    /// Method or event; for replies `TARGET-METHOD`.
    pub(super) method: String,
    /// Cinder release.
    pub(super) release: String,
    /// Member of the sample that holds exchange, routing keys and properties.
    pub(super) meta: Map<String, Value>,
    /// The message inside the envelope.
    pub(super) message: Map<String, Value>,
}

/// Every captured message.
pub(super) fn captures() -> Vec<Sample> {
    let mut paths = Vec::new();
    files(&root().join("captures"), &mut paths);
    let mut samples = Vec::new();
    for path in paths {
        let file = json(&path);
        let Some(list) = file.get("samples").and_then(Value::as_array) else {
            continue;
        };
        let text = |key: &str| file[key].as_str().unwrap().to_owned();
        for (n, sample) in list.iter().enumerate() {
            let name = path.file_name().unwrap().to_string_lossy();
            let mut meta = sample.as_object().unwrap().clone();
            let message = meta.remove("message").unwrap();
            samples.push(Sample {
                name: format!("{}/{name}#{n}", text("release")),
                kind: text("kind"),
                method: text("method"),
                release: text("release"),
                meta,
                message: message.as_object().unwrap().clone(),
            });
        }
    }
    assert!(samples.len() > 500, "only {} samples", samples.len());
    samples
}

/// The table of contents of each release's captures, by release.
pub(super) fn indexes() -> Vec<(String, Value)> {
    let mut paths = Vec::new();
    files(&root().join("captures"), &mut paths);
    paths.retain(|path| path.ends_with("index.json"));
    assert!(paths.len() >= 2);
    let release = |path: &Path| {
        let dir = path.parent().unwrap().file_name().unwrap();
        dir.to_string_lossy().into_owned()
    };
    paths
        .iter()
        .map(|path| (release(path), json(path)))
        .collect()
}

/// Every file of one message under `wire-vectors`.
pub(super) fn vectors() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for version in ["14.0.3", "18.3.1"] {
        let mut paths = Vec::new();
        files(&root().join("wire-vectors").join(version), &mut paths);
        for path in paths {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            found.push((name, json(&path)));
        }
    }
    assert!(found.len() > 100, "only {} vectors", found.len());
    found
}

/// The cases of a file under `wire-vectors` that holds several.
pub(super) fn cases(file: &str) -> Vec<Value> {
    let file = json(&root().join("wire-vectors").join(file));
    file["cases"].as_array().unwrap().clone()
}

/// Members without those whose value is null.
pub(super) fn without_nulls(value: &Value) -> Map<String, Value> {
    let members = value.as_object().unwrap().iter();
    members
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
