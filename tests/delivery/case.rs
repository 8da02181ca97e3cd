//! The commands of the table, and what each leaves behind.

use cinder_volume_xtremio::config::Engine;
use cinder_volume_xtremio::sim::{Fault, FaultAction, FaultMatch};
use serde_json::{Value, json};

use super::{attaching, backups, images, volumes};
use crate::support::bodies::Body;
use crate::support::lab::{Lab, LabBuilder};
use crate::support::worker::eventually;

pub(crate) const POOL: &str = "ctl1@xio#xio";
const SCHEDULER: &str = "cinder-scheduler";

/// A command in a situation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    /// A blank volume.
    Create,
    /// A blank volume that the array has no room for, and that may not go elsewhere.
    CreateFails,
    /// The same, and the scheduler may try elsewhere.
    CreateMovesOn,
    Delete,
    /// The volume is mapped to a host.
    DeleteBusy,
    /// The array answers with an error.
    DeleteFails,
    Unmanage,
    /// A command that this version refuses, with reservations to roll back.
    Refused,
    // Growth, snapshots and copies: see `volumes`.
    Extend,
    /// Instances have it attached.
    ExtendInUse,
    ExtendFails,
    ExtendCompletion,
    CreateSnapshot,
    CreateSnapshotFails,
    DeleteSnapshot,
    /// The snapshot is mapped to a host.
    DeleteSnapshotBusy,
    DeleteSnapshotFails,
    FromSnapshot,
    Clone,
    /// The array refuses the copy.
    CloneFails,
    /// With two snapshots.
    Cascade,
    // Both attach flows: see `attaching`.
    AttachmentUpdate,
    AttachmentDelete,
    InitializeConnection,
    TerminateConnection,
    AttachVolume,
    DetachVolume,
    // See `backups`.
    /// Of a volume in use.
    BackupDevice,
    FromBackup,
    // See `images`.
    FromImage,
    ToImage,
    /// Of a format that nobody can make.
    ToImageFails,
    /// A question that changes nothing.
    AcceptTransfer,
}

impl Case {
    pub(crate) const ALL: [Self; 33] = [
        Self::Create,
        Self::CreateFails,
        Self::CreateMovesOn,
        Self::Delete,
        Self::DeleteBusy,
        Self::DeleteFails,
        Self::Unmanage,
        Self::Refused,
        Self::Extend,
        Self::ExtendInUse,
        Self::ExtendFails,
        Self::ExtendCompletion,
        Self::CreateSnapshot,
        Self::CreateSnapshotFails,
        Self::DeleteSnapshot,
        Self::DeleteSnapshotBusy,
        Self::DeleteSnapshotFails,
        Self::FromSnapshot,
        Self::Clone,
        Self::CloneFails,
        Self::Cascade,
        Self::AttachmentUpdate,
        Self::AttachmentDelete,
        Self::InitializeConnection,
        Self::TerminateConnection,
        Self::AttachVolume,
        Self::DetachVolume,
        Self::BackupDevice,
        Self::FromBackup,
        Self::FromImage,
        Self::ToImage,
        Self::ToImageFails,
        Self::AcceptTransfer,
    ];

