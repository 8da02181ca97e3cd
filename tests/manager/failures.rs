//! Creates and deletes that fail: the row, the array, the quota and the user see one end.

use cinder_volume_xtremio::config::Engine;
use cinder_volume_xtremio::rpc::request;
use cinder_volume_xtremio::sim::{Fault, FaultAction};
use serde_json::{Value, json};

use crate::support::bodies::Body;
use crate::support::lab::{EVENTS, FC, ISCSI, Lab, LabBuilder};
use crate::support::worker::Worker;

const POOL: &str = "ctl1@xio#xio";
const SCHEDULER: &str = "cinder-scheduler";

async fn full_array() -> Lab {
    let full = LabBuilder::new(Engine::MySql).array(|array| array.limits.volumes = 0);
    let lab = full.start().await;
    lab.queue_of(SCHEDULER).await;
    lab
}

async fn rescheduled(lab: &Lab, id: &str) -> Value {
    let ours = |m: &Value| {
        m["method"] == "create_volume" && m["args"]["volume"]["versioned_object.data"]["id"] == id
    };
    lab.next(SCHEDULER, ours).await
}

async fn failed_casts(worker: &mut Worker, times: usize) {
    worker.says_times("command failed", times).await;
}

#[tokio::test]
async fn a_full_array_gives_the_create_back_to_the_scheduler() {
    let mut lab = full_array().await;
    let id = lab.creating("xio", 1).await;
    let create = Body::create(&id, POOL, 1);
    lab.cast("xio", &create).await;
    let sent = rescheduled(&lab, &id).await;
    let row = lab.wait_row(&id, |row| row.host.is_none()).await;
    assert_eq!(row.status.as_deref(), Some("creating"));
    assert!(row.scheduled_at.is_some());
    assert_eq!(sent["version"], "3.0");
    let derived = request::derived_id(create.unique_id(), "reschedule");
    assert_eq!(sent["_unique_id"], derived);
    assert_eq!(sent["_context_request_id"], create.0["_context_request_id"]);
    let args = &sent["args"];
    let exc = args["filter_properties"]["retry"]["exc"]
        .as_array()
        .unwrap();
    assert!(
        !exc.is_empty() && exc.iter().all(Value::is_string),
        "{exc:?}"
    );
    let mut back = args["filter_properties"].clone();
    back["retry"].as_object_mut().unwrap().remove("exc");
    assert_eq!(back, create.0["args"]["filter_properties"]);
    let spec = &args["request_spec"]["versioned_object.data"];
    assert_eq!(spec["volume_id"], json!(id));
    let volume = &args["volume"]["versioned_object.data"];
    assert_eq!(volume["host"], Value::Null);
    for none in ["snapshot_id", "image_id", "backup_id"] {
        assert_eq!(args[none], Value::Null, "{none}");
    }
    let worker = format!("FROM workers WHERE resource_id = '{id}' AND service_id IS NULL");
    lab.wait_count(&worker, 1).await;
    failed_casts(lab.worker(), 1).await;
    assert_eq!(lab.messages(&id).await, ["VOLUME_VOLUME_008_012"]);

    // A repeat finds the host gone and sends the same cast again: oslo drops it by its id.
    lab.cast("xio", &create.clone().again()).await;
    let again = rescheduled(&lab, &id).await;
    let scheduled = |message: &Value| {
        let mut volume = message["args"]["volume"]["versioned_object.data"].clone();
        // The time of each cast.
        let at = volume.as_object_mut().unwrap().remove("scheduled_at");
        assert!(at.is_some_and(|at| at.is_string()));
        volume
    };
    assert_eq!(scheduled(&again), scheduled(&sent));
    // The scheduler has the volume now, and takes the worker row with it.
    lab.db
        .execute(&format!("DELETE FROM workers WHERE resource_id = '{id}'"))
        .await;
    lab.finish().await;
}

#[tokio::test]
async fn a_full_array_without_retry_ends_in_error() {
    for refused in [0, 1] {
        let mut lab = full_array().await;
        let id = lab.creating("xio", 1).await;
        let mut create = Body::create(&id, POOL, 1);
        create = match refused {
            0 => create.without_retry(),
            _ => create.arg("allow_reschedule", json!(false)),
        };
        lab.cast("xio", &create).await;
        let row = lab.wait_status(&id, "error").await;
        assert_eq!(row.host.as_deref(), Some(POOL));
        failed_casts(lab.worker(), 1).await;
        assert_eq!(lab.messages(&id).await, ["VOLUME_VOLUME_008_012"]);
        no_create_left(&lab).await;
        // The API deletes it like any other.
        lab.delete("xio", &id).await;
        lab.wait_status(&id, "deleted").await;
        assert_eq!(lab.usage().await, [(0, 0); 4]);
        lab.finish().await;
    }
}

/// Capability reports may have gone to the scheduler, a create may not.
async fn no_create_left(lab: &Lab) {
    while let Some(message) = lab.broker.get(SCHEDULER).await {
        let message = crate::support::bodies::opened(&message.data);
        assert_ne!(message["method"], "create_volume");
    }
}

