//! Messages that are lost: rows are gone on with, or end visibly.

use std::time::Duration;

use cinder_volume_xtremio::config::Engine;
use uuid::Uuid;

use super::case::POOL;
use crate::support::bodies::Body;
use crate::support::lab::{Lab, LabBuilder};

async fn worker_row(lab: &Lab, kind: &str, id: &str, status: &str, service: &str) {
    lab.db
        .execute(&format!(
            "INSERT INTO workers (created_at, updated_at, deleted, resource_type, resource_id, \
             status, service_id, race_preventer) SELECT '2026-01-02 03:04:05', \
             '2026-01-02 03:04:05.000000', false, '{kind}', '{id}', '{status}', {service}, 0 \
             FROM services WHERE `binary` = 'cinder-volume'"
        ))
        .await;
}

/// Nobody's worker row: its message was lost on the way to us.
const NOBODY: &str = "NULL";
/// A scheduler's, as it leaves them with what it sends on.
const SCHEDULER: &str = "(SELECT MAX(id) FROM services s WHERE s.`binary` = 'cinder-scheduler')";
/// Ours: another cinder-volume on this host left it.
const OURS: &str = "id";

async fn volume(lab: &Lab, status: &str, service: Option<&str>) -> String {
    let id = Uuid::new_v4().to_string();
    lab.volume(&id, "xio", 1, status).await;
    if let Some(service) = service {
        worker_row(lab, "Volume", &id, status, service).await;
    }
    id
}

async fn ends(lab: &Lab, id: &str, status: &str, messages: &[&str]) {
    lab.wait_status(id, status).await;
    lab.wait_count(&format!("FROM workers WHERE resource_id = '{id}'"), 0)
        .await;
    assert_eq!(lab.messages(id).await, messages, "{status}");
}

#[tokio::test]
async fn rows_without_a_message_end_as_their_state_says() {
    let builder = LabBuilder::new(Engine::MySql).option("lost_command_grace = 1");
    let mut lab = builder.start().await;
    let made = lab.created("xio", 1).await;
    let grown = lab.created("xio", 1).await;
    // Ours only count if they were there before the process.
    lab.worker().stop().await;
    lab.db
        .execute(
            "INSERT INTO services (created_at, deleted, host, `binary`, topic, report_count) VALUES \
             ('2026-01-02 03:04:05', false, 'ctl1', 'cinder-scheduler', 'cinder-scheduler', 1)",
        )
        .await;
    let sent_create = volume(&lab, "creating", Some(SCHEDULER)).await;
    let lost_create = volume(&lab, "creating", Some(NOBODY)).await;
    let lost_delete = volume(&lab, "deleting", Some(NOBODY)).await;
    let left_create = volume(&lab, "creating", Some(OURS)).await;
    let left_delete = volume(&lab, "deleting", Some(OURS)).await;
    let left_upload = volume(&lab, "uploading", Some(OURS)).await;
    let ended = volume(&lab, "creating", Some(OURS)).await;
    lab.set(&ended, "status = 'available'").await;
    let extending = volume(&lab, "extending", None).await;
    let managing = volume(&lab, "managing", None).await;
    let backing_up = volume(&lab, "backing-up", None).await;
    let attaching = volume(&lab, "attaching", None).await;
    // The array has grown this one; what its message said is known to nobody.
    lab.set(
        &grown,
        "status = 'extending', updated_at = '2026-01-02 03:04:05'",
    )
    .await;
    let larger = serde_json::json!({"vol-size": "3g"});
    lab.xms
        .put(&format!("types/volumes?name={grown}"), larger)
        .await;
    let snapshot = lab.snapshot_creating(&made).await;
    let left_snapshot = lab.snapshot(&made, "creating").await;
    worker_row(&lab, "Snapshot", &left_snapshot, "creating", OURS).await;
    let strange_snapshot = lab.snapshot(&made, "creating").await;
    let going_snapshot = lab.snapshot(&made, "deleting").await;
    let leaving_snapshot = lab.snapshot(&made, "restoring").await;
    let clone = volume(&lab, "creating", Some(NOBODY)).await;
    lab.set(&clone, &format!("source_volid = '{made}'")).await;
    let elsewhere = volume(&lab, "creating", Some(NOBODY)).await;
    lab.set(&elsewhere, "host = 'ctl9@xio#xio'").await;
    lab.start_worker().await;

    ends(&lab, &sent_create, "error", &["VOLUME_VOLUME_008_001"]).await;
    ends(&lab, &lost_create, "error", &["VOLUME_VOLUME_008_001"]).await;
    ends(&lab, &lost_delete, "deleted", &[]).await;
    ends(&lab, &left_create, "error", &["VOLUME_VOLUME_008_001"]).await;
    ends(&lab, &left_delete, "deleted", &[]).await;
    ends(&lab, &left_upload, "available", &["VOLUME_VOLUME_003_001"]).await;
    ends(&lab, &ended, "available", &[]).await;
    ends(
        &lab,
        &extending,
        "error_extending",
        &["VOLUME_VOLUME_007_001"],
    )
    .await;
    ends(&lab, &managing, "error_managing", &[]).await;
    lab.wait_snapshot(&snapshot, "available").await;
    lab.wait_snapshot(&left_snapshot, "available").await;
    // It may be one that was to be taken over from the array.
    lab.wait_snapshot(&strange_snapshot, "error").await;
    lab.wait_snapshot(&going_snapshot, "deleted").await;
    lab.wait_snapshot(&leaving_snapshot, "available").await;
    let told = lab.messages(&strange_snapshot).await;
    assert_eq!(told, ["VOLUME_VOLUME_SNAPSHOT_009_013"]);
    assert_eq!(lab.snapshot_usage().await, [(4, 0); 2]);
    ends(&lab, &clone, "available", &[]).await;
    ends(&lab, &grown, "available", &[]).await;
    assert_eq!(lab.row(&grown).await.size, Some(3));
    assert!(lab.array().contains(&clone) && lab.array().contains(&snapshot));
    // Others are at work on these.
    for (id, status) in [
        (&backing_up, "backing-up"),
        (&attaching, "attaching"),
        (&elsewhere, "creating"),
    ] {
        assert_eq!(lab.row(id).await.status.as_deref(), Some(status));
    }
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn rows_whose_messages_wait_far_back_in_the_queue_are_left_alone() {
    let builder = LabBuilder::new(Engine::MySql)
        .option("executor_thread_pool_size = 2")
        .option("[oslo_messaging_rabbit]\nrabbit_qos_prefetch_count = 2\n[DEFAULT]");
    let mut lab = builder.start().await;
    // Each takes a second, one runs at a time: the last is taken after more than two quiet times.
    lab.xms.sim.set_latency(Duration::from_millis(700));
    let mut ids = Vec::new();
    let mut bodies = Vec::new();
    for _ in 0..24 {
        let id = lab.creating("xio", 1).await;
        bodies.push(Body::create(&id, POOL, 1));
        ids.push(id);
    }
    lab.casts("xio", &bodies).await;
    let available = "FROM volumes WHERE status = 'available'";
    lab.wait_count(available, ids.len() as i64).await;
    let lost = lab.worker().log().matches("no message asks for it").count();
    assert_eq!(lost, 0, "a message in the queue was taken for lost");
    lab.xms.sim.set_latency(Duration::ZERO);
    for id in &ids {
        lab.delete("xio", id).await;
    }
    lab.wait_count("FROM volumes WHERE deleted = false", 0)
        .await;
    lab.finish().await;
}