    /// The kill points that the command passes here.
    pub(crate) fn points(self) -> Vec<&'static str> {
        let own: &[&str] = match self {
            Self::Create => &[
                "worker.claimed",
                "create_volume.on_array",
                "create_volume.ended",
            ],
            Self::CreateFails => &["worker.claimed", "message.written", "create_volume.failed"],
            Self::CreateMovesOn => &[
                "worker.claimed",
                "message.written",
                "create_volume.tidied",
                "create_volume.unhosted",
                "create_volume.given_back",
            ],
            Self::Delete => &[
                "worker.claimed",
                "delete_volume.off_array",
                "delete_volume.reserved",
                "delete_volume.ended",
            ],
            // Not a state that worker rows are for.
            Self::Unmanage => &[
                "delete_volume.off_array",
                "delete_volume.reserved",
                "delete_volume.ended",
            ],
            Self::DeleteBusy | Self::DeleteFails => &["worker.claimed", "delete_volume.failed"],
            Self::Refused => &["refused.row_ended", "refused.rolled_back"],
            Self::AcceptTransfer => return Vec::new(),
            other => attaching::points(other)
                .or_else(|| backups::points(other))
                .or_else(|| images::points(other))
                .unwrap_or_else(|| volumes::points(other)),
        };
        let around = ["command.received", "intent.written"];
        let after = ["command.ended", "finish.written"];
        around
            .into_iter()
            .chain(own.iter().copied())
            .chain(after)
            .collect()
    }

    /// Rows, array and message as the API leaves them before the command.
    pub(crate) async fn prepare(self, lab: &Lab) -> Given {
        if let Some(given) = volumes::prepare(self, lab).await {
            return given;
        }
        if let Some(given) = attaching::prepare(self, lab).await {
            return given;
        }
        if let Some(given) = backups::prepare(self, lab).await {
            return given;
        }
        if let Some(given) = images::prepare(self, lab).await {
            return given;
        }
        let id = match self {
            Self::Create | Self::CreateFails | Self::CreateMovesOn => lab.creating("xio", 1).await,
            _ => lab.created("xio", 1).await,
        };
        let create = Body::create(&id, POOL, 1);
        let delete = Body::delete(&id, POOL);
        let body = match self {
            Self::Create | Self::CreateMovesOn => create,
            Self::CreateFails => create.without_retry(),
            Self::Unmanage => delete.arg("unmanage_only", Value::Bool(true)),
            Self::Delete | Self::DeleteBusy | Self::DeleteFails => delete,
            Self::Refused => retype(lab, &id).await,
            _ => transfer(&id),
        };
        match self {
            Self::CreateFails | Self::CreateMovesOn => {
                lab.xms.sim.add_fault(named("POST", &id, FaultAction::Full));
            }
            Self::Delete | Self::DeleteBusy | Self::DeleteFails => {
                lab.set(&id, "status = 'deleting'").await;
            }
            Self::Unmanage => lab.set(&id, "status = 'unmanaging'").await,
            Self::Refused => {
                lab.set(&id, "status = 'retyping', previous_status = 'available'")
                    .await;
            }
            _ => {}
        }
        let mapping = match self {
            Self::DeleteBusy => Some(lab.mapped(&id).await),
            _ => None,
        };
        if self == Self::DeleteFails {
            let refused = FaultAction::Status(400);
            lab.xms.sim.add_fault(named("DELETE", &id, refused));
        }
        let mut given = Given::new(lab, id, body).await;
        given.mapping = mapping;
        given
    }

    /// What the next command on the resource leaves: the state that a late repeat of this one
    /// must not touch.
    pub(crate) async fn succeed(self, lab: &Lab, given: &Given) {
        let id = &given.id;
        lab.xms.sim.clear_faults();
        if attaching::succeed(self, lab, given).await
            || backups::succeed(self, lab, given).await
            || images::succeed(self, lab, given).await
        {
            return;
        }
        match self {
            Self::Create | Self::CreateFails => {
                lab.delete("xio", id).await;
                lab.wait_status(id, "deleted").await;
            }
            Self::CreateMovesOn => {
                lab.set(id, "host = 'ctl9@other#other', status = 'available'")
                    .await;
                let rest = format!("DELETE FROM workers WHERE resource_id = '{id}'");
                lab.db.execute(&rest).await;
            }
            Self::DeleteBusy => {
                let mapping = given.mapping.expect("it was mapped");
                lab.xms.delete(&format!("types/lun-maps/{mapping}")).await;
                lab.set(id, "status = 'available'").await;
            }
            Self::DeleteFails | Self::Refused | Self::AcceptTransfer => {
                lab.set(id, "status = 'available'").await;
            }
            Self::Delete | Self::Unmanage => {}
            other => volumes::succeed(other, lab, given).await,
        }
    }
}

/// A command that is about to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) id: String,
    pub(crate) body: Body,
    /// Of the volume; one of them may be what the command is about.
    pub(super) snapshots: Vec<String>,
    /// What is copied.
    pub(super) source: Option<String>,
    /// What is made or restored.
    pub(super) backup: Option<String>,
    /// What a volume is made from, or becomes.
    pub(super) image: Option<String>,
    usage: [(i64, i64); 6],
    /// Index of the LUN mapping that keeps the volume busy.
    pub(super) mapping: Option<u64>,
}

impl Given {
    pub(super) async fn new(lab: &Lab, id: String, body: Body) -> Self {
        Self {
            id,
            body,
            snapshots: Vec::new(),
            source: None,
            backup: None,
            image: None,
            usage: usage(lab).await,
            mapping: None,
        }
    }

    pub(crate) async fn send(&self, lab: &Lab, times: usize) {
        let bodies = vec![self.body.clone(); times];
        lab.casts("xio", &bodies).await;
    }