#[tokio::test]
async fn deletes_that_cannot_be_done_leave_the_volume_where_it_was() {
    let both = [("xio", ISCSI), ("xfc", FC)];
    let mut lab = LabBuilder::new(Engine::MySql).backends(&both).start().await;

    // Attached: nothing changes, the status stays as the API set it.
    let attached = lab.created("xio", 1).await;
    lab.set(&attached, "attach_status = 'attached'").await;
    lab.delete("xio", &attached).await;
    failed_casts(lab.worker(), 1).await;
    let row = lab.row(&attached).await;
    assert_eq!(row.status.as_deref(), Some("deleting"));
    assert!(lab.array().contains(&attached));

    // On another host: untouched.
    let foreign = lab.created("xfc", 1).await;
    lab.delete("xio", &foreign).await;
    failed_casts(lab.worker(), 2).await;
    let row = lab.row(&foreign).await;
    assert_eq!(row.status.as_deref(), Some("deleting"));
    assert!(lab.array().contains(&foreign));

    // Mapped: available again, for a disk in use would vanish under its host.
    let mapped = lab.created("xio", 1).await;
    let group = lab
        .xms
        .post("types/initiator-groups", json!({"ig-name": "vm"}))
        .await;
    let mapping = json!({"vol-id": mapped, "ig-id": "vm"});
    let mapping = lab.xms.post("types/lun-maps", mapping).await;
    lab.delete("xio", &mapped).await;
    lab.wait_status(&mapped, "available").await;
    assert!(lab.array().contains(&mapped));
    let usage = lab.usage().await;
    assert_eq!(usage[0], (3, 0));

    // The array fails: visible, and the volume is still there.
    let broken = lab.created("xio", 1).await;
    let fault = Fault::on("DELETE", "volumes", FaultAction::Status(400)).times(1);
    lab.xms.sim.add_fault(fault);
    lab.delete("xio", &broken).await;
    lab.wait_status(&broken, "error_deleting").await;
    assert!(lab.array().contains(&broken));
    assert_eq!(lab.usage().await[0], (4, 0));

    // All go once nothing is in the way.
    lab.xms
        .delete(&format!("types/lun-maps/{}", mapping[0]))
        .await;
    lab.xms
        .delete(&format!("types/initiator-groups/{}", group[0]))
        .await;
    lab.set(&attached, "attach_status = 'detached'").await;
    for (backend, id) in [
        ("xio", &attached),
        ("xfc", &foreign),
        ("xio", &mapped),
        ("xio", &broken),
    ] {
        lab.delete(backend, id).await;
        lab.wait_status(id, "deleted").await;
    }
    assert_eq!(lab.usage().await, [(0, 0); 4]);
    lab.finish().await;
}

#[tokio::test]
async fn an_unmanaged_volume_stays_on_the_array_under_another_name() {
    let lab = LabBuilder::new(Engine::Sqlite).start().await;
    let id = lab.created("xio", 1).await;
    lab.set(&id, "status = 'unmanaging'").await;
    let body = Body::delete(&id, POOL).arg("unmanage_only", json!(true));
    lab.cast("xio", &body).await;
    lab.wait_status(&id, "deleted").await;
    assert_eq!(lab.array(), [format!("volume-{id}-unmanged")]);
    assert_eq!(lab.usage().await, [(0, 0); 4]);
    lab.event(&id, "volume.unmanage.start").await;
    lab.event(&id, "volume.unmanage.end").await;

    // What is not there cannot be given up.
    let gone = lab.created("xio", 1).await;
    let index = lab.xms.content(&format!("types/volumes?name={gone}")).await["index"].clone();
    lab.xms.delete(&format!("types/volumes/{index}")).await;
    lab.set(&gone, "status = 'unmanaging'").await;
    let body = Body::delete(&gone, POOL).arg("unmanage_only", json!(true));
    lab.cast("xio", &body).await;
    lab.wait_status(&gone, "error_unmanaging").await;
    // But a delete of it succeeds.
    lab.delete("xio", &gone).await;
    lab.wait_status(&gone, "deleted").await;
    assert_eq!(lab.usage().await, [(0, 0); 4]);
    lab.finish_with_array().await;
}

#[tokio::test]
async fn the_target_of_a_failed_migration_goes() {
    let mut lab = LabBuilder::new(Engine::Sqlite).start().await;
    let id = lab.creating("xio", 1).await;
    lab.set(
        &id,
        "status = 'migration_target_creating', use_quota = false",
    )
    .await;
    lab.db
        .execute(&format!(
            "UPDATE workers SET status = 'migration_target_creating' WHERE resource_id = '{id}'"
        ))
        .await;
    let create = Body::create(&id, POOL, 1)
        .arg("request_spec", Value::Null)
        .arg("filter_properties", Value::Null)
        .arg("allow_reschedule", json!(false));
    lab.cast("xio", &create).await;
    lab.wait_status(&id, "migration_target").await;

    lab.set(
        &id,
        "migration_status = 'target:5f0f6c4e-0000-4000-8000-000000000000'",
    )
    .await;
    let fault = Fault::on("DELETE", "volumes", FaultAction::Status(400)).times(1);
    lab.xms.sim.add_fault(fault);
    lab.delete("xio", &id).await;
    let row = lab.wait_status(&id, "deleted").await;
    assert_eq!(row.migration_status, None);
    failed_casts(lab.worker(), 1).await;
    // It counts for nobody: there are no events of it.
    assert!(lab.broker.queue(EVENTS).await.is_none());
    // What the array kept is the administrator's to remove.
    assert_eq!(lab.array(), [id]);
    lab.finish_with_array().await;
}
