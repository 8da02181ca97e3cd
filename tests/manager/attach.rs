//! Both attach flows: rows, replies, and what the array shows to whom.

use cinder_volume_xtremio::cli::call::Answer;
use cinder_volume_xtremio::config::Engine;
use serde_json::{Map, Value, json};

use crate::support::attachments::connector;
use crate::support::bodies::{Body, captured};
use crate::support::lab::{FC, ISCSI, Lab, LabBuilder};

const BOTH: [(&str, &str); 2] = [("xio", ISCSI), ("fab", FC)];

async fn both() -> Lab {
    LabBuilder::new(Engine::MySql)
        .backends(&BOTH)
        .option("cinder_release = 29")
        .start()
        .await
}

async fn refused(lab: &Lab, backend: &str, method: &str, args: Map<String, Value>, class: &str) {
    match lab.call(backend, method, args).await {
        Answer::Failure(failure) => assert!(failure.is_cinder(class), "{method}: {failure}"),
        other => panic!("{method}: {other:?}"),
    }
}

async fn end(lab: &Lab, backend: &str, volume: &str, attachment: &str) {
    let body = lab.delete_of(volume, backend, attachment);
    let answer = lab.call(backend, "attachment_delete", body.args()).await;
    assert!(matches!(answer, Answer::Result(Value::Null)), "{answer:?}");
    let gone = "deleted = true, attach_status = 'detached'";
    lab.set_attachment(attachment, gone).await;
}

#[tokio::test]
async fn an_attachment_lives_and_dies_on_both_protocols() {
    let lab = both().await;
    for (backend, group) in [("xio", "iqn.1993-08.org.debian:01:vm1"), ("fab", "vm1")] {
        let volume = lab.created(backend, 1).await;
        let attachment = lab.attachment(&volume, "reserved").await;
        let body = lab.update_of(&volume, backend, &attachment, "vm1");
        let reply = match lab.call(backend, "attachment_update", body.args()).await {
            Answer::Result(reply) => reply,
            other => panic!("{other:?}"),
        };
        assert_eq!(reply["attachment_id"], json!(attachment));
        assert_eq!(reply["access_mode"], "rw");
        assert_eq!(lab.seen_by(&volume).await, [group]);
        let row = lab.row(&volume).await;
        let states = (row.status.as_deref(), row.attach_status.as_deref());
        assert_eq!(states, (Some("attaching"), Some("attaching")));
        for (column, value) in [
            ("attach_status", "attaching"),
            ("attached_host", "vm1"),
            ("mountpoint", "na"),
            ("attach_mode", "rw"),
        ] {
            let found = lab.attachment_text(&attachment, column).await;
            assert_eq!(found.as_deref(), Some(value), "{column}");
        }
        let kept = lab.attachment_text(&attachment, "connector").await;
        let kept: Value = serde_json::from_str(&kept.expect("a connector")).expect("JSON");
        assert_eq!(kept, connector("vm1"));
        lab.complete(&volume, &attachment).await;
        end(&lab, backend, &volume, &attachment).await;
        assert!(lab.seen_by(&volume).await.is_empty());
        lab.set(&volume, "status = 'available', attach_status = 'detached'")
            .await;
        lab.delete(backend, &volume).await;
        lab.wait_status(&volume, "deleted").await;
    }
    lab.finish_with_array().await;
}

/// Keys and types are those that a real cinder-volume answered with.
#[tokio::test]
async fn replies_have_the_shape_of_pythons() {
    let lab = both().await;
    let volume = lab.created("xio", 1).await;
    let (_, reply) = lab.attach("xio", &volume, "vm1").await;
    let kinds = |reply: &Map<String, Value>| {
        let kind = |value: &Value| match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "text",
            Value::Array(_) => "list",
            Value::Object(_) => "dictionary",
        };
        let mut kinds: Vec<_> = reply.iter().map(|(k, v)| (k.clone(), kind(v))).collect();
        kinds.sort();
        kinds
    };
    let python = captured("reply-volume_attachment_update");
    let python = python["result"].as_object().expect("a dictionary");
    let of_type = |kinds: Vec<(String, &'static str)>| {
        // The captured volume's type has QoS of its own.
        let rest = kinds.into_iter().filter(|(key, _)| key != "qos_specs");
        rest.collect::<Vec<_>>()
    };
    assert_eq!(of_type(kinds(&reply)), of_type(kinds(python)));
    lab.finish_with_array().await;
}

