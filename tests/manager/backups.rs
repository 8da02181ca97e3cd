//! What cinder-backup is given to read, and what it is handed to fill.

use cinder_volume_xtremio::cli::call::Answer;
use cinder_volume_xtremio::config::Engine;
use cinder_volume_xtremio::sim::{Fault, FaultAction, FaultMatch};
use serde_json::{Map, Value, json};

use crate::support::backups::{BACKUP_HOST, BACKUP_QUEUE, device_for};
use crate::support::bodies::Body;
use crate::support::lab::{Lab, LabBuilder};

const POOL: &str = "ctl1@xio#xio";

async fn lab() -> Lab {
    let lab = LabBuilder::new(Engine::MySql).start().await;
    lab.queue_of(BACKUP_QUEUE).await;
    lab
}

fn data(object: &Value) -> &Value {
    &object["versioned_object.data"]
}

/// The cast that answers, and the volume in it.
async fn told(lab: &Lab, backup: &str) -> (Value, Value) {
    let cast = lab
        .next(BACKUP_QUEUE, |message| {
            message["method"] == "continue_backup"
                && data(&message["args"]["backup"])["id"] == *backup
        })
        .await;
    let volume = data(&cast["args"]["backup_device"])["volume"].clone();
    (cast, data(&volume).clone())
}

async fn gone(lab: &Lab, temporary: &str) {
    lab.set(temporary, "status = 'deleting'").await;
    let before = lab.usage().await;
    lab.cast("xio", &Body::delete(temporary, POOL)).await;
    lab.wait_status(temporary, "deleted").await;
    assert_eq!(lab.usage().await, before, "it was never counted");
    assert!(!lab.array().contains(&temporary.to_owned()));
}

