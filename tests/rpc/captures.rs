//! Every message captured from a real Cinder.

use cinder_volume_xtremio::rpc::object;
use cinder_volume_xtremio::rpc::{Message, Registry, RequestContext, Version};
use serde_json::{Map, Value, json};

use super::data::{captures, indexes, without_nulls};

fn registry(release: &str) -> Registry {
    let minor = match release {
        "21.3.2" => 18,
        "25.3.1" => 19,
        "29.0.0" => 20,
        other => panic!("which API has {other}?"),
    };
    Registry::new(Version::new(3, minor), false)
}

#[test]
fn every_request_to_the_volume_service_becomes_a_command_and_back() {
    let mut methods = std::collections::BTreeSet::new();
    for sample in captures() {
        if !matches!(sample.kind.as_str(), "to-volume" | "fanout-volume") {
            continue;
        }
        let message = Message::from_wire(sample.message.clone());
        let command = registry(&sample.release)
            .dispatch(&message)
            .unwrap_or_else(|failure| panic!("{}: {failure}", sample.name));
        assert_eq!(command.method(), sample.method, "{}", sample.name);
        assert_eq!(
            without_nulls(&command.args()),
            without_nulls(&sample.message["args"]),
            "{}",
            sample.name
        );
        assert!(!command.resources().is_empty(), "{}", sample.name);
        methods.insert(command.method());
    }
    assert!(methods.len() >= 35, "only {methods:?}");
}

#[test]
fn every_object_of_every_message_is_written_as_it_came() {
    let mut objects = 0;
    for sample in captures() {
        let message = Value::Object(sample.message.clone());
        objects += message.to_string().matches("versioned_object.name").count();
        let again = object::check_all(message.clone())
            .unwrap_or_else(|failure| panic!("{}: {failure}", sample.name));
        assert_eq!(again, message, "{}", sample.name);
    }
    assert!(objects > 500, "only {objects} objects");
}

#[test]
fn every_context_is_written_as_it_came() {
    let mut contexts = 0;
    for sample in captures() {
        let wire: Map<String, Value> = sample
            .message
            .iter()
            .filter(|(key, _)| key.starts_with("_context_"))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if wire.is_empty() {
            continue;
        }
        let context: RequestContext = Message::from_wire(sample.message).request_context();
        assert_eq!(context.to_wire(), wire, "{}", sample.name);
        contexts += 1;
    }
    assert!(contexts > 300, "only {contexts} contexts");
}

#[test]
fn every_file_of_the_index_was_read() {
    let samples = captures();
    for (release, index) in indexes() {
        for file in index["files"].as_array().unwrap() {
            let name = format!("{release}/{}#", file["file"].as_str().unwrap());
            let read = samples
                .iter()
                .filter(|sample| sample.name.starts_with(&name));
            assert_eq!(json!(read.count()), file["samples"], "{name}");
        }
    }
}
