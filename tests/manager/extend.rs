//! Growth of volumes: row, quota, array, events and messages of every end.

use cinder_volume_xtremio::cli::call::Answer;
use cinder_volume_xtremio::config::Engine;
use cinder_volume_xtremio::sim::{Fault, FaultAction};
use serde_json::{Map, Value, json};

use crate::support::bodies::Body;
use crate::support::lab::{FC, ISCSI, Lab, LabBuilder};

const INSTANCE: &str = "1f0a3b1e-0000-4000-8000-000000000001";

async fn allocated(lab: &Lab, backend: &str) -> Value {
    let mut args = Map::new();
    args.insert("discover".into(), Value::Bool(false));
    match lab.call(backend, "get_capabilities", args).await {
        Answer::Result(report) => report["pools"][0]["allocated_capacity_gb"].clone(),
        other => panic!("{other:?}"),
    }
}

async fn delete(lab: Lab, id: &str) {
    lab.set(id, "attach_status = 'detached'").await;
    lab.delete("xio", id).await;
    lab.wait_status(id, "deleted").await;
    assert_eq!(lab.usage().await, [(0, 0); 4]);
    lab.finish().await;
}

#[tokio::test]
async fn a_volume_grows_on_both_protocols() {
    let both = [("xio", ISCSI), ("xfc", FC)];
    let lab = LabBuilder::new(Engine::MySql).backends(&both).start().await;
    for (backend, _) in both {
        let id = lab.created(backend, 1).await;
        let body = lab.extending(backend, &id, 3).await;
        lab.cast(backend, &body).await;
        let row = lab.wait_status(&id, "available").await;
        assert_eq!(row.size, Some(3));
        assert_eq!(row.previous_status.as_deref(), Some("available"));
        assert_eq!(lab.gib_on_array(&id).await, 3);
        assert_eq!(lab.usage().await, [(1, 0), (3, 0), (1, 0), (3, 0)]);
        let publisher = format!("volume.{}", lab.host(backend));
        let start = lab.event(&id, "volume.resize.start").await;
        assert_eq!(start["publisher_id"], publisher);
        assert_eq!(start["payload"]["size"], 1);
        assert_eq!(start["payload"]["status"], "extending");
        let end = lab.event(&id, "volume.resize.end").await;
        assert_eq!(end["publisher_id"], publisher);
        assert_eq!(end["payload"]["size"], 3);
        assert_eq!(end["payload"]["status"], "available");
        assert_eq!(lab.messages(&id).await, [""; 0]);
        assert_eq!(allocated(&lab, backend).await.as_f64(), Some(3.0));
        lab.delete(backend, &id).await;
        lab.wait_status(&id, "deleted").await;
    }
    assert_eq!(lab.usage().await, [(0, 0); 4]);
    lab.finish().await;
}

/// By another name on the array after a migration, and on the other engines.
#[tokio::test]
async fn the_object_that_grows_is_that_of_the_name_id() {
    let lab = LabBuilder::new(Engine::Sqlite).start().await;
    let other = lab.created("xio", 1).await;
    let id = lab.created("xio", 1).await;
    lab.set(&id, &format!("_name_id = '{other}'")).await;
    let body = lab.extending("xio", &id, 2).await;
    lab.cast("xio", &body).await;
    lab.wait_status(&id, "available").await;
    assert_eq!(lab.gib_on_array(&other).await, 2);
    assert_eq!(lab.gib_on_array(&id).await, 1);
    lab.set(&id, "_name_id = NULL").await;
    lab.delete("xio", &other).await;
    lab.wait_status(&other, "deleted").await;
    delete(lab, &id).await;
}

#[tokio::test]
async fn an_attached_volume_stays_in_use_and_the_owner_hears_that_the_guest_does_not_know() {
    let lab = LabBuilder::new(Engine::Postgres).start().await;
    let id = lab.created("xio", 1).await;
    lab.attached(&id, Some(INSTANCE)).await;
    let body = lab.extending("xio", &id, 2).await;
    lab.cast("xio", &body).await;
    let row = lab.wait_status(&id, "in-use").await;
    assert_eq!(row.size, Some(2));
    lab.wait_some(&format!("FROM messages WHERE resource_uuid = '{id}'"))
        .await;
    assert_eq!(lab.messages(&id).await, ["VOLUME_VOLUME_007_009"]);
    delete(lab, &id).await;
}