#[tokio::test]
async fn attachments_of_one_host_share_a_mapping_until_the_last_has_gone() {
    let lab = both().await;
    for backend in ["xio", "fab"] {
        let volume = lab.created(backend, 1).await;
        lab.set(&volume, "multiattach = true").await;
        let (first, one) = lab.attach(backend, &volume, "vm1").await;
        let (second, two) = lab.attach(backend, &volume, "vm1").await;
        assert_eq!(one["target_lun"], two["target_lun"]);
        let (other, _) = lab.attach(backend, &volume, "vm2").await;
        assert_eq!(lab.seen_by(&volume).await.len(), 2);
        end(&lab, backend, &volume, &first).await;
        assert_eq!(lab.seen_by(&volume).await.len(), 2, "the second is there");
        end(&lab, backend, &volume, &second).await;
        assert_eq!(lab.seen_by(&volume).await.len(), 1, "the other host's");
        // Two ends at once, before the API has deleted either row: none may rely on the other.
        let (third, _) = lab.attach(backend, &volume, "vm2").await;
        let ends = [&other, &third].map(|id| lab.delete_of(&volume, backend, id).args());
        let [one, two] = ends;
        let (one, two) = tokio::join!(
            lab.call(backend, "attachment_delete", one),
            lab.call(backend, "attachment_delete", two)
        );
        for answer in [one, two] {
            assert!(matches!(answer, Answer::Result(Value::Null)), "{answer:?}");
        }
        assert!(lab.seen_by(&volume).await.is_empty(), "{backend}");
    }
    lab.finish_with_array().await;
}

#[tokio::test]
async fn what_cannot_be_attached_is_refused_with_cinders_classes() {
    let lab = both().await;
    let volume = lab.created("xio", 1).await;
    let attachment = lab.attachment(&volume, "reserved").await;
    let update = lab.update_of(&volume, "xio", &attachment, "vm1");
    let bare = update.clone().arg("connector", json!({"host": "vm1"}));
    refused(
        &lab,
        "xio",
        "attachment_update",
        bare.args(),
        "InvalidInput",
    )
    .await;
    let gone = update.clone().arg("attachment_id", json!(volume));
    let class = "VolumeAttachmentNotFound";
    refused(&lab, "xio", "attachment_update", gone.args(), class).await;
    // The array's volume is missing: 500 with the reason, and the attachment waits as before.
    lab.xms
        .delete(&format!("types/volumes?name={volume}"))
        .await;
    let class = "VolumeBackendAPIException";
    refused(&lab, "xio", "attachment_update", update.args(), class).await;
    let status = lab.attachment_text(&attachment, "attach_status").await;
    assert_eq!(status.as_deref(), Some("reserved"));
    let unknown = Body::of("terminate_connection").arg("connector", connector("vm1"));
    let class = "VolumeNotFound";
    refused(&lab, "xio", "terminate_connection", unknown.args(), class).await;
    // Nothing is mapped, the volume is not even there: nothing to do.
    let known = unknown.arg("volume_id", json!(volume));
    let answer = lab.call("xio", "terminate_connection", known.args()).await;
    assert!(matches!(answer, Answer::Result(Value::Null)), "{answer:?}");
    lab.finish_with_array().await;
}

#[tokio::test]
async fn the_old_flow_keeps_its_rows() {
    let lab = both().await;
    let pool = "ctl1@xio#xio";
    let volume = lab.created("xio", 1).await;
    lab.set(&volume, "status = 'attaching'").await;
    let attach = Body::of("attach_volume")
        .on_volume("/args/volume", &volume, pool)
        .arg("volume_id", json!(volume))
        .arg("mode", json!("rw"));
    let bad = attach
        .clone()
        .again()
        .arg("instance_uuid", json!("no uuid"));
    refused(&lab, "xio", "attach_volume", bad.args(), "InvalidUUID").await;
    let reply = match lab.call("xio", "attach_volume", attach.args()).await {
        Answer::Result(reply) => reply["versioned_object.data"].clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(reply["attach_status"], "attached");
    let id = reply["id"].as_str().expect("an id").to_owned();
    let row = lab.row(&volume).await;
    let states = (row.status.as_deref(), row.attach_status.as_deref());
    assert_eq!(states, (Some("in-use"), Some("attached")));
    let other = attach.clone().again();
    let other = other.arg(
        "instance_uuid",
        json!("22222222-2222-4333-8444-555555555555"),
    );
    refused(&lab, "xio", "attach_volume", other.args(), "InvalidVolume").await;
    lab.set(&volume, "status = 'detaching'").await;
    let detach = Body::of("detach_volume")
        .on_volume("/args/volume", &volume, pool)
        .arg("volume_id", json!(volume))
        .arg("attachment_id", json!(id));
    let answer = lab.call("xio", "detach_volume", detach.args()).await;
    assert!(matches!(answer, Answer::Result(Value::Null)), "{answer:?}");
    let row = lab.row(&volume).await;
    let states = (row.status.as_deref(), row.attach_status.as_deref());
    assert_eq!(states, (Some("available"), Some("detached")));
    lab.finish_with_array().await;
}
