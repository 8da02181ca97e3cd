//! How rows end whose message was lost: one table by in-progress state, without I/O.
//!
//! States in which somebody else is at work for as long as it likes are not here: `attaching`
//! and `detaching` (Nova), `backing-up` and `restoring-backup` (cinder-backup), `maintenance`,
//! `awaiting-transfer`.

use crate::manager::refusal::{Refusal, RowEnd, VolumeEnd};
use crate::report::{Action, Detail, Subject};

/// `volumes.status` of volumes whose command has no worker row.
pub(super) const VOLUMES: &[&str] = &[
    "extending",
    "retyping",
    "managing",
    "unmanaging",
    "reverting",
    "downloading",
    "uploading",
];
/// `volumes.migration_status`
pub(super) const MIGRATIONS: &[&str] = &["starting", "migrating", "completing"];
/// `snapshots.status`
pub(super) const SNAPSHOTS: &[&str] = &["creating", "deleting", "unmanaging", "restoring"];
/// `groups.status`
pub(super) const GROUPS: &[&str] = &["creating", "updating", "deleting"];
/// `group_snapshots.status`
pub(super) const GROUP_SNAPSHOTS: &[&str] = &["creating", "deleting"];

/// A volume in an in-progress state; `None` for states that are not ours to end.
pub(super) fn volume(id: &str, status: &str) -> Option<Refusal> {
    let end = |from: &'static [&'static str], to| {
        Some(
            Refusal::new(format!("go on with volume {id}")).row(RowEnd::Volume(
                id.to_owned(),
                from,
                to,
            )),
        )
    };
    let tell = |refusal: Option<Refusal>, action| {
        refusal.map(|refusal| refusal.tell(Subject::Volume, id, action, Detail::Unknown))
    };
    match status {
        "creating" => tell(
            end(&["creating"], VolumeEnd::Status("error")),
            Action::CreateVolumeFromBackend,
        ),
        "downloading" => tell(
            end(&["downloading"], VolumeEnd::Status("error")),
            Action::CopyImageToVolume,
        ),
        "uploading" => tell(
            end(&["uploading"], VolumeEnd::ByAttachments),
            Action::CopyVolumeToImage,
        ),
        "extending" => tell(
            end(&["extending"], VolumeEnd::Status("error_extending")),
            Action::ExtendVolume,
        ),
        "deleting" => end(&["deleting"], VolumeEnd::Status("error_deleting")),
        "unmanaging" => end(&["unmanaging"], VolumeEnd::Status("error_unmanaging")),
        "retyping" => end(&["retyping"], VolumeEnd::Previous),
        "managing" => end(&["managing"], VolumeEnd::Status("error_managing")),
        "reverting" => end(&["reverting"], VolumeEnd::Status("error")),
        _ => None,
    }
}

/// A migration that nobody goes on with.
pub(super) fn migration(id: &str) -> Refusal {
    Refusal::new(format!("go on with the migration of volume {id}"))
        .row(RowEnd::Migration(id.to_owned()))
}

/// A snapshot in an in-progress state.
pub(super) fn snapshot(id: &str, status: &str) -> Option<Refusal> {
    let row = |from: &'static [&'static str], to| RowEnd::Snapshot(id.to_owned(), from, to);
    let (row, told) = match status {
        "creating" => (
            row(&["creating"], "error"),
            Some((Action::SnapshotCreate, Detail::SnapshotCreateError)),
        ),
        "deleting" => (
            row(&["deleting"], "error_deleting"),
            Some((Action::SnapshotDelete, Detail::SnapshotDeleteError)),
        ),
        "unmanaging" => (row(&["unmanaging"], "error_deleting"), None),
        "restoring" => (row(&["restoring"], "available"), None),
        _ => return None,
    };
    let refusal = Refusal::new(format!("go on with snapshot {id}")).row(row);
    Some(match told {
        Some((action, detail)) => refusal.tell(Subject::Snapshot, id, action, detail),
        None => refusal,
    })
}

/// A group in an in-progress state.
pub(super) fn group(id: &str, status: &str) -> Option<Refusal> {
    let from = GROUPS.iter().find(|state| **state == status)?;
    Some(Refusal::new(format!("go on with group {id}")).row(RowEnd::Group(id.to_owned(), from)))
}

/// A group snapshot in an in-progress state.
pub(super) fn group_snapshot(id: &str, status: &str) -> Option<Refusal> {
    let from = GROUP_SNAPSHOTS.iter().find(|state| **state == status)?;
    let row = RowEnd::GroupSnapshot(id.to_owned(), from);
    Some(Refusal::new(format!("go on with group snapshot {id}")).row(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_that_is_looked_for_has_an_end() {
        assert!(VOLUMES.iter().all(|state| volume("v", state).is_some()));
        assert!(SNAPSHOTS.iter().all(|state| snapshot("s", state).is_some()));
        assert!(GROUPS.iter().all(|state| group("g", state).is_some()));
        assert!(
            GROUP_SNAPSHOTS
                .iter()
                .all(|state| group_snapshot("g", state).is_some())
        );
    }

    #[test]
    fn what_others_work_on_is_left_alone() {
        for state in [
            "attaching",
            "detaching",
            "backing-up",
            "restoring-backup",
            "maintenance",
            "in-use",
        ] {
            assert_eq!(volume("v", state), None, "{state}");
        }
    }
}
