//! Whatever arrives, the worker goes on serving.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cinder_volume_xtremio::cli::call::Answer;
use cinder_volume_xtremio::config::Engine;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, LongString};
use serde_json::{Map, Value, json};

use crate::support::bodies::{Body, opened};
use crate::support::lab::{Lab, LabBuilder};
use crate::support::messaging;
use crate::support::worker::eventually;

/// The recorded cases of one oslo.messaging release.
fn cases(release: &str) -> Vec<Value> {
    let name = format!("tests/data/wire-vectors/malformed-{release}.json");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    file["cases"].as_array().unwrap().clone()
}

fn properties(case: &Value) -> BasicProperties {
    let text = |key: &str| case["properties"][key].as_str().map(str::to_owned);
    let mut properties = BasicProperties::default();
    if let Some(kind) = text("content_type") {
        properties = properties.with_content_type(kind.into());
    }
    if let Some(encoding) = text("content_encoding") {
        properties = properties.with_content_encoding(encoding.into());
    }
    let mut headers = FieldTable::default();
    for (key, value) in case["headers"].as_object().unwrap() {
        let value = LongString::from(value.as_str().unwrap());
        headers.insert(key.as_str().into(), AMQPValue::LongString(value));
    }
    properties.with_headers(headers)
}

fn bytes(case: &Value) -> Vec<u8> {
    match case["body"].as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => STANDARD
            .decode(case["body_base64"].as_str().unwrap())
            .unwrap(),
    }
}

/// Class that the reply must name: the recorded one, or that there is no such method here; the
/// recorded server had a method `echo`.
fn classes(case: &Value) -> Option<Vec<String>> {
    let replies = case["observed_replies"].as_array().unwrap();
    let last = replies.last()?.as_str().unwrap();
    let (_, failure) = last.split_once("failure=").unwrap();
    let mut classes = vec!["NoSuchMethod".to_owned()];
    if let Some((class, _)) = failure.split_once(": ") {
        classes.push(class.rsplit('.').next().unwrap().to_owned());
    }
    Some(classes)
}

async fn reply(lab: &Lab, queue: &str) -> Value {
    let message = eventually("a reply", async || lab.broker.get(queue).await).await;
    opened(&message.data)
}

#[tokio::test]
async fn every_recorded_malformed_body_is_answered_or_dropped() {
    let lab = LabBuilder::new(Engine::Sqlite).start().await;
    let mut answered = 0;
    for (release, replies) in [
        ("14.0.3", "reply_raw_46386c"),
        ("18.3.1", "reply_raw_1b0315"),
    ] {
        lab.queue_of(replies).await;
        let cases = cases(release);
        assert!(cases.len() > 40);
        for case in cases {
            let name = format!("{release} {}", case["case"]);
            let sent = lab
                .broker
                .publish(
                    "openstack",
                    &lab.queue("xio"),
                    properties(&case),
                    &bytes(&case),
                )
                .await;
            assert!(sent, "{name}");
            let Some(classes) = classes(&case) else {
                continue;
            };
            let reply = reply(&lab, replies).await;
            let failure = reply["failure"]
                .as_str()
                .unwrap_or_else(|| panic!("{name}: {reply}"));
            let failure: Value = serde_json::from_str(failure).unwrap();
            let class = failure["class"].as_str().unwrap();
            assert!(classes.iter().any(|c| c == class), "{name}: {failure}");
            assert_eq!(reply["ending"], true, "{name}");
            answered += 1;
        }
        lab.still_answers("xio").await;
        assert_eq!(lab.ready(replies).await, 0);
    }
    assert!(answered > 40, "only {answered} answered");
    lab.finish().await;
}

async fn failure(lab: &Lab, method: &str, args: Map<String, Value>) -> (String, String) {
    match lab.call("xio", method, args).await {
        Answer::Failure(failure) => (failure.class.clone(), failure.message.clone()),
        other => panic!("{method}: {other:?}"),
    }
}

#[tokio::test]
async fn odd_objects_unknown_methods_and_huge_bodies_do_no_harm() {
    let mut lab = LabBuilder::new(Engine::Sqlite).start().await;
    let volume = Body::of("delete_volume");
    for version in ["2.0", "1.99"] {
        let mut args = volume.args();
        args["volume"]["versioned_object.version"] = json!(version);
        let (class, message) = failure(&lab, "delete_volume", args).await;
        assert_eq!(class, "IncompatibleObjectVersion", "{message}");
        assert!(message.contains(version), "{message}");
    }
    let mut args = volume.args();
    args["volume"]["versioned_object.name"] = json!("Nonsense");
    let (class, message) = failure(&lab, "delete_volume", args).await;
    assert_eq!(class, "UnsupportedObjectError", "{message}");

    for method in [
        "no_such_method",
        "init_host",
        "__class__",
        "_set_voldb_empty_at_startup_indicator",
    ] {
        let (class, _) = failure(&lab, method, Map::new()).await;
        assert_eq!(class, "NoSuchMethod", "{method}");
    }
    let (class, message) = failure(&lab, "get_capabilities", Map::new()).await;
    assert_eq!(class, "TypeError", "{message}");

    let huge = "x".repeat(10 << 20);
    let mut args = Map::new();
    args.insert("discover".into(), json!(huge));
    let (class, message) = failure(&lab, "get_capabilities", args).await;
    assert_eq!(class, "TypeError");
    assert!(
        message.len() < 10_000,
        "the value is not sent back: {}",
        message.len()
    );
    let sent = lab
        .broker
        .publish(
            "openstack",
            &lab.queue("xio"),
            messaging::properties(),
            huge.as_bytes(),
        )
        .await;
    assert!(sent);
    lab.worker()
        .says("message cannot be read and is dropped")
        .await;
    lab.still_answers("xio").await;
    assert!(lab.worker().log().len() < 1 << 20, "bodies are not logged");
    lab.finish().await;
}
