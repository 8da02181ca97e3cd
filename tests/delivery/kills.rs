//! `kill -9` in every gap between two durable writes: the end is that of an undisturbed run.

use std::collections::BTreeSet;

use cinder_volume_xtremio::kill::{Point, VARIABLE};

use super::case::{Case, given_back, lab_of};
use crate::support::worker::eventually;

async fn at_every_point(case: Case) {
    let mut lab = lab_of(case).await;
    lab.start_worker().await;
    let given = case.prepare(&lab).await;
    given.send(&lab, 1).await;
    given.ended(&lab).await;
    let wanted = given.left(&lab).await;
    lab.xms.sim.clear_faults();
    for point in case.points() {
        let given = case.prepare(&lab).await;
        lab.worker().stop().await;
        let mut doomed = lab.spawn_with(&[(VARIABLE, point)]);
        doomed.says(" serving").await;
        given.send(&lab, 1).await;
        doomed.killed().await;
        lab.start_worker().await;
        given.ended(&lab).await;
        lab.wait_idle("xio").await;
        eventually(
            &format!("{case:?} killed at {point}: {wanted}"),
            async || {
                let left = given.left(&lab).await;
                (left == wanted).then_some(())
            },
        )
        .await;
        if case == Case::CreateMovesOn {
            let casts: BTreeSet<_> = given_back(&lab, &given.id).await.into_iter().collect();
            assert_eq!(casts.len(), 1, "{point}: oslo drops what has the same id");
        }
        lab.xms.sim.clear_faults();
    }
    lab.finish_as_it_is().await;
}

macro_rules! on_cases {
    ($($name:ident: $case:ident,)*) => {
        $(#[tokio::test]
        async fn $name() {
            at_every_point(Case::$case).await;
        })*
    };
}

on_cases! {
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
}

#[test]
fn every_point_is_passed_by_a_case() {
    let mut passed: BTreeSet<&str> = Case::ALL.iter().flat_map(|case| case.points()).collect();
    // Of calls alone: see `calls`.
    passed.insert("reply.sent");
    let all: BTreeSet<&str> = Point::ALL.iter().map(|point| point.name()).collect();
    assert_eq!(passed, all);
}
