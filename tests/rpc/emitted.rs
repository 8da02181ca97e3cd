//! What we send, built from the values of captured messages, equals what Python sent.

use cinder_volume_xtremio::rpc::notification::{
    self, Notification, SnapshotUsage, VolumeUsage, metadata_text,
};
use cinder_volume_xtremio::rpc::object::{Backup, BackupDeviceInfo, RequestSpec, Volume};
use cinder_volume_xtremio::rpc::registry::METHODS;
use cinder_volume_xtremio::rpc::{
    CinderException, Failure, Message, Opaque, Reply, Request, Target, Version, backup, scheduler,
    time,
};
use serde_json::{Map, Value};

use super::data::{Sample, captures};

fn of_kind(kinds: &[&str], method: &str) -> Vec<Sample> {
    let mut samples = captures();
    samples.retain(|sample| kinds.contains(&sample.kind.as_str()) && sample.method == method);
    assert!(samples.len() >= 2, "{method}");
    samples
}

fn args<T: serde::de::DeserializeOwned>(sample: &Sample, name: &str) -> T {
    serde_json::from_value(sample.message["args"][name].clone()).unwrap()
}

fn unique(sample: &Sample) -> &str {
    sample.message["_unique_id"].as_str().unwrap()
}

fn same(built: &Request, sample: &Sample) {
    assert_eq!(built.to_wire(), sample.message, "{}", sample.name);
    let exchange = built.target.exchange("openstack");
    assert_eq!(sample.meta["exchange"], exchange, "{}", sample.name);
    let key = built.target.routing_key();
    assert_eq!(sample.meta["routing_keys"][0], key, "{}", sample.name);
}

fn context(sample: &Sample) -> cinder_volume_xtremio::rpc::RequestContext {
    Message::from_wire(sample.message.clone()).request_context()
}

#[test]
fn capability_reports() {
    for sample in of_kind(&["fanout-scheduler"], "update_service_capabilities") {
        let timestamp: String = args(&sample, "timestamp");
        let host: String = args(&sample, "host");
        let built = scheduler::update_service_capabilities(
            context(&sample),
            &host,
            None,
            args::<Opaque>(&sample, "capabilities"),
            time::parse(&timestamp).unwrap(),
            unique(&sample),
        );
        same(&built, &sample);
    }
    for sample in of_kind(&["to-scheduler"], "notify_service_capabilities") {
        let timestamp: String = args(&sample, "timestamp");
        let backend: String = args(&sample, "backend");
        let built = scheduler::notify_service_capabilities(
            context(&sample),
            &backend,
            args::<Opaque>(&sample, "capabilities"),
            time::parse(&timestamp).unwrap(),
            unique(&sample),
        );
        same(&built, &sample);
    }
}

#[test]
fn rescheduling_keeps_the_schedulers_notes() {
    let mut notes: Opaque = serde_json::from_value(serde_json::json!({
        "retry": {"num_attempts": 1, "backends": ["h@b#p"]}, "user_id": "u",
    }))
    .unwrap();
    assert!(scheduler::may_retry(&notes) && !scheduler::may_retry(&Opaque::default()));
    scheduler::note_failure(&mut notes, vec!["Traceback".into()]);
    let retry = serde_json::json!({
        "num_attempts": 1, "backends": ["h@b#p"], "exc": ["Traceback"],
    });
    assert_eq!(notes.get("retry"), Some(&retry));
}

/// The periodic report's context has every entry Python's has, with the same values.
#[test]
fn the_context_of_a_service_is_pythons() {
    for sample in of_kind(&["fanout-scheduler"], "update_service_capabilities") {
        let message = &sample.message;
        let ours = cinder_volume_xtremio::rpc::RequestContext::for_service(
            message["_context_request_id"].as_str().unwrap(),
            time::parse(message["_context_timestamp"].as_str().unwrap()).unwrap(),
        );
        assert_eq!(
            ours.to_wire(),
            context(&sample).to_wire(),
            "{}",
            sample.name
        );
    }
}

#[test]
fn creates_that_go_back_to_the_scheduler() {
    for sample in of_kind(&["to-scheduler"], "create_volume") {
        let mut expected = sample.message.clone();
        for source in ["snapshot_id", "image_id", "backup_id"] {
            expected["args"][source] = Value::Null;
        }
        let built = scheduler::create_volume(
            context(&sample),
            &args::<Volume>(&sample, "volume"),
            &args::<RequestSpec>(&sample, "request_spec"),
            &args::<Opaque>(&sample, "filter_properties"),
            unique(&sample),
        );
        assert_eq!(built.to_wire(), expected, "{}", sample.name);
        assert_eq!(sample.meta["routing_keys"][0], built.target.routing_key());
    }
}

