//! Volumes from snapshots and from other volumes.

use cinder_volume_xtremio::config::Engine;
use cinder_volume_xtremio::sim::{Fault, FaultAction};

use crate::support::lab::{FC, ISCSI, Lab, LabBuilder};

const SCHEDULER: &str = "cinder-scheduler";

async fn gone(lab: &Lab, backend: &str, volumes: &[&str]) {
    for id in volumes {
        lab.delete(backend, id).await;
        lab.wait_status(id, "deleted").await;
    }
}

#[tokio::test]
async fn copies_of_any_size_hold_what_their_source_held() {
    let both = [("xio", ISCSI), ("xfc", FC)];
    let lab = LabBuilder::new(Engine::MySql).backends(&both).start().await;
    for (backend, _) in both {
        let source = lab.created(backend, 1).await;
        lab.bootable(&source).await;
        let snapshot = lab.snapshotted(backend, &source).await;
        let sources = [("snapshot_id", &snapshot), ("source_volid", &source)];
        for (column, of) in sources {
            let sizes: &[i32] = if backend == "xio" { &[1, 3] } else { &[3] };
            for &size in sizes {
                let (id, body) = lab.copying(backend, size, column, of).await;
                lab.cast(backend, &body).await;
                let row = lab.wait_status(&id, "available").await;
                assert_eq!(row.bootable, Some(true), "{column}");
                assert_eq!(row.size, Some(size));
                assert!(row.launched_at.is_some() && row.service_uuid.is_some());
                assert_eq!(lab.image_metadata(&id).await, 2);
                let gib = u64::try_from(size).unwrap();
                assert_eq!(lab.gib_on_array(&id).await, gib, "{column}");
                lab.event(&id, "volume.create.end").await;
                lab.wait_count(&format!("FROM workers WHERE resource_id = '{id}'"), 0)
                    .await;
                gone(&lab, backend, &[&id]).await;
            }
        }
        let status = lab.row(&source).await.status;
        assert_eq!(status.as_deref(), Some("available"));
        lab.delete_snapshot(backend, &snapshot, &source).await;
        lab.wait_snapshot(&snapshot, "deleted").await;
        gone(&lab, backend, &[&source]).await;
    }
    assert_eq!(lab.usage().await, [(0, 0); 4]);
    lab.finish().await;
}

/// Copies outlive what they were made from; a source that cannot be booted makes none that can.
#[tokio::test]
async fn a_copy_outlives_its_source() {
    let lab = LabBuilder::new(Engine::Sqlite).start().await;
    let renamed = lab.created("xio", 1).await;
    let source = lab.created("xio", 1).await;
    lab.set(&source, &format!("_name_id = '{renamed}'")).await;
    let (clone, body) = lab.copying("xio", 2, "source_volid", &source).await;
    lab.cast("xio", &body).await;
    let row = lab.wait_status(&clone, "available").await;
    assert_eq!(row.bootable, Some(false));
    let volume = lab
        .xms
        .content(&format!("types/volumes?name={clone}"))
        .await;
    assert_eq!(volume["ancestor-vol-id"][1], renamed);
    lab.set(&source, "_name_id = NULL").await;
    gone(&lab, "xio", &[&source, &renamed]).await;
    assert_eq!(lab.array(), [clone.as_str()]);
    gone(&lab, "xio", &[&clone]).await;
    lab.finish().await;
}

#[tokio::test]
async fn a_source_that_is_gone_is_gone_everywhere() {
    let mut lab = LabBuilder::new(Engine::MySql).start().await;
    lab.queue_of(SCHEDULER).await;
    let nothing = "5c3d3a1e-0000-4000-8000-00000000000f";
    for (n, column) in ["snapshot_id", "source_volid"].into_iter().enumerate() {
        let (id, body) = lab.copying("xio", 1, column, nothing).await;
        lab.cast("xio", &body).await;
        let row = lab.wait_status(&id, "error").await;
        assert!(row.host.is_some(), "{column}: not rescheduled");
        lab.worker().says_times("command failed", n + 1).await;
        assert_eq!(lab.messages(&id).await, [""; 0]);
        gone(&lab, "xio", &[&id]).await;
    }
    while let Some(message) = lab.broker.get(SCHEDULER).await {
        let message = crate::support::bodies::opened(&message.data);
        assert_ne!(message["method"], "create_volume");
    }
    lab.finish().await;
}

