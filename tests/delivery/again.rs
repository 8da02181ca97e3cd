//! The same message twice at once, and again after the next command on the resource.

use super::case::{Case, given_back, lab_of};
use crate::support::lab::Lab;

/// What one delivery leaves.
async fn once(lab: &Lab, case: Case) -> serde_json::Value {
    let given = case.prepare(lab).await;
    given.send(lab, 1).await;
    if case.points().is_empty() {
        lab.still_answers("xio").await;
    } else {
        given.ended(lab).await;
    }
    let left = given.left(lab).await;
    lab.xms.sim.clear_faults();
    left
}

async fn twice_at_once(case: Case) {
    let mut lab = lab_of(case).await;
    lab.start_worker().await;
    let wanted = once(&lab, case).await;
    for _ in 0..3 {
        let given = case.prepare(&lab).await;
        let before = lab.worker().log().matches("repeat of a message").count();
        given.send(&lab, 2).await;
        let worker = lab.worker();
        worker.says_times("repeat of a message", before + 1).await;
        if !case.points().is_empty() {
            given.ended(&lab).await;
        }
        lab.wait_idle("xio").await;
        let left = given.left(&lab).await;
        assert_eq!(left, wanted, "{case:?}");
        if case == Case::CreateMovesOn {
            assert_eq!(given_back(&lab, &given.id).await.len(), 1, "casts");
        }
        lab.xms.sim.clear_faults();
    }
    lab.finish_as_it_is().await;
}

/// In the process that ran it, and in the next one, which knows it from the journal alone.
async fn after_its_successor(case: Case) {
    let mut lab = lab_of(case).await;
    lab.start_worker().await;
    let given = case.prepare(&lab).await;
    given.send(&lab, 1).await;
    if case.points().is_empty() {
        lab.still_answers("xio").await;
    } else {
        given.ended(&lab).await;
    }
    lab.wait_idle("xio").await;
    case.succeed(&lab, &given).await;
    let wanted = given.left(&lab).await;
    given.send(&lab, 1).await;
    lab.worker().says_times("repeat of a message", 1).await;
    lab.wait_idle("xio").await;
    assert_eq!(
        given.left(&lab).await,
        wanted,
        "{case:?} in the same process"
    );
    lab.worker().stop().await;
    lab.start_worker().await;
    given.send(&lab, 1).await;
    if case.points().is_empty() {
        lab.still_answers("xio").await;
    } else {
        lab.worker().says_times("repeat of a command", 1).await;
    }
    lab.wait_idle("xio").await;
    assert_eq!(
        given.left(&lab).await,
        wanted,
        "{case:?} in the next process"
    );
    lab.finish_as_it_is().await;
}

macro_rules! on_every_case {
    ($($name:ident: $case:ident,)*) => {
        mod twice_at_once {
            $(#[tokio::test]
            async fn $name() {
                super::twice_at_once(super::Case::$case).await;
            })*
        }

        mod after_its_successor {
            $(#[tokio::test]
            async fn $name() {
                super::after_its_successor(super::Case::$case).await;
            })*
        }

        #[test]
        fn the_table_holds_every_case() {
            assert_eq!([$(Case::$case,)*], Case::ALL);
        }
    };
}

on_every_case! {
    create: Create,
    create_fails: CreateFails,
    create_moves_on: CreateMovesOn,
    delete: Delete,
    delete_busy: DeleteBusy,
    delete_fails: DeleteFails,
    unmanage: Unmanage,
    refused: Refused,
    extend: Extend,
    extend_in_use: ExtendInUse,
    extend_fails: ExtendFails,
    extend_completion: ExtendCompletion,
    create_snapshot: CreateSnapshot,
    create_snapshot_fails: CreateSnapshotFails,
    delete_snapshot: DeleteSnapshot,
    delete_snapshot_busy: DeleteSnapshotBusy,
    delete_snapshot_fails: DeleteSnapshotFails,
    from_snapshot: FromSnapshot,
    clone_volume: Clone,
    clone_fails: CloneFails,
    cascade: Cascade,
    attachment_update: AttachmentUpdate,
    attachment_delete: AttachmentDelete,
    initialize_connection: InitializeConnection,
    terminate_connection: TerminateConnection,
    attach_volume: AttachVolume,
    detach_volume: DetachVolume,
    backup_device: BackupDevice,
    from_backup: FromBackup,
    from_image: FromImage,
    to_image: ToImage,
    to_image_fails: ToImageFails,
    accept_transfer: AcceptTransfer,
}
