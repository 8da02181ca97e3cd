//! Volumes that go with their snapshots.

use cinder_volume_xtremio::config::Engine;
use serde_json::json;

use crate::support::bodies::Body;
use crate::support::lab::{Lab, LabBuilder};

const POOL: &str = "ctl1@xio#xio";

/// A volume with two snapshots.
async fn family(lab: &Lab) -> (String, [String; 2]) {
    let volume = lab.created("xio", 2).await;
    let older = lab.snapshotted("xio", &volume).await;
    let younger = lab.snapshotted("xio", &volume).await;
    (volume, [older, younger])
}

/// Rows as the API leaves them, and the cast.
async fn cascade(lab: &Lab, volume: &str, snapshots: &[String]) {
    for id in snapshots {
        lab.set_snapshot(id, "status = 'deleting'").await;
    }
    lab.set(volume, "status = 'deleting'").await;
    let body = Body::delete(volume, POOL).arg("cascade", json!(true));
    lab.cast("xio", &body).await;
}

#[tokio::test]
async fn snapshots_go_first_each_with_its_quota() {
    let lab = LabBuilder::new(Engine::MySql).start().await;
    let (volume, snapshots) = family(&lab).await;
    assert_eq!(lab.usage().await, [(1, 0), (6, 0), (1, 0), (6, 0)]);
    assert_eq!(lab.snapshot_usage().await, [(2, 0); 2]);
    cascade(&lab, &volume, &snapshots).await;
    lab.wait_status(&volume, "deleted").await;
    for id in &snapshots {
        lab.wait_snapshot(id, "deleted").await;
        lab.snapshot_event(id, "snapshot.delete.end").await;
        // They come youngest first, the events of a lab are read in order.
        if id == &snapshots[0] {
            break;
        }
    }
    assert_eq!(lab.usage().await, [(0, 0); 4]);
    assert_eq!(lab.snapshot_usage().await, [(0, 0); 2]);
    lab.finish().await;
}

#[tokio::test]
async fn a_snapshot_that_does_not_go_keeps_its_volume() {
    let mut lab = LabBuilder::new(Engine::MySql).start().await;
    let (volume, snapshots) = family(&lab).await;
    cascade(&lab, &volume, &snapshots[1..]).await;
    lab.wait_status(&volume, "error_deleting").await;
    lab.wait_snapshot(&snapshots[0], "available").await;
    lab.worker().says("not deleting").await;
    assert!(lab.array().contains(&volume) && lab.array().contains(&snapshots[0]));
    cascade(&lab, &volume, &snapshots[..1]).await;
    lab.wait_status(&volume, "deleted").await;
    assert_eq!(lab.usage().await, [(0, 0); 4]);
    lab.finish().await;
}

/// As in cinder-volume: the volume goes, whatever its snapshot is used for.
#[tokio::test]
async fn a_busy_snapshot_does_not_hold_up_its_volume() {
    let lab = LabBuilder::new(Engine::Sqlite).start().await;
    let (volume, snapshots) = family(&lab).await;
    lab.mapped(&snapshots[0]).await;
    cascade(&lab, &volume, &snapshots).await;
    lab.wait_status(&volume, "deleted").await;
    let busy = "VOLUME_VOLUME_SNAPSHOT_010_015";
    assert_eq!(lab.messages(&snapshots[0]).await, [busy]);
    // What a host uses is never deleted under it.
    assert_eq!(lab.array(), [snapshots[0].as_str()]);
    lab.finish_with_array().await;
}