#[test]
fn casts_to_the_backup_service() {
    for sample in of_kind(&["to-backup"], "continue_backup") {
        let built = backup::continue_backup(
            context(&sample),
            &args::<Backup>(&sample, "backup"),
            &args::<BackupDeviceInfo>(&sample, "backup_device"),
            unique(&sample),
        );
        same(&built, &sample);
    }
    for sample in of_kind(&["to-backup"], "restore_backup") {
        let id: String = args(&sample, "volume_id");
        let new = sample.message["args"].get("volume_is_new");
        let built = backup::restore_backup(
            context(&sample),
            &args::<Backup>(&sample, "backup"),
            &id,
            new.and_then(Value::as_bool),
            unique(&sample),
        );
        same(&built, &sample);
    }
}

/// The test publisher's requests: version stamps and addresses as clients choose them.
#[test]
fn requests_to_the_volume_service() {
    let mut addressed = 0;
    for sample in captures() {
        if sample.kind != "to-volume" {
            continue;
        }
        let info = METHODS.iter().find(|info| info.name == sample.method);
        let info = info.unwrap_or_else(|| panic!("{}", sample.name));
        if sample.release == "29.0.0" {
            let sent = &sample.message["version"];
            assert_eq!(*sent, info.sent.to_string(), "{}", sample.name);
        }
        let key = sample.meta["routing_keys"][0].as_str().unwrap();
        let host = key.strip_prefix("cinder-volume.").unwrap();
        let host = host.rsplit_once('.').unwrap().0;
        let target = Target::volume(&format!("{host}#pool"));
        assert_eq!(target.routing_key(), key, "{}", sample.name);
        addressed += 1;
    }
    assert!(addressed > 100);
}

#[test]
fn replies_and_their_failures() {
    let mut failures = 0;
    for sample in captures() {
        if sample.kind != "reply" {
            continue;
        }
        let message = &sample.message;
        let (id, unique) = (message["_msg_id"].as_str().unwrap(), unique(&sample));
        let built = match &message["failure"] {
            Value::Null => Reply::new(id, unique, Ok(message["result"].clone())),
            failure => {
                let expected: Failure = serde_json::from_value(failure.clone()).unwrap();
                let made: Failure = match expected.class.as_str() {
                    "InvalidInput" => CinderException::InvalidInput {
                        reason: expected.kwargs["reason"].as_str().unwrap().into(),
                    }
                    .into(),
                    class => {
                        assert_eq!(expected.module, "builtins", "{}", sample.name);
                        Failure::builtin(class, expected.message.clone())
                    }
                };
                let tb = expected.tb.clone();
                let shown = Failure { tb, ..made.clone() };
                assert_eq!(shown, expected, "{}", sample.name);
                failures += 1;
                Reply::new(id, unique, Err(&made))
            }
        };
        let mut wire: Map<String, Value> = serde_json::to_value(&built)
            .unwrap()
            .as_object()
            .unwrap()
            .clone();
        assert_eq!(wire["failure"].is_null(), message["failure"].is_null());
        wire.insert("failure".into(), message["failure"].clone());
        assert_eq!(wire, *message, "{}", sample.name);
    }
    assert!(failures >= 4, "only {failures}");
}

