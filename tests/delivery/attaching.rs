//! The cases of both attach flows.

use serde_json::{Value, json};

use super::case::{Case, Given, POOL};
use crate::support::attachments::{connector, without_caller};
use crate::support::bodies::Body;
use crate::support::lab::Lab;

const HOST: &str = "compute1";

/// The kill points that only these commands pass.
pub(super) fn points(case: Case) -> Option<&'static [&'static str]> {
    Some(match case {
        Case::AttachmentUpdate => &["connection.mapped", "attachment.written"],
        Case::InitializeConnection => &["connection.mapped"],
        Case::AttachmentDelete | Case::TerminateConnection => &["connection.unmapped"],
        Case::AttachVolume => &["attach_volume.begun", "attachment.written"],
        Case::DetachVolume => &["attachment.ended"],
        _ => return None,
    })
}

/// As `Case::prepare`; `None` for cases that are not about these commands.
pub(super) async fn prepare(case: Case, lab: &Lab) -> Option<Given> {
    points(case)?;
    let id = lab.created("xio", 1).await;
    let body = match case {
        Case::AttachmentUpdate => {
            let attachment = lab.attachment(&id, "reserved").await;
            lab.update_of(&id, "xio", &attachment, HOST)
        }
        Case::AttachmentDelete => {
            let (attachment, _) = lab.attach("xio", &id, HOST).await;
            lab.delete_of(&id, "xio", &attachment)
        }
        Case::InitializeConnection | Case::TerminateConnection => {
            lab.set(&id, "status = 'attaching'").await;
            let initialize = Body::of("initialize_connection")
                .on_volume("/args/volume", &id, POOL)
                .arg("connector", connector(HOST));
            if case == Case::InitializeConnection {
                initialize
            } else {
                lab.call("xio", "initialize_connection", initialize.args())
                    .await;
                Body::of("terminate_connection")
                    .arg("volume_id", json!(id))
                    .arg("connector", connector(HOST))
                    .arg("force", json!(false))
            }
        }
        Case::AttachVolume => {
            lab.set(&id, "status = 'attaching'").await;
            Body::of("attach_volume")
                .on_volume("/args/volume", &id, POOL)
                .arg("volume_id", json!(id))
                .arg("mode", json!("rw"))
        }
        _ => {
            lab.attached(&id, None).await;
            lab.set(&id, "status = 'detaching'").await;
            Body::of("detach_volume")
                .on_volume("/args/volume", &id, POOL)
                .arg("volume_id", json!(id))
                .arg("attachment_id", Value::Null)
        }
    };
    Some(Given::new(lab, id, without_caller(body)).await)
}

/// As `Case::succeed`; false for cases that are not about these commands.
pub(super) async fn succeed(case: Case, lab: &Lab, given: &Given) -> bool {
    let id = &given.id;
    let all = format!("volume_id = '{id}'");
    match case {
        // A late repeat must not turn `in-use` back to `attaching`.
        Case::AttachmentUpdate => {
            let rows =
                format!("UPDATE volume_attachment SET attach_status = 'attached' WHERE {all}");
            lab.db.execute(&rows).await;
            lab.set(id, "status = 'in-use', attach_status = 'attached'")
                .await;
        }
        // Nor unmap what is attached again.
        Case::AttachmentDelete | Case::TerminateConnection => {
            let rows = format!("UPDATE volume_attachment SET deleted = true WHERE {all}");
            lab.db.execute(&rows).await;
            lab.attach("xio", id, HOST).await;
        }
        // Nor map what was given up.
        Case::InitializeConnection => {
            let terminate = Body::of("terminate_connection")
                .arg("volume_id", json!(id))
                .arg("connector", connector(HOST));
            lab.call("xio", "terminate_connection", terminate.args())
                .await;
            lab.set(id, "status = 'available'").await;
        }
        Case::AttachVolume => {
            let rows = format!("UPDATE volume_attachment SET deleted = true WHERE {all}");
            lab.db.execute(&rows).await;
            lab.set(id, "status = 'available', attach_status = 'detached'")
                .await;
        }
        Case::DetachVolume => lab.attached(id, None).await,
        _ => return false,
    }
    true
}

/// What such a command can have left.
pub(super) async fn left(lab: &Lab, id: &str) -> Value {
    let row = lab.row(id).await;
    let mut statuses = Vec::new();
    for status in [
        "reserved",
        "attaching",
        "attached",
        "detached",
        "error_attaching",
    ] {
        for deleted in [false, true] {
            let rest = format!(
                "FROM volume_attachment WHERE volume_id = '{id}' AND attach_status = '{status}' \
                 AND deleted = {deleted}"
            );
            statuses.push(lab.db.number("COUNT(*)", &rest).await);
        }
    }
    let seen_by = if lab.array().iter().any(|name| name == id) {
        lab.seen_by(id).await.len()
    } else {
        0
    };
    json!({"attach_status": row.attach_status, "attachments": statuses, "seen_by": seen_by})
}