#[tokio::test]
async fn a_host_that_has_it_without_an_instance_needs_no_news() {
    let lab = LabBuilder::new(Engine::Sqlite).start().await;
    let id = lab.created("xio", 1).await;
    lab.attached(&id, None).await;
    let body = lab.extending("xio", &id, 2).await;
    lab.cast("xio", &body).await;
    lab.wait_status(&id, "in-use").await;
    lab.event(&id, "volume.resize.end").await;
    lab.wait_idle("xio").await;
    assert_eq!(lab.messages(&id).await, [""; 0]);
    delete(lab, &id).await;
}

#[tokio::test]
async fn what_the_array_refuses_leaves_size_and_quota_as_they_were() {
    let mut lab = LabBuilder::new(Engine::MySql).start().await;
    let id = lab.created("xio", 2).await;
    let before = lab.usage().await;
    let refused = Fault::on("PUT", "volumes", FaultAction::Status(400));
    lab.xms.sim.add_fault(refused);
    let body = lab.extending("xio", &id, 3).await;
    lab.cast("xio", &body).await;
    let row = lab.wait_status(&id, "error_extending").await;
    assert_eq!(row.size, Some(2));
    assert_eq!(lab.messages(&id).await, ["VOLUME_VOLUME_007_010"]);
    assert_eq!(lab.usage().await, before);
    assert_eq!(lab.gib_on_array(&id).await, 2);
    lab.xms.sim.clear_faults();

    // Smaller than it is: the array is not even asked.
    lab.set(&id, "status = 'available'").await;
    let body = lab.extending("xio", &id, 2).await.arg("new_size", json!(1));
    lab.cast("xio", &body).await;
    let row = lab.wait_status(&id, "error_extending").await;
    assert_eq!(row.size, Some(2));
    assert_eq!(lab.gib_on_array(&id).await, 2);

    // Whose status was reset meanwhile is not touched, and what was reserved for it goes back.
    let body = lab.extending("xio", &id, 4).await;
    lab.set(&id, "status = 'available'").await;
    lab.cast("xio", &body).await;
    lab.worker().says("not being extended any more").await;
    lab.wait_count("FROM reservations WHERE deleted = false", 0)
        .await;
    assert_eq!(lab.usage().await, before);
    assert_eq!(lab.row(&id).await.size, Some(2));
    delete(lab, &id).await;
}

#[tokio::test]
async fn an_extend_that_was_handed_over_ends_as_it_is_told() {
    let newest = LabBuilder::new(Engine::MySql).option("cinder_release = 29");
    let lab = newest.start().await;
    let id = lab.created("xio", 1).await;
    let completion = |body: Body, error: bool| {
        let mut body = body.arg("error", json!(error));
        body.0["method"] = json!("extend_volume_completion");
        body.0["version"] = json!("3.19");
        body
    };
    let body = completion(lab.extending("xio", &id, 2).await, true);
    lab.cast("xio", &body).await;
    let row = lab.wait_status(&id, "error_extending").await;
    assert_eq!(row.size, Some(1));
    assert_eq!(lab.messages(&id).await, ["VOLUME_VOLUME_007_010"]);
    assert_eq!(lab.usage().await, [(1, 0); 4]);

    lab.set(&id, "status = 'available'").await;
    let body = completion(lab.extending("xio", &id, 2).await, false);
    lab.cast("xio", &body).await;
    let row = lab.wait_status(&id, "available").await;
    assert_eq!(row.size, Some(2));
    assert_eq!(lab.usage().await, [(1, 0), (2, 0), (1, 0), (2, 0)]);
    lab.event(&id, "volume.resize.end").await;
    delete(lab, &id).await;
}