/// Replies decode as the reply types of their methods and are written back the same.
#[test]
fn results_fit_the_reply_types() {
    use cinder_volume_xtremio::rpc::commands::{self, Method};
    fn again<M: Method>(result: &Value) -> Value
    where
        M::Reply: serde::de::DeserializeOwned,
    {
        let reply: M::Reply = serde_json::from_value(result.clone()).unwrap();
        serde_json::to_value(reply).unwrap()
    }
    let mut seen = 0;
    for sample in captures() {
        let Some(method) = sample.method.strip_prefix("volume-") else {
            continue;
        };
        if sample.kind != "reply" || !sample.message["failure"].is_null() {
            continue;
        }
        let result = &sample.message["result"];
        let written = match method {
            "accept_transfer" => again::<commands::AcceptTransfer>(result),
            "attach_volume" => again::<commands::AttachVolume>(result),
            "attachment_delete" => again::<commands::AttachmentDelete>(result),
            "attachment_update" => again::<commands::AttachmentUpdate>(result),
            "detach_volume" => again::<commands::DetachVolume>(result),
            "freeze_host" => again::<commands::FreezeHost>(result),
            "get_capabilities" => again::<commands::GetCapabilities>(result),
            "get_log_levels" => again::<commands::GetLogLevels>(result),
            "initialize_connection" => again::<commands::InitializeConnection>(result),
            "remove_export" => again::<commands::RemoveExport>(result),
            "secure_file_operations_enabled" => {
                again::<commands::SecureFileOperationsEnabled>(result)
            }
            "terminate_connection" => again::<commands::TerminateConnection>(result),
            "thaw_host" => again::<commands::ThawHost>(result),
            "update_migrated_volume" => again::<commands::UpdateMigratedVolume>(result),
            other => panic!("no reply type for {other}"),
        };
        assert_eq!(written, *result, "{}", sample.name);
        seen += 1;
    }
    assert!(seen > 20, "only {seen}");
}

#[test]
fn notifications_and_their_payloads() {
    let (mut volumes, mut snapshots) = (0, 0);
    for sample in captures() {
        if sample.kind != "notification" {
            continue;
        }
        let message = &sample.message;
        let mut event: Notification = serde_json::from_value(message.clone().into()).unwrap();
        let payload: Value = serde_json::to_value(&event.payload).unwrap();
        match event.event_type.split('.').next().unwrap() {
            "volume" => {
                let usage: VolumeUsage = serde_json::from_value(payload).unwrap();
                event.payload = notification::payload(&usage);
                volumes += 1;
            }
            "snapshot" => {
                let usage: SnapshotUsage = serde_json::from_value(payload).unwrap();
                event.payload = notification::payload(&usage);
                snapshots += 1;
            }
            _ => {}
        }
        let sent = time::parse(message["timestamp"].as_str().unwrap()).unwrap();
        assert_eq!(time::notification(sent), event.timestamp, "{}", sample.name);
        let at = message["_context_timestamp"].as_str().unwrap();
        let wire = event.to_wire(&context(&sample), time::parse(at).unwrap());
        assert_eq!(wire, *message, "{}", sample.name);
        let key = event.priority.routing_key("notifications");
        assert_eq!(sample.meta["routing_keys"][0], key, "{}", sample.name);
    }
    assert!(volumes > 30 && snapshots > 10, "{volumes} {snapshots}");
}

/// A full context of a request, made fit for a notification, is what Python made of it.
#[test]
fn notifications_carry_a_redacted_context() {
    let samples = captures();
    let mut pairs = 0;
    for event in samples
        .iter()
        .filter(|sample| sample.kind == "notification")
    {
        let request = samples.iter().find(|sample| {
            sample.kind == "to-volume"
                && sample.release == event.release
                && sample.message["_context_request_id"] == event.message["_context_request_id"]
        });
        // The API's own events have the caller's rights, the volume service's are elevated.
        let Some(request) = request else { continue };
        let context = match event.message["_context_is_admin"] {
            Value::Bool(true) => context(request).elevated(),
            _ => context(request),
        };
        let at = event.message["_context_timestamp"].as_str().unwrap();
        let wire = context.redacted(time::parse(at).unwrap()).to_wire();
        for (key, value) in &wire {
            // 21 to 28 lose the domains of a context on receipt; 29 and we keep them.
            let domain = key.ends_with("_domain") || key.ends_with("_identity");
            if !(domain && event.release != "29.0.0") {
                assert_eq!(event.message[key], *value, "{} {key}", event.name);
            }
        }
        pairs += 1;
    }
    assert!(pairs >= 10, "only {pairs}");
}

#[test]
fn snapshot_metadata_is_shown_as_python_shows_it() {
    let metadata = [("a", "it's"), ("b", "x\\y")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    assert_eq!(metadata_text(&metadata), r#"{'a': "it's", 'b': 'x\\y'}"#);
    assert_eq!(metadata_text(&Default::default()), "");
}

#[test]
fn endpoints_of_older_releases_lack_what_came_later() {
    let since = |name: &str| METHODS.iter().find(|m| m.name == name).unwrap().since;
    assert_eq!(since("extend_volume_completion"), Version::new(3, 19));
    assert_eq!(METHODS.len(), 50);
}
