//! A volume's life: create to available, delete to nothing, and the same twice.

use std::collections::BTreeSet;

use cinder_volume_xtremio::config::Engine;
use serde_json::Value;

use crate::support::bodies::{Body, captured};
use crate::support::lab::{FC, ISCSI, Lab, LabBuilder};

const BOTH: [(&str, &str); 2] = [("xio", ISCSI), ("xfc", FC)];

/// An event is as Cinder's own: the same members, the same publisher.
fn assert_like_captured(event: &Value, kind: &str, publisher: &str) {
    let keys = |value: &Value| -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let model = Value::Object(captured(&format!("notification-{kind}")));
    assert_eq!(keys(event), keys(&model), "{kind}");
    assert_eq!(keys(&event["payload"]), keys(&model["payload"]), "{kind}");
    assert_eq!(event["publisher_id"], publisher, "{kind}");
    assert_eq!(event["priority"], "INFO");
    let lengths = |m: &Value| {
        ["created_at", "launched_at"].map(|key| m["payload"][key].as_str().unwrap().len())
    };
    assert_eq!(lengths(event)[0], lengths(&model)[0], "{kind}: created_at");
}

async fn life(lab: &Lab, backend: &str) {
    let (pool, host) = (format!("ctl1@{backend}#{backend}"), lab.host(backend));
    let before = lab.usage().await;
    let id = lab.creating(backend, 3).await;
    lab.cast(backend, &Body::create(&id, &pool, 3)).await;
    let row = lab.wait_status(&id, "available").await;
    assert!(row.launched_at.is_some());
    assert_eq!(row.shared_targets, Some(backend == "xio"));
    let uuid = lab
        .db
        .text("uuid", &format!("FROM services WHERE host = '{host}'"))
        .await;
    assert_eq!(row.service_uuid, uuid);
    assert!(row.service_uuid.is_some());
    assert_eq!(row.host.as_deref(), Some(pool.as_str()));
    assert_eq!(
        (row.size, row.attach_status.as_deref()),
        (Some(3), Some("detached"))
    );

    let start = lab.event(&id, "volume.create.start").await;
    assert_like_captured(&start, "volume.create.start", &format!("volume.{pool}"));
    let end = lab.event(&id, "volume.create.end").await;
    assert_like_captured(&end, "volume.create.end", &format!("volume.{pool}"));
    assert_eq!(end["payload"]["status"], "available");
    assert_eq!(end["payload"]["size"], 3);
    let worker = format!("FROM workers WHERE resource_id = '{id}'");
    lab.wait_count(&worker, 0).await;
    let volume = lab.xms.content(&format!("types/volumes?name={id}")).await;
    assert_eq!(volume["vol-size"], (3 * 1024 * 1024).to_string());

    lab.delete(backend, &id).await;
    let row = lab.wait_status(&id, "deleted").await;
    assert!(row.deleted == Some(true) && row.deleted_at.is_some());
    assert_eq!(lab.usage().await, before);
    let start = lab.event(&id, "volume.delete.start").await;
    assert_like_captured(&start, "volume.delete.start", &format!("volume.{host}"));
    assert_eq!(start["payload"]["status"], "deleting");
    let end = lab.event(&id, "volume.delete.end").await;
    assert_like_captured(&end, "volume.delete.end", &format!("volume.{host}"));
    assert_eq!(end["payload"]["status"], "deleted");
    assert!(!lab.array().contains(&id));
    lab.wait_count(&worker, 0).await;
}

#[tokio::test]
async fn a_volume_lives_and_dies_on_both_protocols() {
    let lab = LabBuilder::new(Engine::MySql).backends(&BOTH).start().await;
    life(&lab, "xio").await;
    life(&lab, "xfc").await;
    lab.finish().await;
}

#[tokio::test]
async fn a_volume_lives_and_dies_on_sqlite() {
    let lab = LabBuilder::new(Engine::Sqlite).start().await;
    life(&lab, "xio").await;
    lab.finish().await;
}

#[tokio::test]
async fn a_volume_lives_and_dies_on_postgresql() {
    let lab = LabBuilder::new(Engine::Postgres).start().await;
    life(&lab, "xio").await;
    lab.finish().await;
}

/// Sent again by a client that lost the confirmation, and sent anew: the end is the same.
#[tokio::test]
async fn repeats_change_nothing() {
    let mut lab = LabBuilder::new(Engine::MySql).start().await;
    let other = lab.created("xio", 2).await;
    let one_volume = lab.usage().await;

    let id = lab.creating("xio", 1).await;
    let create = Body::create(&id, "ctl1@xio#xio", 1);
    lab.casts("xio", &[create.clone(), create.clone()]).await;
    let row = lab.wait_status(&id, "available").await;
    lab.casts("xio", &[create.clone(), create.again()]).await;
    let worker = lab.worker();
    worker.says_times("repeat of a message", 2).await;
    worker.says("create_volume has nothing to do").await;
    assert_eq!(row, lab.row(&id).await);
    assert_eq!(lab.array().len(), 2);

    let delete = lab.delete("xio", &id).await;
    lab.cast("xio", &delete).await;
    let gone = lab.wait_status(&id, "deleted").await;
    let late = [delete.clone(), delete.again(), create.again()];
    lab.casts("xio", &late).await;
    let worker = lab.worker();
    worker.says_times("repeat of a message", 4).await;
    worker.says("volume is gone already").await;
    worker.says("command failed").await;
    assert_eq!(lab.usage().await, one_volume);
    assert_eq!(lab.array(), std::slice::from_ref(&other));
    assert_eq!(gone, lab.row(&id).await);

    lab.delete("xio", &other).await;
    lab.wait_status(&other, "deleted").await;
    assert_eq!(lab.usage().await, [(0, 0); 4]);
    lab.finish().await;
}