    /// Waits for the finish record.
    pub(crate) async fn ended(&self, lab: &Lab) {
        eventually(
            &format!("the end of {}", self.body.unique_id()),
            async || finish_recorded(lab, self.body.unique_id()).then_some(()),
        )
        .await;
    }

    /// All that the command can have left, without what differs from run to run.
    pub(crate) async fn left(&self, lab: &Lab) -> Value {
        let id = &self.id;
        let row = lab.row(id).await;
        let count = async |rest: String| lab.db.number("COUNT(*)", &rest).await;
        let mut usage = usage(lab).await;
        for (now, before) in usage.iter_mut().zip(self.usage) {
            *now = (now.0 - before.0, now.1 - before.1);
        }
        let array = lab.array();
        let mut snapshots = Vec::new();
        for id in &self.snapshots {
            snapshots.push(volumes::left(lab, id).await);
        }
        let source = match &self.source {
            Some(id) => lab.row(id).await.status,
            None => None,
        };
        let backup = match &self.backup {
            Some(id) => Some(backups::left(lab, id).await),
            None => None,
        };
        let image = match &self.image {
            Some(image) => Some(images::left(lab, self, image).await),
            None => None,
        };
        json!({
            "image": image,
            "backup": backup,
            "attached": attaching::left(lab, id).await,
            "size": row.size,
            "bootable": row.bootable,
            "image_metadata": lab.image_metadata(id).await,
            "snapshots": snapshots,
            "source": source,
            "status": row.status,
            "host": row.host,
            "deleted": row.deleted,
            "previous_status": row.previous_status,
            "launched": row.launched_at.is_some(),
            "service": row.service_uuid.is_some(),
            "workers": count(format!("FROM workers WHERE resource_id = '{id}' AND service_id IS NOT NULL")).await,
            "unclaimed": count(format!("FROM workers WHERE resource_id = '{id}' AND service_id IS NULL")).await,
            "reservations": count("FROM reservations WHERE deleted = false".to_owned()).await,
            "usage": usage,
            "array": array.iter().filter(|name| name.contains(id.as_str())).count(),
            "messages": lab.messages(id).await,
        })
    }
}

/// Whether the journal holds the end of a command.
pub(crate) fn finish_recorded(lab: &Lab, unique_id: &str) -> bool {
    let path = lab.dir().join("cinder-volume-xtremio/journal.sqlite");
    let Ok(journal) = rusqlite::Connection::open(path) else {
        return false;
    };
    let found = journal.query_row(
        "SELECT COUNT(*) FROM finishes WHERE unique_id = ?1",
        [unique_id],
        |row| row.get::<_, i64>(0),
    );
    found.is_ok_and(|found| found == 1)
}

async fn usage(lab: &Lab) -> [(i64, i64); 6] {
    let ([a, b, c, d], [e, f]) = (lab.usage().await, lab.snapshot_usage().await);
    [a, b, c, d, e, f]
}

/// A lab in which the case can be played.
pub(crate) async fn lab_of(case: Case) -> Lab {
    if images::is_of(case) {
        images::lab().await
    } else {
        lab().await
    }
}

/// A lab in which every case without images can be played.
pub(crate) async fn lab() -> Lab {
    let newest = LabBuilder::new(Engine::MySql).option("cinder_release = 29");
    let lab = newest.build().await;
    lab.queue_of(SCHEDULER).await;
    lab
}

/// Casts that went back to the scheduler for a volume: their ids.
pub(crate) async fn given_back(lab: &Lab, id: &str) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(message) = lab.broker.get(SCHEDULER).await {
        let message = crate::support::bodies::opened(&message.data);
        if message["args"]["volume"]["versioned_object.data"]["id"] == *id {
            found.push(message["_unique_id"].as_str().unwrap().to_owned());
        }
    }
    found
}

fn named(method: &str, name: &str, action: FaultAction) -> Fault {
    Fault {
        matching: FaultMatch {
            method: Some(method.to_owned()),
            kind: Some("volumes".to_owned()),
            name: Some(name.to_owned()),
        },
        action,
        times: None,
    }
}

fn transfer(id: &str) -> Body {
    let mut body = Body::of("accept_transfer").arg("volume_id", json!(id));
    // The captured caller has gone; `calls` has one that waits.
    body.0
        .retain(|member, _| member != "_msg_id" && member != "_reply_q");
    body
}

async fn retype(lab: &Lab, id: &str) -> Body {
    let reservations = lab.reserve_gigabytes(1).await;
    let body = Body::of("retype").on_volume("/args/volume", id, POOL);
    body.arg("reservations", reservations)
        .arg("old_reservations", Value::Null)
}