#[tokio::test]
async fn copies_that_fail_are_seen() {
    let mut lab = LabBuilder::new(Engine::MySql).start().await;
    lab.queue_of(SCHEDULER).await;
    let source = lab.created("xio", 1).await;

    // The array refuses; another host may do.
    let refused = Fault::on("POST", "snapshots", FaultAction::Status(400));
    lab.xms.sim.add_fault(refused);
    let (id, body) = lab.copying("xio", 1, "source_volid", &source).await;
    lab.cast("xio", &body).await;
    let row = lab.wait_row(&id, |row| row.host.is_none()).await;
    assert_eq!(row.status.as_deref(), Some("creating"));
    lab.worker().says_times("command failed", 1).await;
    let other = "host = 'ctl1@xio#xio', status = 'error'";
    lab.set(&id, other).await;
    lab.db
        .execute(&format!("DELETE FROM workers WHERE resource_id = '{id}'"))
        .await;

    // And where none may, the volume shows it; what was written about the source is undone.
    let (last, body) = lab.copying("xio", 1, "source_volid", &source).await;
    lab.cast("xio", &body.without_retry()).await;
    lab.wait_status(&last, "error").await;
    lab.worker().says_times("command failed", 2).await;
    let status = lab.row(&source).await.status;
    assert_eq!(status.as_deref(), Some("available"));
    lab.xms.sim.clear_faults();

    // A key must not be shared by two volumes.
    let (secret, body) = lab.copying("xio", 1, "source_volid", &source).await;
    let key = "encryption_key_id = '5c3d3a1e-0000-4000-8000-000000000001'";
    lab.set(&secret, key).await;
    lab.cast("xio", &body).await;
    lab.wait_status(&secret, "error").await;
    lab.worker().says_times("command failed", 3).await;
    assert_eq!(lab.messages(&secret).await, ["VOLUME_VOLUME_008_012"]);
    assert_eq!(lab.array(), [source.as_str()]);

    // What it boots from is not known: another host would not know either.
    lab.set(&source, "bootable = true").await;
    let hide = "ALTER TABLE volume_glance_metadata RENAME TO hidden";
    lab.db.execute(hide).await;
    let (blind, body) = lab.copying("xio", 1, "source_volid", &source).await;
    lab.cast("xio", &body).await;
    let row = lab.wait_status(&blind, "error").await;
    assert!(row.host.is_some(), "not rescheduled");
    lab.worker().says_times("command failed", 4).await;
    let show = "ALTER TABLE hidden RENAME TO volume_glance_metadata";
    lab.db.execute(show).await;

    gone(&lab, "xio", &[&id, &last, &secret, &blind, &source]).await;
    assert_eq!(lab.usage().await, [(0, 0); 4]);
    lab.finish().await;
}

/// `max_num_of_snapshots` of the array: the scheduler may know a better one.
#[tokio::test]
async fn an_array_that_holds_no_more_copies_gives_the_create_back() {
    let few = LabBuilder::new(Engine::Sqlite).array(|array| {
        array.limits.snapshots_per_volume = 1;
    });
    let mut lab = few.start().await;
    lab.queue_of(SCHEDULER).await;
    let source = lab.created("xio", 1).await;
    let snapshot = lab.snapshotted("xio", &source).await;
    let (id, body) = lab.copying("xio", 1, "source_volid", &source).await;
    lab.cast("xio", &body).await;
    lab.wait_row(&id, |row| row.host.is_none()).await;
    lab.worker().says("snapshot limit").await;
    lab.wait_idle("xio").await;
    lab.db
        .execute(&format!("DELETE FROM workers WHERE resource_id = '{id}'"))
        .await;
    lab.delete_snapshot("xio", &snapshot, &source).await;
    lab.wait_snapshot(&snapshot, "deleted").await;
    gone(&lab, "xio", &[&source]).await;
    lab.finish().await;
}
