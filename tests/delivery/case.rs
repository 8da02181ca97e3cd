//! The commands of the table, and what each leaves behind.

use cinder_volume_xtremio::config::Engine;
use cinder_volume_xtremio::sim::{Fault, FaultAction, FaultMatch};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::bodies::{Body, PROJECT};
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
    Extend,
    /// A question that changes nothing.
    AcceptTransfer,
}

impl Case {
    pub(crate) const ALL: [Self; 9] = [
        Self::Create,
        Self::CreateFails,
        Self::CreateMovesOn,
        Self::Delete,
        Self::DeleteBusy,
        Self::DeleteFails,
        Self::Unmanage,
        Self::Extend,
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
            Self::Extend => &["refused.row_ended", "refused.rolled_back"],
            Self::AcceptTransfer => return Vec::new(),
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
            Self::Extend => extend(lab, &id).await,
            Self::AcceptTransfer => transfer(&id),
        };
        match self {
            Self::CreateFails | Self::CreateMovesOn => {
                lab.xms.sim.add_fault(named("POST", &id, FaultAction::Full));
            }
            Self::Delete | Self::DeleteBusy | Self::DeleteFails => {
                lab.set(&id, "status = 'deleting'").await;
            }
            Self::Unmanage => lab.set(&id, "status = 'unmanaging'").await,
            Self::Extend => lab.set(&id, "status = 'extending'").await,
            Self::Create | Self::AcceptTransfer => {}
        }
        let mapping = match self {
            Self::DeleteBusy => Some(map(lab, &id).await),
            _ => None,
        };
        if self == Self::DeleteFails {
            let refused = FaultAction::Status(400);
            lab.xms.sim.add_fault(named("DELETE", &id, refused));
        }
        let usage = lab.usage().await;
        Given {
            id,
            body,
            usage,
            mapping,
        }
    }

    /// What the next command on the resource leaves: the state that a late repeat of this one
    /// must not touch.
    pub(crate) async fn succeed(self, lab: &Lab, given: &Given) {
        let id = &given.id;
        lab.xms.sim.clear_faults();
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
            Self::DeleteFails | Self::Extend | Self::AcceptTransfer => {
                lab.set(id, "status = 'available'").await;
            }
            Self::Delete | Self::Unmanage => {}
        }
    }
}

/// A command that is about to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) id: String,
    pub(crate) body: Body,
    usage: [(i64, i64); 4],
    /// Index of the LUN mapping that keeps the volume busy.
    mapping: Option<u64>,
}

impl Given {
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
        let mut usage = lab.usage().await.to_vec();
        for (now, before) in usage.iter_mut().zip(self.usage) {
            *now = (now.0 - before.0, now.1 - before.1);
        }
        let array = lab.array();
        json!({
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

/// A lab in which every case can be played.
pub(crate) async fn lab() -> Lab {
    let lab = LabBuilder::new(Engine::MySql).build().await;
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

async fn extend(lab: &Lab, id: &str) -> Body {
    let reservation = Uuid::new_v4().to_string();
    lab.db
        .execute(&format!(
            "INSERT INTO reservations (created_at, deleted, uuid, usage_id, project_id, resource, \
             delta, expire) SELECT '2026-01-02 03:04:05', false, '{reservation}', id, project_id, \
             resource, 1, '2036-01-02 03:04:05' FROM quota_usages WHERE resource = 'gigabytes' \
             AND project_id = '{PROJECT}'"
        ))
        .await;
    lab.db
        .execute("UPDATE quota_usages SET reserved = reserved + 1 WHERE resource = 'gigabytes'")
        .await;
    let body = Body::of("extend_volume").on_volume("/args/volume", id, POOL);
    body.arg("reservations", json!([reservation]))
}

/// Maps a volume to an initiator group of its own; the index of the mapping.
async fn map(lab: &Lab, id: &str) -> u64 {
    let group = format!("ig-{id}");
    let body = json!({"ig-name": group});
    lab.xms.post("types/initiator-groups", body).await;
    let body = json!({"vol-id": id, "ig-id": group});
    lab.xms.post("types/lun-maps", body).await[0]
}
