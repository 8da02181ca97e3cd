//! A snapshot's life, and its ends that are none.

use std::collections::BTreeSet;

use cinder_volume_xtremio::config::Engine;
use cinder_volume_xtremio::sim::{Fault, FaultAction, FaultMatch};
use serde_json::{Value, json};

use crate::support::bodies::{Body, captured};
use crate::support::lab::{FC, ISCSI, Lab, LabBuilder};

fn assert_like_captured(event: &Value, kind: &str, publisher: &str) {
    let model = Value::Object(captured(&format!("notification-{kind}")));
    let keys = |value: &Value| -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(keys(event), keys(&model), "{kind}");
    assert_eq!(keys(&event["payload"]), keys(&model["payload"]), "{kind}");
    assert_eq!(event["publisher_id"], publisher, "{kind}");
    for same in ["deleted", "metadata", "status"] {
        assert_eq!(event["payload"][same], model["payload"][same], "{kind}");
    }
    let length = |m: &Value| m["payload"]["created_at"].as_str().unwrap().len();
    assert_eq!(length(event), length(&model), "{kind}: created_at");
    assert_eq!(event["payload"]["availability_zone"], "nova");
    assert_eq!(event["payload"]["volume_size"], 2);
}

fn refusing(method: &str) -> Fault {
    Fault {
        matching: FaultMatch {
            method: Some(method.to_owned()),
            kind: None,
            name: None,
        },
        action: FaultAction::Status(400),
        times: None,
    }
}

async fn life(lab: &Lab, backend: &str) {
    let volume = lab.created(backend, 2).await;
    let before = (lab.usage().await, lab.snapshot_usage().await);
    let id = lab.snapshot_creating(&volume).await;
    let body = Body::of("create_snapshot").on_snapshot(&id, &volume);
    lab.cast(backend, &body).await;
    lab.wait_snapshot(&id, "available").await;
    let progress = lab.snapshot_text(&id, "progress").await;
    assert_eq!(progress.as_deref(), Some("100%"));
    lab.wait_count(&format!("FROM workers WHERE resource_id = '{id}'"), 0)
        .await;
    assert!(lab.array().contains(&id), "{:?}", lab.array());
    let publisher = format!("snapshot.{}", lab.host(backend));
    let start = lab.snapshot_event(&id, "snapshot.create.start").await;
    assert_like_captured(&start, "snapshot.create.start", &publisher);
    let end = lab.snapshot_event(&id, "snapshot.create.end").await;
    assert_eq!(end["payload"]["status"], "available");

    lab.delete_snapshot(backend, &id, &volume).await;
    lab.wait_snapshot(&id, "deleted").await;
    assert!(!lab.array().contains(&id));
    let start = lab.snapshot_event(&id, "snapshot.delete.start").await;
    assert_like_captured(&start, "snapshot.delete.start", &publisher);
    let end = lab.snapshot_event(&id, "snapshot.delete.end").await;
    assert_like_captured(&end, "snapshot.delete.end", &publisher);
    assert_eq!((lab.usage().await, lab.snapshot_usage().await), before);
    assert_eq!(lab.messages(&id).await, [""; 0]);
    lab.delete(backend, &volume).await;
    lab.wait_status(&volume, "deleted").await;
}

#[tokio::test]
async fn a_snapshot_lives_and_dies_on_both_protocols() {
    let both = [("xio", ISCSI), ("xfc", FC)];
    let lab = LabBuilder::new(Engine::MySql).backends(&both).start().await;
    life(&lab, "xio").await;
    life(&lab, "xfc").await;
    assert_eq!(lab.snapshot_usage().await, [(0, 0); 2]);
    lab.finish().await;
}

#[tokio::test]
async fn a_snapshot_lives_and_dies_on_other_engines() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let lab = LabBuilder::new(engine).start().await;
        life(&lab, "xio").await;
        lab.finish().await;
    }
}

#[tokio::test]
async fn what_the_image_and_the_key_were_goes_with_the_snapshot() {
    let lab = LabBuilder::new(Engine::MySql).start().await;
    let volume = lab.created("xio", 1).await;
    lab.bootable(&volume).await;
    let key = "5c3d3a1e-0000-4000-8000-000000000001";
    lab.set(&volume, &format!("encryption_key_id = '{key}'"))
        .await;
    let id = lab.snapshotted("xio", &volume).await;
    assert_eq!(lab.image_metadata(&id).await, 2);
    let found = lab.snapshot_text(&id, "encryption_key_id").await;
    assert_eq!(found.as_deref(), Some(key));
    lab.delete_snapshot("xio", &id, &volume).await;
    lab.wait_snapshot(&id, "deleted").await;
    assert_eq!(lab.image_metadata(&id).await, 0);
    assert_eq!(lab.image_metadata(&volume).await, 2);
    lab.set(&volume, "encryption_key_id = NULL").await;
    lab.delete("xio", &volume).await;
    lab.wait_status(&volume, "deleted").await;
    lab.finish().await;
}

