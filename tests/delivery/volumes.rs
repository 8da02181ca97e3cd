//! The cases of growth, snapshots and copies.

use cinder_volume_xtremio::sim::{Fault, FaultAction, FaultMatch};
use serde_json::{Value, json};

use super::case::{Case, Given, POOL};
use crate::support::bodies::Body;
use crate::support::lab::Lab;

/// The kill points that only these commands pass.
pub(super) fn points(case: Case) -> &'static [&'static str] {
    match case {
        Case::Extend | Case::ExtendInUse => &["extend_volume.on_array", "extend_volume.ended"],
        Case::ExtendFails => &["message.written", "extend_volume.failed"],
        Case::ExtendCompletion => &["extend_volume.ended"],
        Case::CreateSnapshot => &[
            "worker.claimed",
            "create_snapshot.on_array",
            "create_snapshot.metadata_copied",
            "create_snapshot.ended",
        ],
        Case::CreateSnapshotFails => &[
            "worker.claimed",
            "message.written",
            "create_snapshot.failed",
        ],
        Case::DeleteSnapshot => &[
            "delete_snapshot.off_array",
            "delete_snapshot.reserved",
            "delete_snapshot.ended",
        ],
        Case::DeleteSnapshotBusy | Case::DeleteSnapshotFails => {
            &["message.written", "delete_snapshot.failed"]
        }
        Case::FromSnapshot | Case::Clone => &[
            "worker.claimed",
            "create_volume.copied",
            "create_volume.metadata_copied",
            "create_volume.ended",
        ],
        Case::CloneFails => &["worker.claimed", "create_volume.failed"],
        Case::Cascade => &[
            "worker.claimed",
            "delete_snapshot.off_array",
            "delete_snapshot.reserved",
            "delete_snapshot.ended",
            "delete_volume.off_array",
            "delete_volume.reserved",
            "delete_volume.ended",
        ],
        other => panic!("{other:?} is none of these"),
    }
}

/// As `Case::prepare`; `None` for cases that are not about these commands.
pub(super) async fn prepare(case: Case, lab: &Lab) -> Option<Given> {
    let given = match case {
        Case::Extend | Case::ExtendInUse | Case::ExtendFails | Case::ExtendCompletion => {
            growth(case, lab).await
        }
        Case::CreateSnapshot | Case::CreateSnapshotFails => {
            let volume = lab.created("xio", 1).await;
            lab.bootable(&volume).await;
            let id = lab.snapshot_creating(&volume).await;
            let body = Body::of("create_snapshot").on_snapshot(&id, &volume);
            let mut given = Given::new(lab, volume, body).await;
            given.snapshots.push(id);
            if case == Case::CreateSnapshotFails {
                refuse(lab, "POST", Some("snapshots"));
            }
            given
        }
        Case::DeleteSnapshot | Case::DeleteSnapshotBusy | Case::DeleteSnapshotFails => {
            let volume = lab.created("xio", 1).await;
            let id = lab.snapshotted("xio", &volume).await;
            lab.set_snapshot(&id, "status = 'deleting'").await;
            let body = Body::of("delete_snapshot").on_snapshot(&id, &volume);
            let mut given = Given::new(lab, volume, body).await;
            match case {
                Case::DeleteSnapshotBusy => given.mapping = Some(lab.mapped(&id).await),
                Case::DeleteSnapshotFails => refuse(lab, "DELETE", None),
                _ => {}
            }
            given.snapshots.push(id);
            given
        }
        Case::FromSnapshot | Case::Clone | Case::CloneFails => {
            let source = lab.created("xio", 1).await;
            lab.bootable(&source).await;
            let (id, body) = match case {
                Case::FromSnapshot => {
                    let snapshot = lab.snapshotted("xio", &source).await;
                    lab.copying("xio", 2, "snapshot_id", &snapshot).await
                }
                _ => lab.copying("xio", 2, "source_volid", &source).await,
            };
            if case == Case::CloneFails {
                refuse(lab, "POST", Some("snapshots"));
            }
            let mut given = Given::new(lab, id, body.without_retry()).await;
            given.source = Some(source);
            given
        }
        Case::Cascade => {
            let volume = lab.created("xio", 1).await;
            let body = Body::delete(&volume, POOL).arg("cascade", json!(true));
            let mut snapshots = Vec::new();
            for _ in 0..2 {
                let id = lab.snapshotted("xio", &volume).await;
                lab.set_snapshot(&id, "status = 'deleting'").await;
                snapshots.push(id);
            }
            lab.set(&volume, "status = 'deleting'").await;
            let mut given = Given::new(lab, volume, body).await;
            given.snapshots = snapshots;
            given
        }
        _ => return None,
    };
    Some(given)
}

async fn growth(case: Case, lab: &Lab) -> Given {
    let id = lab.created("xio", 1).await;
    if case == Case::ExtendInUse {
        let instance = "1f0a3b1e-0000-4000-8000-000000000001";
        lab.attached(&id, Some(instance)).await;
    }
    let mut body = lab.extending("xio", &id, 3).await;
    match case {
        Case::ExtendFails => refuse(lab, "PUT", None),
        Case::ExtendCompletion => {
            body.0["method"] = json!("extend_volume_completion");
            body.0["version"] = json!("3.19");
            body = body.arg("error", json!(false));
        }
        _ => {}
    }
    Given::new(lab, id, body).await
}

/// As `Case::succeed`.
pub(super) async fn succeed(case: Case, lab: &Lab, given: &Given) {
    let id = &given.id;
    match case {
        // What comes next is in progress, or has made the size another one.
        Case::Extend | Case::ExtendFails => {
            lab.extending("xio", id, 5).await;
            // What it reserved would be left over: nobody sends its cast.
            let open = "UPDATE reservations SET deleted = true";
            lab.db.execute(open).await;
        }
        Case::ExtendInUse | Case::ExtendCompletion => {
            lab.set(id, "status = 'available', size = 5").await;
        }
        Case::CreateSnapshot | Case::CreateSnapshotFails => {
            lab.set_snapshot(&given.snapshots[0], "status = 'backing-up'")
                .await;
        }
        Case::DeleteSnapshotBusy | Case::DeleteSnapshotFails => {
            if let Some(mapping) = given.mapping {
                lab.xms.delete(&format!("types/lun-maps/{mapping}")).await;
            }
            lab.set_snapshot(&given.snapshots[0], "status = 'available'")
                .await;
        }
        Case::FromSnapshot | Case::Clone | Case::CloneFails => {
            lab.delete("xio", id).await;
            lab.wait_status(id, "deleted").await;
        }
        _ => {}
    }
}

/// What a command on a snapshot can have left.
pub(super) async fn left(lab: &Lab, id: &str) -> Value {
    let array = lab.array();
    let workers = format!("FROM workers WHERE resource_id = '{id}'");
    json!({
        "status": lab.snapshot_text(id, "status").await,
        "progress": lab.snapshot_text(id, "progress").await,
        "deleted": lab.snapshot_text(id, "deleted").await,
        "image_metadata": lab.image_metadata(id).await,
        "workers": lab.db.number("COUNT(*)", &workers).await,
        "array": array.iter().filter(|name| name.contains(id)).count(),
        "messages": lab.messages(id).await,
    })
}

/// The array refuses these requests until the faults are cleared.
fn refuse(lab: &Lab, method: &str, kind: Option<&str>) {
    lab.xms.sim.add_fault(Fault {
        matching: FaultMatch {
            method: Some(method.to_owned()),
            kind: kind.map(str::to_owned),
            name: None,
        },
        action: FaultAction::Status(400),
        times: None,
    });
}
