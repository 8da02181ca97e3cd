//! Commands on growth, snapshots and copies that died, and whose message the broker has dropped:
//! the journal and the rows are enough.

use super::calls::expired_after;
use super::case::{Case, Given};
use crate::support::lab::Lab;
use crate::support::worker::eventually;

/// Dies at a point, and is ended by the next process.
async fn expired(case: Case, point: &str) -> (Lab, Given) {
    let (mut lab, given) = expired_after(case, point).await;
    lab.start_worker().await;
    given.ended(&lab).await;
    (lab, given)
}

#[tokio::test]
async fn an_extend_ends_with_its_size_and_its_quota() {
    let (lab, given) = expired(Case::Extend, "extend_volume.on_array").await;
    let row = lab.wait_status(&given.id, "available").await;
    assert_eq!(row.size, Some(3));
    assert_eq!(lab.usage().await, [(1, 0), (3, 0), (1, 0), (3, 0)]);
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn an_extend_that_the_array_has_not_seen_is_done_then() {
    let (lab, given) = expired(Case::Extend, "intent.written").await;
    let row = lab.wait_status(&given.id, "available").await;
    assert_eq!(row.size, Some(3));
    assert_eq!(lab.gib_on_array(&given.id).await, 3);
    assert_eq!(lab.usage().await, [(1, 0), (3, 0), (1, 0), (3, 0)]);
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn an_extend_that_failed_is_told_once() {
    let (lab, given) = expired(Case::ExtendFails, "message.written").await;
    let row = lab.wait_status(&given.id, "error_extending").await;
    assert_eq!(row.size, Some(1));
    assert_eq!(lab.messages(&given.id).await, ["VOLUME_VOLUME_007_010"]);
    assert_eq!(lab.usage().await, [(1, 0); 4]);
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn a_completion_ends_as_it_was_told() {
    let (lab, given) = expired(Case::ExtendCompletion, "intent.written").await;
    let row = lab.wait_status(&given.id, "available").await;
    assert_eq!(row.size, Some(3));
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn a_snapshot_is_made() {
    let (lab, given) = expired(Case::CreateSnapshot, "create_snapshot.on_array").await;
    let id = &given.snapshots[0];
    lab.wait_snapshot(id, "available").await;
    assert_eq!(lab.image_metadata(id).await, 2);
    assert!(lab.array().contains(id));
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn a_snapshot_whose_row_has_gone_leaves_nothing_on_the_array() {
    let point = "create_snapshot.on_array";
    let (mut lab, given) = expired_after(Case::CreateSnapshot, point).await;
    let id = &given.snapshots[0];
    assert!(
        lab.array().contains(id),
        "made, and the row does not say so"
    );
    lab.set_snapshot(id, "deleted = true, status = 'deleted'")
        .await;
    lab.db
        .execute(&format!("DELETE FROM workers WHERE resource_id = '{id}'"))
        .await;
    lab.start_worker().await;
    given.ended(&lab).await;
    eventually("no snapshot on the array", async || {
        (lab.array() == [given.id.as_str()]).then_some(())
    })
    .await;
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn a_deleted_snapshot_gives_its_quota_back() {
    let (lab, given) = expired(Case::DeleteSnapshot, "delete_snapshot.off_array").await;
    lab.wait_snapshot(&given.snapshots[0], "deleted").await;
    assert_eq!(lab.usage().await, [(1, 0); 4]);
    assert_eq!(lab.snapshot_usage().await, [(0, 0); 2]);
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn copies_are_made() {
    for case in [Case::Clone, Case::FromSnapshot] {
        let (lab, given) = expired(case, "create_volume.copied").await;
        let row = lab.wait_status(&given.id, "available").await;
        assert_eq!(row.bootable, Some(true));
        assert_eq!(lab.image_metadata(&given.id).await, 2);
        assert_eq!(lab.gib_on_array(&given.id).await, 2);
        lab.finish_as_it_is().await;
    }
}

#[tokio::test]
async fn a_mapping_that_nobody_was_told_of_is_taken_back() {
    let case = Case::AttachmentUpdate;
    let (mut lab, given) = expired_after(case, "connection.mapped").await;
    assert_eq!(
        lab.seen_by(&given.id).await.len(),
        1,
        "mapped, and no row says so"
    );
    lab.start_worker().await;
    given.ended(&lab).await;
    assert!(lab.seen_by(&given.id).await.is_empty());
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn a_mapping_that_a_row_stands_for_stays() {
    let (lab, given) = expired(Case::AttachmentUpdate, "attachment.written").await;
    assert_eq!(lab.seen_by(&given.id).await.len(), 1);
    assert_eq!(
        lab.row(&given.id).await.status.as_deref(),
        Some("attaching")
    );
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn an_initialized_connection_that_was_given_up_is_taken_back() {
    let case = Case::InitializeConnection;
    let (mut lab, given) = expired_after(case, "connection.mapped").await;
    lab.set(&given.id, "status = 'available'").await;
    lab.start_worker().await;
    given.ended(&lab).await;
    assert!(lab.seen_by(&given.id).await.is_empty());
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn a_backup_gets_its_device() {
    let (lab, given) = expired(Case::BackupDevice, "get_backup_device.on_array").await;
    let backup = given.backup.as_ref().expect("a backup");
    let left = super::backups::left(&lab, backup).await;
    assert_eq!(left["casts"], 1, "{left}");
    assert_eq!(left["on_array"], 1, "{left}");
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn a_restore_is_handed_over() {
    let (lab, given) = expired(Case::FromBackup, "create_volume.on_array").await;
    let backup = given.backup.as_ref().expect("a backup");
    let left = super::backups::left(&lab, backup).await;
    assert_eq!(left["casts"], 1, "{left}");
    assert_eq!(left["status"], "restoring", "{left}");
    let status = lab.row(&given.id).await.status;
    assert_eq!(status.as_deref(), Some("creating"));
    lab.finish_as_it_is().await;
}