#[tokio::test]
async fn creates_that_fail_are_seen_and_told() {
    let mut lab = LabBuilder::new(Engine::MySql).start().await;
    let volume = lab.created("xio", 1).await;
    lab.xms.sim.add_fault(refusing("POST"));
    let id = lab.snapshot_creating(&volume).await;
    let body = Body::of("create_snapshot").on_snapshot(&id, &volume);
    lab.cast("xio", &body).await;
    lab.wait_snapshot(&id, "error").await;
    let event = "VOLUME_VOLUME_SNAPSHOT_009_013";
    assert_eq!(lab.messages(&id).await, [event]);
    lab.wait_count(&format!("FROM workers WHERE resource_id = '{id}'"), 0)
        .await;
    // Its quota is given back when the user deletes it.
    assert_eq!(lab.snapshot_usage().await, [(1, 0); 2]);
    lab.xms.sim.clear_faults();
    lab.delete_snapshot("xio", &id, &volume).await;
    lab.wait_snapshot(&id, "deleted").await;
    assert_eq!(lab.snapshot_usage().await, [(0, 0); 2]);

    // The array has made it, but what it boots from is not known.
    lab.set(&volume, "bootable = true").await;
    let hide = "ALTER TABLE volume_glance_metadata RENAME TO hidden";
    lab.db.execute(hide).await;
    let id = lab.snapshot_creating(&volume).await;
    let body = Body::of("create_snapshot").on_snapshot(&id, &volume);
    lab.cast("xio", &body).await;
    lab.wait_snapshot(&id, "error").await;
    let event = "VOLUME_VOLUME_SNAPSHOT_009_014";
    assert_eq!(lab.messages(&id).await, [event]);
    let show = "ALTER TABLE hidden RENAME TO volume_glance_metadata";
    lab.db.execute(show).await;
    lab.worker().says_times("command failed", 2).await;
    lab.delete_snapshot("xio", &id, &volume).await;
    lab.wait_snapshot(&id, "deleted").await;

    // Its volume is gone.
    let gone = lab.created("xio", 1).await;
    let id = lab.snapshot_creating(&gone).await;
    lab.delete("xio", &gone).await;
    lab.wait_status(&gone, "deleted").await;
    lab.set_snapshot(&id, "deleted = false, status = 'creating'")
        .await;
    let body = Body::of("create_snapshot").on_snapshot(&id, &gone);
    lab.cast("xio", &body).await;
    lab.wait_snapshot(&id, "error").await;

    lab.delete("xio", &volume).await;
    lab.wait_status(&volume, "deleted").await;
    lab.finish().await;
}

#[tokio::test]
async fn deletes_that_cannot_be_done_leave_the_snapshot_where_it_was() {
    let mut lab = LabBuilder::new(Engine::MySql).start().await;
    let volume = lab.created("xio", 1).await;
    let id = lab.snapshotted("xio", &volume).await;
    let usage = (lab.usage().await, lab.snapshot_usage().await);

    // Mapped: a backup may be reading it.
    let mapping = lab.mapped(&id).await;
    lab.delete_snapshot("xio", &id, &volume).await;
    lab.wait_snapshot(&id, "available").await;
    let busy = "VOLUME_VOLUME_SNAPSHOT_010_015";
    assert_eq!(lab.messages(&id).await, [busy]);
    assert!(lab.array().contains(&id));
    lab.xms.delete(&format!("types/lun-maps/{mapping}")).await;

    // The array refuses.
    lab.xms.sim.add_fault(refusing("DELETE"));
    lab.delete_snapshot("xio", &id, &volume).await;
    lab.wait_snapshot(&id, "error_deleting").await;
    let failed = "VOLUME_VOLUME_SNAPSHOT_010_016";
    let told: BTreeSet<String> = lab.messages(&id).await.into_iter().collect();
    assert_eq!(told, [busy, failed].map(str::to_owned).into());
    lab.xms.sim.clear_faults();
    assert_eq!((lab.usage().await, lab.snapshot_usage().await), usage);

    // Once gone it stays gone, whatever comes late.
    let body = lab.delete_snapshot("xio", &id, &volume).await;
    lab.wait_snapshot(&id, "deleted").await;
    let after = (lab.usage().await, lab.snapshot_usage().await);
    lab.cast("xio", &body.again()).await;
    lab.worker().says("snapshot is gone already").await;
    let create = Body::of("create_snapshot").on_snapshot(&id, &volume);
    lab.cast("xio", &create).await;
    lab.worker().says_times("command failed", 2).await;
    assert_eq!((lab.usage().await, lab.snapshot_usage().await), after);
    assert!(!lab.array().contains(&id));
    lab.delete("xio", &volume).await;
    lab.wait_status(&volume, "deleted").await;
    lab.finish().await;
}

#[tokio::test]
async fn an_unmanaged_snapshot_stays_on_the_array() {
    let lab = LabBuilder::new(Engine::Sqlite).start().await;
    let volume = lab.created("xio", 1).await;
    let id = lab.snapshotted("xio", &volume).await;
    lab.set_snapshot(&id, "status = 'unmanaging'").await;
    let body = Body::of("delete_snapshot")
        .on_snapshot(&id, &volume)
        .arg("unmanage_only", json!(true));
    lab.cast("xio", &body).await;
    lab.wait_snapshot(&id, "deleted").await;
    assert_eq!(lab.snapshot_usage().await, [(0, 0); 2]);
    let array = lab.array();
    assert_eq!(array.len(), 2, "{array:?}");
    assert!(!array.contains(&id), "it has another name: {array:?}");
    lab.finish_with_array().await;
}