#[tokio::test]
async fn what_is_not_in_use_is_read_itself() {
    let lab = lab().await;
    let id = lab.created("xio", 1).await;
    lab.set(&id, "status = 'backing-up', previous_status = 'available'")
        .await;
    let backup = lab.backup(&id, None, "creating").await;
    lab.cast("xio", &device_for(&backup, &id, None)).await;
    let (cast, volume) = told(&lab, &backup).await;
    assert_eq!(volume["id"], id.as_str());
    assert_eq!(volume["host"], POOL);
    assert_eq!(volume["size"], 1);
    assert_eq!(
        data(&cast["args"]["backup_device"])["secure_enabled"],
        false
    );
    assert_eq!(cast["version"], "2.0");
    assert_eq!(lab.backup_text(&backup, "temp_volume_id").await, None);
    assert_eq!(lab.array(), [id]);
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn what_is_in_use_is_read_from_a_clone() {
    let lab = lab().await;
    let id = lab.created("xio", 2).await;
    lab.set(&id, "status = 'backing-up', previous_status = 'in-use'")
        .await;
    let backup = lab.backup(&id, None, "creating").await;
    let usage = lab.usage().await;
    lab.cast("xio", &device_for(&backup, &id, None)).await;
    let (cast, volume) = told(&lab, &backup).await;
    let temporary = volume["id"].as_str().unwrap().to_owned();
    assert_ne!(temporary, id);
    assert_eq!(
        data(&cast["args"]["backup"])["temp_volume_id"],
        temporary.as_str()
    );
    let saved = lab.backup_text(&backup, "temp_volume_id").await;
    assert_eq!(saved.as_deref(), Some(temporary.as_str()));
    let row = lab.row(&temporary).await;
    assert_eq!(row.status.as_deref(), Some("backing-up"));
    assert_eq!(row.display_name, Some(format!("backup-vol-{id}")));
    assert_eq!(row.use_quota, Some(false));
    assert_eq!((row.size, row.host.as_deref()), (Some(2), Some(POOL)));
    assert_eq!(lab.usage().await, usage);
    assert_eq!(lab.gib_on_array(&temporary).await, 2);
    gone(&lab, &temporary).await;
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn a_snapshot_is_read_from_a_volume_made_of_it() {
    let lab = lab().await;
    let id = lab.created("xio", 1).await;
    let snapshot = lab.snapshotted("xio", &id).await;
    lab.set_snapshot(&snapshot, "status = 'backing-up'").await;
    let backup = lab.backup(&id, Some(&snapshot), "creating").await;
    let body = device_for(&backup, &id, Some(&snapshot));
    lab.cast("xio", &body).await;
    let (_, volume) = told(&lab, &backup).await;
    let temporary = volume["id"].as_str().unwrap().to_owned();
    assert!(lab.array().contains(&temporary));
    gone(&lab, &temporary).await;
    lab.finish_as_it_is().await;
}

/// Before the asynchronous form the caller waits for an object, earlier still for a dictionary.
#[tokio::test]
async fn callers_get_the_form_they_know() {
    let lab = lab().await;
    let id = lab.created("xio", 1).await;
    lab.set(&id, "status = 'backing-up', previous_status = 'available'")
        .await;
    let backup = lab.backup(&id, None, "creating").await;
    let asked = |objects: bool| {
        let mut args = device_for(&backup, &id, None).0["args"].clone();
        args["async_call"] = json!(false);
        args["want_objects"] = json!(objects);
        args.as_object().unwrap().clone()
    };
    let ask =
        async |args: Map<String, Value>| match lab.call("xio", "get_backup_device", args).await {
            Answer::Result(value) => value,
            other => panic!("{other:?}"),
        };
    let object = ask(asked(true)).await;
    assert_eq!(object["versioned_object.name"], "BackupDeviceInfo");
    assert_eq!(data(&data(&object)["volume"])["id"], id.as_str());
    let plain = ask(asked(false)).await;
    assert_eq!(data(&plain["backup_device"])["id"], id.as_str());
    assert_eq!(plain["is_snapshot"], false);
    assert_eq!(plain["secure_enabled"], false);
    lab.finish_as_it_is().await;
}

/// Python leaves the backup in `creating` for ever.
#[tokio::test]
async fn a_copy_that_fails_ends_the_backup_and_leaves_nothing() {
    let lab = lab().await;
    let id = lab.created("xio", 1).await;
    lab.set(&id, "status = 'backing-up', previous_status = 'in-use'")
        .await;
    let backup = lab.backup(&id, None, "creating").await;
    lab.xms.sim.add_fault(Fault {
        matching: FaultMatch {
            method: Some("POST".to_owned()),
            kind: Some("snapshots".to_owned()),
            name: None,
        },
        action: FaultAction::Status(400),
        times: None,
    });
    lab.cast("xio", &device_for(&backup, &id, None)).await;
    lab.wait_status(&id, "in-use").await;
    let status = lab.backup_text(&backup, "status").await;
    assert_eq!(status.as_deref(), Some("error"));
    assert_eq!(lab.backup_text(&backup, "temp_volume_id").await, None);
    assert!(lab.backup_text(&backup, "fail_reason").await.is_some());
    let rows = "FROM volumes WHERE deleted = false AND display_name LIKE 'backup-vol-%'";
    assert_eq!(lab.db.number("COUNT(*)", rows).await, 0);
    assert_eq!(lab.array(), [id]);
    lab.finish_as_it_is().await;
}

async fn restoring(lab: &Lab) -> (String, String, Body) {
    let source = lab.created("xio", 1).await;
    let backup = lab.backup(&source, None, "available").await;
    let id = lab.creating("xio", 1).await;
    let body = Body::create(&id, POOL, 1).everywhere("backup_id", &json!(backup));
    (id, backup, body)
}

#[tokio::test]
async fn a_volume_from_a_backup_is_handed_over_blank() {
    let lab = lab().await;
    lab.backup_service("bk-gone", "'2020-01-01 00:00:00'").await;
    lab.backup_service(BACKUP_HOST, "UTC_TIMESTAMP()").await;
    let (id, backup, body) = restoring(&lab).await;
    lab.cast("xio", &body).await;
    let cast = lab
        .next(BACKUP_QUEUE, |message| {
            message["method"] == "restore_backup"
        })
        .await;
    let args = &cast["args"];
    assert_eq!(args["volume_id"], id.as_str());
    assert_eq!(args["volume_is_new"], true);
    let sent = data(&args["backup"]);
    assert_eq!(sent["status"], "restoring");
    assert_eq!(sent["restore_volume_id"], id.as_str());
    assert_eq!(sent["host"], BACKUP_HOST);
    assert_eq!(sent["service"], "posix");
    let workers = format!("FROM workers WHERE resource_id = '{id}'");
    lab.wait_count(&workers, 0).await;
    let row = lab.row(&id).await;
    assert_eq!(
        row.status.as_deref(),
        Some("creating"),
        "cinder-backup ends it"
    );
    assert!(row.service_uuid.is_some());
    assert!(lab.array().contains(&id));
    let status = lab.backup_text(&backup, "status").await;
    assert_eq!(status.as_deref(), Some("restoring"));
    let end = lab.event(&id, "volume.create.end").await;
    assert_eq!(end["payload"]["status"], "creating");
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn without_a_backup_service_the_create_fails() {
    let lab = lab().await;
    let (id, backup, body) = restoring(&lab).await;
    lab.cast("xio", &body.without_retry()).await;
    lab.wait_status(&id, "error").await;
    let status = lab.backup_text(&backup, "status").await;
    assert_eq!(status.as_deref(), Some("available"));
    lab.finish_as_it_is().await;
}
